"""Tiles of a feature map: their scales, the magnitude over the colours, dimmed patches, curves of signals."""

import numpy as np
import pytest

from legacy_graph.article.receptive_field import Field
from legacy_graph.config import MAGNITUDE, SIGNED
from legacy_graph.visualize import spot_tiles
from legacy_graph.visualize.image_grid import CURVE, LINE, PAPER, SIGNAL
from legacy_graph.visualize.spot_tiles import DARK, Spots, draw_panels, scaled


def whole(projections, images=None):
    """Spots that show the complete image."""
    fields = tuple(Field(side, 0, 0) for side in projections.shape[1:3])
    images = np.zeros(projections.shape, np.uint8) if images is None else images
    return Spots(projections, images, np.zeros([len(projections), 2], np.int64), fields)


@pytest.mark.parametrize("weak, expected", [(1.5, [4, 4, 4]), (1, [4, 4, 1]), (0, [4, 4, 4])])
def test_each_tile_has_a_scale_where_one_scale_hides_a_tile(weak, expected):
    """Tiles of one magnitude each. A tile without any signal is blank in any case."""
    projections = np.ones([3, 5, 5], np.float32) * np.array([4, -4, weak])[:, None, None]
    values, scales = scaled(whole(projections), SIGNED)
    np.testing.assert_allclose(scales, expected)
    np.testing.assert_allclose(values[:, 0, 0] * scales, [4, -4, weak])


def test_the_magnitude_is_over_the_colour_channels(monkeypatch):
    monkeypatch.setattr(spot_tiles, "PERCENTILE", 100)
    projections = np.array([[[[2, -3, 6], [0, 0, 0]], [[0, -3.5, 0], [1, 2, 2]]]], np.float32)  # 7, 0; 3.5, 3
    values, scales = scaled(whole(projections), MAGNITUDE)
    assert scales.tolist() == [7]
    np.testing.assert_allclose(values, [[[1, 0], [0.5, 3 / 7]]])


def test_the_patch_is_darker_away_from_the_projection():
    projections = np.zeros([1, 96, 96, 3], np.float32)
    projections[0, :48, :, 1] = -2
    tiles, patches = draw_panels(whole(projections, np.full([1, 96, 96, 3], 200, np.uint8)), MAGNITUDE, False)
    assert tiles.shape == (1, 96, 96) and patches.shape == (1, 96, 96, 3)
    assert (tiles[0, :48] == 255).all() and not tiles[0, 48:].any()
    assert (patches[0, 10:30] == 200).all()
    assert (patches[0, 70:] == 200 * DARK).all()
    signed = draw_panels(whole(projections, np.full([1, 96, 96, 3], 200, np.uint8)), SIGNED, False)
    assert (signed[1] == 200).all()


def test_a_map_without_spots_has_empty_panels():
    for drawn in (SIGNED, MAGNITUDE):
        for shape in [(0, 30, 20), (0, 30, 20, 3), (0, 1, 20)]:
            assert {len(panel) for panel in draw_panels(whole(np.zeros(shape, np.float32)), drawn, True)} == {0}


def test_a_signal_is_a_curve_under_its_projection():
    """The signal rises from the lower left to the upper right; the projection is 1 in one quarter, else 0."""
    length = 64
    projections = np.zeros([1, 1, length], np.float32)
    projections[0, 0, 16:32] = 5
    signal = np.linspace(0, 255, length).astype(np.uint8)[None, None]
    (tile,), (complete,) = draw_panels(whole(projections, signal), SIGNED, True)
    assert tile.shape == complete.shape == CURVE
    assert set(np.unique(tile)) == {0, SIGNAL, LINE, PAPER}
    height, width = CURVE
    grey = {x: np.flatnonzero(tile[:, x] == SIGNAL).mean() for x in (20, 150, 230)}
    for x, y in grey.items():
        assert y == pytest.approx((1 - x / width) * height, abs=4)
    black = {x: np.flatnonzero(tile[:, x] == 0).mean() for x in (20, 95, 230)}
    assert black[95] == pytest.approx(2, abs=1)
    assert black[20] == black[230] == pytest.approx(height / 2, abs=1)
    spots = whole(0 * projections, signal)._replace(falls=projections)
    flat, (falls,), _ = draw_panels(spots, SIGNED, True)
    np.testing.assert_array_equal(falls, tile)


def test_a_signal_outside_the_image_has_no_curve():
    """The field begins 32 samples before the signal."""
    spots = Spots(
        np.ones([1, 1, 64], np.float32), np.arange(64, dtype=np.uint8)[None, None], np.array([[0, 0]]),
        (Field(1, 0, 0), Field(64, 1, -32)),
    )  # fmt: skip
    ((tile,),) = draw_panels(spots, SIGNED, False)
    assert not (tile[:, : CURVE[1] // 2 - 2] == SIGNAL).any()
    assert (tile[:, CURVE[1] // 2 + 2 :] == SIGNAL).any(axis=0).mean() > 0.9
