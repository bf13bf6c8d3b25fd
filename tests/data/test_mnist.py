"""Finding the digits, and dealing them out."""

import os
import struct

import numpy as np
import pytest

from legacy_graph.data import mnist
from tests.support.idx_files import NAMES, NOWHERE, refusal, small_set

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


@pytest.mark.parametrize("gone", NAMES)
def test_another_data_set_is_never_completed_with_mnist(tmp_path, gone):
    small_set(tmp_path)
    (tmp_path / gone).unlink()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    message = refusal(mnist.load, str(tmp_path), NOWHERE)
    assert f"found no {gone};" in message
    assert "is not MNIST's own" in message
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


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


class NextBatch:
    """TensorFlow 1's DataSet.next_batch in outline, with the order of each epoch given from outside."""

    def __init__(self, count, seed):
        self.count, self.seed, self.epoch, self.at = count, seed, 0, 0
        self.order = self.shuffled()

    def shuffled(self):
        return list(np.random.RandomState([self.seed, self.epoch]).permutation(self.count))

    def next_batch(self, size):
        if self.at + size <= self.count:
            self.at += size
            return self.order[self.at - size : self.at]
        rest = self.order[self.at :]
        self.epoch += 1
        self.order = self.shuffled()
        self.at = size - len(rest)
        return rest + self.order[: self.at]


@pytest.mark.parametrize(("count", "size"), [(10, 3), (10, 5), (10, 10), (7, 6), (1, 1), (300, 50), (300, 299)])
def test_batches_are_those_of_next_batch(count, size):
    reference, dealt = NextBatch(count, 5), mnist.batches(numbered(count), size, 5)
    for _ in range(30):
        images, labels = next(dealt)
        expected = [int(n) for n in reference.next_batch(size)]
        assert images.dtype == labels.dtype == np.float32
        assert images.shape == (size, 784)
        assert spelled(images) == expected
        assert labels.argmax(axis=1).tolist() == [n % 10 for n in expected]


def test_each_epoch_deals_each_digit_once_in_another_order():
    dealt = mnist.batches(numbered(40), 8, 0)
    epochs = [[n for _ in range(5) for n in spelled(next(dealt)[0])] for _ in range(3)]
    assert all(sorted(epoch) == list(range(40)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    assert epochs[0] != list(range(40))


@pytest.mark.parametrize(("count", "size"), [(10, 3), (10, 10), (300, 50), (299, 50)])
def test_a_run_taken_up_again_goes_on_in_place(count, size):
    whole = mnist.batches(numbered(count), size, 9)
    for step in range(25):
        resumed = mnist.batches(numbered(count), size, 9, step=step)
        expected, found = next(whole), next(resumed)
        assert np.array_equal(expected[0], found[0])
        assert np.array_equal(expected[1], found[1])


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
