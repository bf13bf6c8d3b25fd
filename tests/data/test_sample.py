"""The sample in the package: pinned byte for byte, and split as `load` promises."""

import gzip
import hashlib
import os

import numpy as np
import pytest

from legacy_graph.data import mnist

# Of the uncompressed bytes. The digits behind the headers were compared with the first 10,000 of MNIST itself.
SHA256 = {
    "train-images-idx3-ubyte.gz": "ce1c032034b5fad43e18a2b91658d353f071a7265a7f0d37cd341206be50b567",
    "train-labels-idx1-ubyte.gz": "4c7c96eb2374e0b9dc6c68b9fd55d6320f474adff8375d655516481d5f74fed4",
    "t10k-images-idx3-ubyte.gz": "a5fef5f7bdae2d17214bf66b1537c5c65a8a3b91d981d11bb6160f83432af61a",
    "t10k-labels-idx1-ubyte.gz": "c11816c299eea6206a761f2c58f47236ab374e64d674dffce4e22af759852c73",
}


@pytest.fixture(scope="module")
def sample():
    return mnist.load(mnist.SAMPLE_DIR)


@pytest.mark.parametrize("name", sorted(SHA256))
def test_bytes_are_pinned(name):
    with gzip.open(os.path.join(mnist.SAMPLE_DIR, name)) as file:
        assert hashlib.sha256(file.read()).hexdigest() == SHA256[name]


def test_counts_of_each_class(sample):
    assert np.bincount(sample.train.labels).tolist() == [891, 1023, 889, 922, 899, 774, 908, 961, 846, 887]
    assert np.bincount(sample.test.labels).tolist() == [110, 104, 102, 110, 81, 89, 106, 109, 98, 91]


def test_original_order(sample):
    """MNIST's well-known beginning: 5, 0, 4, 1, 9, 2, 1, 3, 1, 4; and the row of the first five's upper stroke."""
    assert sample.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    row = sample.train.images[0].reshape(28, 28)[5]
    assert row[12:24].tolist() == [3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127]
    assert not row[:12].any()
    assert not row[24:].any()


def test_split(sample):
    assert [len(part.labels) for part in sample[:3]] == [9000, 0, 1000]
    assert sample.validation.images.shape == (0, 784)
