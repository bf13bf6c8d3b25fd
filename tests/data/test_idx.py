"""Reading the four files: what is in them, and in one line what is wrong with them."""

import gzip
import os
import struct
import tracemalloc

import numpy as np
import pytest

from legacy_graph.data import mnist
from legacy_graph.data.idx import read_idx
from tests.support.idx_files import NAMES, NOWHERE, images_idx, labels_idx, refusal, small_set, write


def test_pictures_and_labels_as_built_by_hand(tmp_path):
    data = mnist.load(small_set(tmp_path), NOWHERE)
    assert data.train.images.shape == (12, 784)
    assert data.train.images.dtype == data.train.labels.dtype == np.uint8
    assert [[int(p) for p in row] for row in data.train.images] == [
        [(n + p) % 251 for p in range(784)] for n in range(12)
    ]
    assert data.train.labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert data.test.labels.tolist() == [0, 1, 2]
    assert not data.sample
    assert str(tmp_path) in data.source


@pytest.mark.parametrize(("train", "held_out"), [(10000, 0), (10001, 5000)])
def test_the_first_5000_are_held_out_of_a_large_set(tmp_path, train, held_out):
    small_set(tmp_path)
    blank = struct.pack(">IIII", 2051, train, 28, 28) + bytes(784 * train)
    write(tmp_path / NAMES[0], blank)
    labels = [n * 7 % 10 for n in range(train)]
    write(tmp_path / NAMES[1], labels_idx(labels))
    data = mnist.load(str(tmp_path), NOWHERE)
    assert data.validation.labels.tolist() == labels[:held_out]
    assert data.train.labels.tolist() == labels[held_out:]
    assert len(data.validation.images) == held_out
    assert len(data.train.images) == train - held_out


WHOLE = gzip.compress(images_idx(2))
BAD_IMAGES = {
    "empty": (b"", "0 bytes"),
    "not gzip": (b"<html>log in</html>", f"magic number {0x3C68746D}"),
    "not compressed and one short": (images_idx(12)[:-1], "9,407"),
    "not compressed and one too many": (images_idx(12) + b"\0", "more"),
    "not compressed terabytes": (images_idx(2, promised=2**32 - 1), "4,294,967,295 promised"),
    "not compressed, more promised": (images_idx(2, promised=3), "3 promised"),
    "cut off": (WHOLE[:-30], "ended before"),
    "checksum": (WHOLE[:-8] + b"\0\0\0\0" + WHOLE[-4:], "CRC"),
    "half a header": (gzip.compress(images_idx(2)[:9]), "9 bytes"),
    "labels instead": (gzip.compress(labels_idx(range(10)) + bytes(9)), "2049"),
    "32x32": (gzip.compress(images_idx(2, rows=32, columns=32)), "32, 32"),
    "floats": (gzip.compress(images_idx(2, magic=0x0D03)), str(0x0D03)),
    "one short": (gzip.compress(images_idx(2)[:-1]), "1,567"),
    "one too many": (gzip.compress(images_idx(2) + b"\0"), "more"),
    "rubbish behind": (WHOLE + b"rubbish", "Not a gzipped file"),
    "no pictures": (gzip.compress(images_idx(0)), "0 promised"),
    "terabytes": (gzip.compress(images_idx(2, promised=2**32 - 1)), "4,294,967,295 promised"),
}


@pytest.mark.parametrize("fault", sorted(BAD_IMAGES))
def test_a_bad_file_of_pictures_is_refused_by_name(tmp_path, fault):
    small_set(tmp_path)
    content, found = BAD_IMAGES[fault]
    path = tmp_path / NAMES[0]
    path.write_bytes(content)
    message = refusal(mnist.load, str(tmp_path), NOWHERE)
    assert message.startswith(str(path) + ": expected ")
    assert found in message.split(", found ")[1]
    assert message.endswith("; copy the file here again")
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (labels_idx([0] * 11), "found 11;"),
        (labels_idx([0] * 13), "found 13;"),
        (labels_idx([0] * 11 + [10]), "the network is built for 10 classes, found 10 at place 11; use a data set with"),
        (labels_idx([255] + [0] * 11), "found 255 at place 0;"),
        (images_idx(1), "magic number 2051"),
        (labels_idx([0] * 12, promised=13), "found 12;"),
    ],
)
def test_bad_labels_are_refused_by_name(tmp_path, labels, found):
    small_set(tmp_path)
    path = write(tmp_path / NAMES[1], labels)
    message = refusal(mnist.load, str(tmp_path), NOWHERE)
    assert message.startswith(path + ": expected ")
    assert found in message


@pytest.mark.parametrize("kind", ["directory", "pipe", "dangling link"])
def test_what_is_no_file_is_refused_at_once(tmp_path, kind):
    small_set(tmp_path)
    path = tmp_path / NAMES[2]
    path.unlink()
    make = {"directory": os.mkdir, "pipe": os.mkfifo, "dangling link": lambda at: os.symlink("nowhere", at)}
    make[kind](str(path))
    assert str(path) in refusal(mnist.load, str(tmp_path), NOWHERE)


@pytest.mark.parametrize("promised", [1000000, 1000001, 300000])
def test_a_bomb_is_refused_before_memory_is_taken(tmp_path, promised):
    """One picture, and a header that promises up to 784 MB."""
    path = write(tmp_path / "bomb.gz", images_idx(1, promised=promised))
    tracemalloc.start()
    message = refusal(read_idx, path, (28, 28))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert f"{promised:,} promised" in message
    assert peak < 500000


def test_a_bomb_behind_an_honest_header_is_not_unpacked(tmp_path):
    """50 MB of zeros behind two pictures: no more is read than was promised."""
    path = write(tmp_path / "bomb.gz", images_idx(2) + bytes(50000000))
    tracemalloc.start()
    message = refusal(read_idx, path, (28, 28))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "found more" in message
    assert peak < 500000


@pytest.mark.parametrize(("count", "accepted"), [(1000000, True), (1000001, False)])
def test_no_file_may_hold_more_than_a_million(tmp_path, count, accepted):
    """Whole and honest as it is: at 784 bytes each there must be an end."""
    path = write(tmp_path / "many.gz", struct.pack(">II", 2049, count) + bytes(count))
    if accepted:
        assert len(read_idx(path, ())) == count
    else:
        assert "1 to 1,000,000 labels" in refusal(read_idx, path, ())


def test_blank_pictures_are_read_however_well_they_compress(tmp_path):
    """Deflate's best is 1032:1; 5,000 blank pictures come close to it, and are plausible."""
    path = write(tmp_path / "blank.gz", struct.pack(">IIII", 2051, 5000, 28, 28) + bytes(5000 * 784))
    assert os.path.getsize(path) * 1000 < 5000 * 784
    images = read_idx(path, (28, 28))
    assert images.shape == (5000, 28, 28)
    assert not images.any()
