"""The reader of IDX files under arbitrary and mutated bytes: it reads exactly what is valid, and refuses all else.

What is valid, `oracle` says by unpacking the whole file first, which the reader must never do.
"""

import gzip
import random
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legacy_graph.data import mnist
from legacy_graph.data.idx import read_idx
from legacy_graph.errors import UserError
from tests.support.idx_files import images_idx, labels_idx
from tests.support.mutants import mutate

SHAPES = {(28, 28): struct.pack(">I", 2051), (): struct.pack(">I", 2049)}
shapes = st.sampled_from(sorted(SHAPES))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return str(tmp_path_factory.mktemp("fuzz") / "some-idx-ubyte.gz")


def oracle(content, shape):
    """The items' bytes if `content` is a valid file, None if not."""
    try:
        raw = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError, zlib.error):
        return None
    head = SHAPES[shape] + raw[4:8] + struct.pack(f">{len(shape)}I", *shape)
    items = raw[len(head) :]
    count = int.from_bytes(raw[4:8], "big")
    valid = raw.startswith(head) and count and len(items) == count * (784 if shape else 1)
    return items if valid else None


def check(path, content, shape):
    """Read `content` as a file; agree with the oracle; return whether it is valid."""
    with open(path, "wb") as file:
        file.write(content)
    expected = oracle(content, shape)
    try:
        items = read_idx(path, shape)
    except UserError as error:
        assert expected is None
        assert str(error).startswith(path + ": expected ")
        assert len(str(error).splitlines()) == 1
        return False
    assert items.tobytes() == expected
    assert items.shape[1:] == shape
    return True


@given(st.binary(max_size=300), shapes, st.integers(0, 9), st.booleans())
@settings(max_examples=200, deadline=None)
def test_arbitrary_bytes_in_gzip_and_behind_a_header(path, body, shape, level, honest):
    items = len(body) // (784 if shape else 1) if honest else len(body)
    head = SHAPES[shape] + struct.pack(f">{1 + len(shape)}I", items, *shape)
    check(path, gzip.compress(head + body, level), shape)


@given(st.data(), st.integers(1, 60), st.integers(0, 2**32 - 1), st.integers(0, 10**6))
@settings(max_examples=200, deadline=None)
def test_batches_are_one_endless_row_of_shuffled_epochs(data, count, seed, step):
    """Digit number p of the row is number p % N of epoch p // N, whatever the batch and the step it starts from."""
    size = data.draw(st.integers(1, count))
    images = np.repeat(np.arange(count, dtype=np.uint8)[:, None], 784, axis=1)
    dealt = mnist.batches(mnist.Digits(images, np.arange(count, dtype=np.uint8) % 10), size, seed, step=step)
    for first in range(step * size, (step + 3) * size, size):
        pixels, labels = next(dealt)
        orders = {epoch: np.random.RandomState([seed, epoch]).permutation(count)
                  for epoch in {first // count, (first + size - 1) // count}}  # fmt: skip
        expected = [orders[place // count][place % count] for place in range(first, first + size)]
        assert pixels.dtype == labels.dtype == np.float32 and pixels.shape == (size, 784)
        np.testing.assert_array_equal(np.rint(pixels * 255), images[expected])
        assert labels.tolist() == [[float(number % 10 == column) for column in range(10)] for number in expected]


def fuzz(path, rounds, seed):
    """Check mutants of whole files and of what is packed in them; how many were valid, and the greatest excess memory.

    The excess is counted in bytes above what a file of that length can stand for: deflate's best, 1032 times it.
    """
    dice, valid, excess = random.Random(seed), 0, 0
    seeds = {(28, 28): images_idx(3), (): labels_idx(range(10))}
    for _ in range(rounds):
        shape = dice.choice(sorted(seeds))
        kind = dice.randrange(3)
        if kind == 0:
            content = mutate(dice, seeds[shape])
        elif kind == 1:
            content = gzip.compress(mutate(dice, seeds[shape]))
        else:
            content = mutate(dice, gzip.compress(seeds[shape]))
        tracemalloc.start()
        valid += check(path, content, shape)
        excess = max(excess, tracemalloc.get_traced_memory()[1] - 1032 * len(content))
        tracemalloc.stop()
    return valid, excess


def test_some_mutated_files(path):
    valid, excess = fuzz(path, 400, 0)
    assert 0 < valid < 400
    assert excess < 400000
