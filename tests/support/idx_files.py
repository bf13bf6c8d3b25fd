"""IDX files built with struct, valid and invalid, and the form of an error."""

import gzip
import struct

import numpy as np
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


def fashion_like_set(folder, train=60, test=20):
    """A data set that is not MNIST, unpacked in torchvision's FashionMNIST/raw: pictures that fill the 28 x 28 pixels.

    Class n is a plane of stripes n + 1 pixels wide, from one border to the other, with noise. Returns the folder.
    """
    raw = folder / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    random = np.random.RandomState(0)
    for prefix, count in (("train", train), ("t10k", test)):
        images = np.zeros([count, 28, 28], np.uint8)
        for n in range(count):
            images[n] = 40 + 150 * (np.arange(28) // (n % 10 + 1) % 2) + random.randint(0, 60, [28, 28])
        head = struct.pack(">4I", 2051, count, 28, 28)
        (raw / (prefix + "-images-idx3-ubyte")).write_bytes(head + images.tobytes())
        (raw / (prefix + "-labels-idx1-ubyte")).write_bytes(labels_idx([n % 10 for n in range(count)]))
    return str(folder)


def refusal(call, *arguments):
    """The one line of the `UserError` that a call raises."""
    with pytest.raises(UserError) as caught:
        call(*arguments)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)
