"""Finding the digits, and dealing them out."""

import os
import struct

import numpy as np
import pytest

from legacy_graph.data import mnist
from tests.support.idx_files import NOWHERE, refusal

# ---- finding


def test_nothing_there_and_no_network_gives_the_sample(tmp_path):
    folder = tmp_path / "MNIST_data"
    data = mnist.load(str(folder), NOWHERE)
    assert data.sample
    assert len(data.train.labels) == 9000
    assert len(data.source.splitlines()) == 1
    assert NOWHERE in data.source
    assert f"put MNIST's four *-ubyte.gz files into {folder}" in data.source
    assert os.listdir(str(folder)) == []


def test_a_folder_that_cannot_be_made_gives_the_sample(tmp_path):
    (tmp_path / "file").write_text("mine")
    data = mnist.load(str(tmp_path / "file" / "MNIST_data"), NOWHERE)
    assert data.sample
    assert "Not a directory" in data.source
    assert (tmp_path / "file").read_text() == "mine"


def test_a_file_instead_of_a_folder_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    assert refusal(mnist.load, str(path), NOWHERE).startswith(f"{path}: expected a directory")
    assert path.read_text() == "mine"


# ---- dealing out


def test_pixels_are_those_of_tensorflow_1():
    """Its reader: `numpy.multiply(images.astype(numpy.float32), 1.0 / 255.0)`, here one by one in float32."""
    values = mnist.scale_pixels(np.arange(256, dtype=np.uint8).reshape(1, 256))
    assert values.dtype == np.float32
    factor = struct.unpack("f", struct.pack("f", 1.0 / 255.0))[0]
    assert values[0].tolist() == [struct.unpack("f", struct.pack("f", n * factor))[0] for n in range(256)]
    assert values.min() == 0.0
    assert values.max() == 1.0


def test_one_hot():
    rows = mnist.one_hot(np.array([3, 0, 9], np.uint8))
    assert rows.dtype == np.float32
    assert rows.tolist() == [[float(column == label) for column in range(10)] for label in (3, 0, 9)]


def numbered(count):
    """Digits whose first two pixels spell their number."""
    images = np.zeros((count, 784), np.uint8)
    images[:, 0], images[:, 1] = np.arange(count) % 256, np.arange(count) // 256
    return mnist.Digits(images, (np.arange(count) % 10).astype(np.uint8))


def spelled(images):
    return [int(round(float(row[0]) * 255)) + 256 * int(round(float(row[1]) * 255)) for row in images]


def test_a_far_step_is_reached_at_once():
    """Step 3 * 10**9 of three digits a batch is the beginning of epoch 9 * 10**8 of ten."""
    images, _ = next(mnist.batches(numbered(10), 3, 1, step=3 * 10**9))
    assert spelled(images) == np.random.RandomState([1, 9 * 10**8]).permutation(10)[:3].tolist()


def test_the_order_is_the_same_on_every_version_of_numpy():
    first = spelled(next(mnist.batches(numbered(300), 8, 0))[0])
    assert first == [171, 35, 213, 286, 71, 173, 36, 84]


@pytest.mark.parametrize("size", [0, -1, 11])
def test_a_batch_that_cannot_be_is_refused_when_it_is_asked_for(size):
    assert refusal(mnist.batches, numbered(10), size, 0).startswith("batch size: expected 1 to 10")
