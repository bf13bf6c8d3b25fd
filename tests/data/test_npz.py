"""A damaged file of arrays is never read as another one: each of its bytes is changed, and it is cut at each length."""

import io

import numpy as np
import pytest

from legacy_graph.data import npz
from legacy_graph.data.arrays import load_array
from legacy_graph.errors import UserError

ARRAYS = {"step": np.array(12), "conv1/weights": np.arange(6, dtype=np.float32).reshape(1, 2, 3)}


@pytest.fixture
def content():
    file = io.BytesIO()
    np.savez(file, **ARRAYS)
    return file.getvalue()


def changed(content):
    """Copies of the content, each with one byte changed."""
    for number in range(len(content)):
        for bits in (0x01, 0x08, 0x20, 0x40, 0xFF):
            yield content[:number] + bytes([content[number] ^ bits]) + content[number + 1 :]


def test_all_arrays_are_read(content):
    for names in (None, list(ARRAYS)):
        read = npz.read(io.BytesIO(content), names)
        assert list(read) == list(ARRAYS)
        assert all(np.array_equal(read[name], array) for name, array in ARRAYS.items())


def test_a_changed_byte_changes_no_array(content):
    """It is refused, or it is in a part without a meaning; the zip format has no checksum of its list of files."""
    for damaged in changed(content):
        try:
            read = npz.read(io.BytesIO(damaged))
        except npz.DAMAGE:
            continue
        assert all(np.array_equal(array, ARRAYS[name]) for name, array in read.items())


def test_a_file_that_was_cut_is_refused(content):
    for length in range(len(content)):
        with pytest.raises(npz.DAMAGE):
            npz.read(io.BytesIO(content[:length]))


def test_a_damaged_file_of_images_is_refused(content, tmp_path):
    path = str(tmp_path / "images.npz")
    np.savez(path, images=ARRAYS["conv1/weights"])
    with open(path, "rb") as file:
        content = file.read()
    begin = content.rindex(b"PK\1\2") + 8  # flags: the array is encrypted
    with open(path, "wb") as file:
        file.write(content[:begin] + b"\x01" + content[begin + 1 :])
    with pytest.raises(UserError, match="a damaged file or another one"):
        load_array(path)
