"""The .npz files of results: numpy and the dashboard read them back, whatever is compressed."""

import io

import numpy as np
import pytest

from legacy_graph.data import npz
from legacy_graph.visualize.array_file import write_arrays

DENSE = np.random.RandomState(0).normal(0, 1, [3, 40, 40, 3]).astype(np.float32)
SPARSE = np.where(np.arange(40)[:, None, None] < 4, DENSE, 0)
ARRAYS = {
    "dense": DENSE, "sparse": SPARSE, "turned": DENSE.swapaxes(1, 2), "numbers": np.arange(-1, 9), "none": DENSE[:0],
    "layer/map 3, spot": np.array(2.5), "names": np.array(["a", "\u56fe"]), "flag": np.array(True),
}  # fmt: skip


@pytest.mark.parametrize("read", [np.load, lambda file: npz.read(file, ARRAYS)], ids=["numpy", "dashboard"])
def test_all_arrays_are_read_back(read):
    found = read(io.BytesIO(write_arrays(**ARRAYS)))
    assert set(found) == set(ARRAYS)
    for name, values in ARRAYS.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


def test_sparse_projections_take_less_space_than_dense_ones():
    assert len(write_arrays(values=SPARSE)) < 0.2 * len(write_arrays(values=DENSE)) <= 0.2 * (DENSE.nbytes + 1000)


def test_equal_arrays_give_equal_bytes():
    assert write_arrays(**ARRAYS) == write_arrays(**ARRAYS)
