"""IDX files built by hand with struct, good and bad; and how a refusal must look."""

import gzip
import struct

import pytest

from legacy_graph.errors import UserError

NOWHERE = "http://127.0.0.1:1/"  # nothing listens there
NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def images_idx(count, magic=2051, rows=28, columns=28, promised=None):
    """IDX bytes of `count` pictures; pixel p of picture n is (n + p) % 251."""
    head = struct.pack(">IIII", magic, count if promised is None else promised, rows, columns)
    return head + bytes((n + p) % 251 for n in range(count) for p in range(784))


def labels_idx(labels, magic=2049, promised=None):
    return struct.pack(">II", magic, len(labels) if promised is None else promised) + bytes(labels)


def write(path, raw):
    with gzip.open(str(path), "wb") as file:
        file.write(raw)
    return str(path)


def small_set(folder, train=12, test=3):
    """The four files, labels 0, 1, 2 ... in turn; their folder as text."""
    for prefix, count in (("train", train), ("t10k", test)):
        write(folder / (prefix + "-images-idx3-ubyte.gz"), images_idx(count))
        write(folder / (prefix + "-labels-idx1-ubyte.gz"), labels_idx([n % 10 for n in range(count)]))
    return str(folder)


def refusal(call, *arguments):
    """The one line with which a call is refused."""
    with pytest.raises(UserError) as caught:
        call(*arguments)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)
