"""The pictures of the projections of one image: complete, or the window with most energy."""

import numpy as np
import pytest

from legacy_graph.config import DECONVNET, GRADIENT, GUIDED, MAGNITUDE, OCCLUSION, SIGNED
from legacy_graph.visualize.image_grid import CURVE
from legacy_graph.visualize.projection_pictures import draw_row

SIZE = 200, 160
BLOCK = slice(50, 70), slice(90, 110)  # 20 x 20 pixels


def projection(block=BLOCK, size=SIZE, value=-1.0):
    values = np.zeros(size, np.float32)
    values[block] = value
    return values


def test_a_small_part_is_cropped_and_framed():
    seen = np.full(SIZE, 100, np.uint8)
    seen[BLOCK] = 200
    (drawn,) = draw_row(seen, {GUIDED: projection()}).values()
    assert (drawn.window, drawn.drawn) == (True, MAGNITUDE) and "20 x 20 pixels with 100% " in drawn.caption
    tile, patch, whole = np.split(drawn.picture, [124, 248], axis=1)  # six pixels each, and gaps of 4
    assert (tile[:120, :120] == 255).all() and (patch[:120, :120] == 200).all()
    # The complete image is shrunk to a height of 84. The frame is white outside and black inside.
    (rows,), (columns,) = [np.nonzero((whole[:84, :67] == 0).any(axis=axis)) for axis in (1, 0)]
    assert abs(rows.min() - 1 - 50 * 0.42) <= 1 and abs(rows.max() + 2 - 70 * 0.42) <= 1
    assert abs(columns.min() - 1 - 90 * 0.42) <= 1 and abs(columns.max() + 2 - 110 * 0.42) <= 1


def test_all_methods_show_the_same_part():
    other = slice(60, 75), slice(100, 120)
    row = {DECONVNET: projection(), GRADIENT: projection(other, value=1e6)}
    captions = [drawn.caption for drawn in draw_row(np.zeros(SIZE, np.uint8), row).values()]
    assert all("30 x 30 pixels with 100% " in caption for caption in captions)  # rows 50 to 74, columns 90 to 119


@pytest.mark.parametrize("size", [SIZE, (28, 28)])
def test_other_projections_are_complete(size):
    block = (slice(None),) * 2 if size == SIZE else (slice(3, 5),) * 2
    (drawn,) = draw_row(np.zeros(size, np.uint8), {GRADIENT: projection(block, size)}).values()
    assert (drawn.window, drawn.drawn, drawn.caption) == (False, SIGNED, "\u00b11")
    values = np.unique(drawn.picture[2:-2, 2:-2])  # without the frame of the grid
    assert values.tolist() == ([0] if size == SIZE else [0, 127])


def test_a_gradient_in_colour_is_a_magnitude():
    values = np.random.RandomState(0).normal(size=(16, 16, 3)).astype("f")
    seen, row = np.zeros(values.shape, np.uint8), {GRADIENT: values, DECONVNET: values, OCCLUSION: values[..., 0]}
    pictures = draw_row(seen, row)
    assert [pictures[method].drawn for method in row] == [MAGNITUDE, SIGNED, SIGNED]
    length = np.linalg.norm(values, axis=2)
    expected = np.minimum(255, 255 * length / np.percentile(length, 99))
    found = pictures[GRADIENT].picture[2 + 7 : -2 : 14, 2 + 7 : -2 : 14]  # the middle of each enlarged pixel
    np.testing.assert_allclose(found, expected, atol=0.51)
    assert {how: [each.drawn for each in draw_row(seen, row, how).values()] for how in (SIGNED, MAGNITUDE)} == {
        SIGNED: [SIGNED] * 3,
        MAGNITUDE: [MAGNITUDE, MAGNITUDE, SIGNED],
    }


def test_a_part_of_a_signal():
    block = slice(None), slice(300, 310)
    seen = np.arange(1000, dtype=np.float32)[None] / 4
    (drawn,) = draw_row(seen.astype(np.uint8), {GRADIENT: projection(block, (1, 1000))}).values()
    assert drawn.window and "1 x 10 pixels" in drawn.caption
    assert drawn.picture.shape == (CURVE[0], 2 * CURVE[1] + 4)


def test_the_curve_of_a_part_of_a_signal_has_its_sign():
    """The curve is black over the line of zero in the middle; the signal is 0, grey and at the lower edge."""
    values = np.zeros([1, 1000], np.float32)
    values[0, 300:310] = -np.arange(1, 11)
    (drawn,) = draw_row(np.zeros([1, 1000], np.uint8), {GRADIENT: values}).values()
    assert drawn.drawn == SIGNED and drawn.caption.startswith("\u00b1")
    rows, _ = np.nonzero(drawn.picture[:, : CURVE[1]] == 0)
    assert rows.min() > CURVE[0] // 2 and rows.max() > 0.9 * CURVE[0]
