"""Damaged and forged files of results: each is refused with one line that names what is wrong."""

import io
import os
import struct
import zipfile

import numpy as np
import pytest

from legacy_graph.data import npz
from legacy_graph.errors import UserError
from legacy_graph.visualize import spot_schema
from tests.support import page_tables
from tests.support.program import ROOT
from tests.support.published import read_npz
from tests.support.result_arrays import good

PAGE = os.path.join(ROOT, "legacy_graph", "board", "README.md")


WRONG = {
    "maps": [[0.5, 1.5], [3, 3], [-1, 0], [3, 9], [10**12, 0], [], [3], np.zeros((2, 0), int)],
    "wins": [[np.nan, 0], [2.0, 0], ["a", "b"]],
    "images": [5, [[2, 0]], [[2, 0], [-2, -1]], [[2, 0], [9, -1]]],
    "places": [np.full((2, 2, 2), 10**8), np.full((2, 2, 2), -(10**9)), np.zeros((2, 2, 3), int), np.zeros((2, 2, 2))],
    "activations": [np.full((2, 2), np.inf), np.ones((2, 3)), np.ones((2, 2), np.int8)],
    "projections": [np.full((2, 2, 6, 5), value) for value in (np.nan, np.inf, True, "a", 1j, 1)]
    + [np.zeros((2, 2, 6, 5), "M8[s]"), np.zeros((2, 2, 6, 5), [("a", "f4")]), np.ones(120), np.ones((2, 2, 6, 5, 3))],
    "control": [np.ones((2, 2, 6, 4)), np.ones((2, 2, 6, 5, 3)), np.full((2, 2, 6, 5), np.nan)],
    "receptive_field": [[[10**9, 1, 0]] * 2, [[-5, 1, 0]] * 2, [[5, 1]] * 2, [["a", "b", "c"]] * 2, [[0, 1, 0]] * 2,
                        np.full((2, 3), np.inf), [[10**5, 1, 0]] * 2],
    "method": ["<b>other</b>", ["guided", "guided"], 3],
    "channels": [np.inf, 3, 0, [4]],
    "step": ["abc", np.nan, [1, 2], -1],
    "inputs": [np.zeros((2, 1, 1), np.uint8), np.zeros((1, 6, 5), np.uint8), np.zeros((2, 6, 5)),
               np.full((2, 6, 5), 256), np.zeros((2, 6, 5, 3), np.uint8)],
    "input_numbers": [[2, 0], [0, 0], [0, 1], [0]],
    "answers": [np.full((2, 3), np.nan), np.zeros((2, 0)), np.full((2, 3), 2.0)],
    "class_names": [["a", "b"], [1, 2, 3]],
    "labels": [[0], [0, 1, 9, 1], [0.0, 1.0, 2.0, 1.0]],
    "files": [["a.png"], [[1, 2], [3, 4]]],
}  # fmt: skip


def refused(path):
    """The line of the refusal."""
    with pytest.raises(UserError) as error:
        spot_schema.read(str(path))
    assert "\n" not in str(error.value) and "run the command features again" in str(error.value)
    assert "remove the file" in str(error.value)  # `train` does not write its results of a step again
    return str(error.value)


def test_a_good_file_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "features.npz"
    for save in (np.savez, np.savez_compressed):
        save(str(path), unknown=np.array([object()]), **good())
        read = spot_schema.read(str(path))
        assert list(read) == list(good())
        for name, array in good().items():
            np.testing.assert_array_equal(read[name], array)
            assert read[name].dtype == array.dtype
    fortran = np.asfortranarray(np.arange(120, dtype=np.float32).reshape(2, 2, 6, 5))
    np.savez(str(path), **dict(good(), projections=fortran))
    np.testing.assert_array_equal(spot_schema.read(str(path))["projections"], fortran)


@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_array_is_refused_and_an_array_is_named(tmp_path, name):
    path = tmp_path / "features.npz"
    for value in WRONG[name]:
        np.savez(str(path), **dict(good(), **{name: np.array(value)}))
        assert any(known in refused(path) for known in spot_schema.SCHEMA), value


def test_a_missing_array_is_named(tmp_path):
    path = tmp_path / "features.npz"
    for name in [name for name, form in spot_schema.SCHEMA.items() if form.needed]:
        np.savez(str(path), **{known: array for known, array in good().items() if known != name})
        assert f"no array {name};" in refused(path)


def header(shape, descr="<f4"):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


HEADERS = {
    "more than there is": header((10**7, 10**6)) + b"\0" * 100,
    "less than there is": header((1,)) + b"\0" * 100,
    "too many digits": header((2**62, 4, 2**62)) + b"\0" * 100,
    "negative": header((-1,)),
    "a type within a type": header((1,), "<f4,(1000000000,1000)f8"),
    "objects": header((1,), "|O") + b"\0" * 8,
    "brackets": b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535,
    "an expression": b"\x93NUMPY\x01\x00" + struct.pack("<H", 60) + b"{'descr': '<f4', 'shape': (1L, '''".ljust(60),
    "format 2.0": b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b"x",
    "nothing": b"",
}


def archive(content, kind=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as members:
        members.writestr("projections.npy", content)
    return file.getvalue()


@pytest.mark.parametrize("name", HEADERS)
def test_each_wrong_header_is_refused(tmp_path, name):
    path = tmp_path / "features.npz"
    path.write_bytes(archive(HEADERS[name]))
    assert "found projections " in refused(path)


def test_other_compressions_and_other_files_are_refused(tmp_path):
    path = tmp_path / "features.npz"
    for kind in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        path.write_bytes(archive(header((1,)) + b"\0" * 4, kind))
        assert "compressed by another method" in refused(path)
    whole = archive(header((1,)) + b"\0" * 4)
    for content in (b"", b"hello", whole[: len(whole) // 2], whole.replace(b"NUMPY", b"numpy")):
        path.write_bytes(content)
        refused(path)
    os.remove(str(path))
    os.mkfifo(str(path))
    assert "not a regular file" in refused(path)


def test_too_large_arrays_are_refused_before_they_are_read(tmp_path, monkeypatch):
    path = tmp_path / "features.npz"
    np.savez_compressed(str(path), **good())
    size = sum(array.nbytes for array in good().values())
    monkeypatch.setattr(npz, "LARGEST", size)  # without the headers
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    assert f"more than {size:,}" in refused(path)


def test_the_page_lists_every_array():
    with open(PAGE, encoding="utf-8") as file:
        listed = page_tables.regions(file.read(), "results")["arrays"]
    rows = [tuple(cell.strip() for cell in line.strip("|\n").split("|")) for line in listed.splitlines()]
    assert rows[2:] == spot_schema.describe()


def test_what_features_writes_is_described(arrays_of_a_run):
    assert set(arrays_of_a_run) <= set(spot_schema.SCHEMA)
    spot_schema.check(arrays_of_a_run)


@pytest.fixture
def arrays_of_a_run(features_run):
    return read_npz(features_run, "features", "conv2", "features.npz")
