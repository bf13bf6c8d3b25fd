"""Arrays in place of pictures, for commands that read images one by one."""

import numpy as np
import pytest

from legacy_graph.data.images import open_pictures
from legacy_graph.errors import UserError


@pytest.mark.parametrize("shape", [(4, 5, 3), (1, 4, 5, 3), (2, 4, 5, 3)])
def test_one_image_needs_no_first_axis(tmp_path, shape):
    path = str(tmp_path / "one.npy")
    np.save(path, np.zeros(shape, np.float32))
    images = open_pictures([path], (4, 5, 3), None)
    assert len(images) == (shape[0] if len(shape) == 4 else 1)
    assert images.names == (["one-0.npy", "one-1.npy"] if len(images) == 2 else ["one.npy"])


@pytest.mark.parametrize("shape, count", [((4, 5), 1), ((4, 5, 1), 1), ((2, 4, 5), 2), ((2, 4, 5, 1), 2)])
def test_one_channel_needs_no_last_axis(tmp_path, shape, count):
    path = str(tmp_path / "one.npy")
    np.save(path, np.zeros(shape, np.float32))
    assert len(open_pictures([path], (4, 5, 1), None)) == count


def test_arrays_that_cannot_be_read_one_by_one(tmp_path):
    path = str(tmp_path / "many.npy")
    np.save(path, np.zeros((101, 4, 5, 3), np.float32))
    with pytest.raises(UserError, match="at most 100 images, found 101"):
        open_pictures([path], (4, 5, 3), None)
    with pytest.raises(UserError, match="one array alone, or pictures, found 2 files"):
        open_pictures([path, str(tmp_path / "photo.png")], (4, 5, 3), None)
