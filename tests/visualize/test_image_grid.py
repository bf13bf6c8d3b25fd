"""Pictures from numbers, against small arrays written by hand."""

import io

import numpy as np
import pytest
from PIL import Image

from legacy_graph.visualize import image_grid

P, L = image_grid.PAPER, image_grid.LINE


def test_signed_values_have_zero_in_the_middle():
    got = image_grid.to_grey(np.array([-2.0, -1.0, 0.0, 0.5, 2.0, 9.0]), 2.0)
    assert got.tolist() == [0, 64, 127, 159, 254, 254]
    assert got.dtype == np.uint8
    assert image_grid.to_grey(np.zeros([2, 2]), 0.0).tolist() == [[127, 127], [127, 127]]


def test_positive_values_have_zero_at_black():
    assert image_grid.to_grey(np.array([0.0, 1.0, 2.0, -1.0]), 2.0, signed=False).tolist() == [0, 128, 255, 0]
    assert image_grid.to_grey(np.zeros(3), 0.0, signed=False).tolist() == [0, 0, 0]


@pytest.mark.parametrize("percentile", [0, 50, 98, 100])
@pytest.mark.parametrize("count", [1, 2, 3, 51, 144])
def test_the_scale_is_numpys_percentile_of_the_nonzero(count, percentile):
    values = np.random.RandomState(count).normal(size=count).astype(np.float32)
    expected = np.percentile(np.abs(values), percentile)
    got = image_grid.percentile_scale(np.append(values, np.zeros(9, np.float32)), percentile)
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_enlarge_makes_squares():
    assert image_grid.enlarge(np.array([[[1, 2]]]), 2).tolist() == [[[1, 1, 2, 2], [1, 1, 2, 2]]]


def test_rgb_tiles_are_enlarged_and_laid_out_as_three_grey_ones():
    tiles = np.random.RandomState(0).randint(0, 256, (5, 2, 3, 3)).astype(np.uint8)
    rgb = image_grid.grid(image_grid.enlarge(tiles, 2), 2)
    grey = [image_grid.grid(image_grid.enlarge(tiles[..., channel], 2), 2) for channel in range(3)]
    np.testing.assert_array_equal(rgb, np.stack(grey, axis=2))
    np.testing.assert_array_equal(
        image_grid.add_margin(rgb, 3), np.stack([image_grid.add_margin(g, 3) for g in grey], 2)
    )
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(image_grid.encode_png(rgb)))), rgb)


def test_a_grey_picture_beside_an_rgb_one_becomes_rgb():
    grey, rgb = np.full([1, 1], 7, np.uint8), np.array([[[1, 2, 3]]], np.uint8)
    assert image_grid.stack_horizontally([grey, rgb], 0).tolist() == [[[7, 7, 7], [1, 2, 3]]]
    assert image_grid.stack_vertically([rgb, grey], 0).tolist() == [[[1, 2, 3]], [[7, 7, 7]]]


@pytest.mark.parametrize("box, expected", [
    ((1, 1, 4, 4), ["9999999", "9WWWW99", "9WBBW99", "9WBBW99", "9WWWW99"]),
    ((-1, 3, 3, 9), ["999WBBB", "999WWWW", "9999999", "9999999", "9999999"]),
])  # fmt: skip
def test_a_frame_is_cut_off_at_the_border(box, expected):
    picture = np.full([5, 7], 9, np.uint8)
    image_grid.draw_frame(picture, *box)
    assert ["".join({9: "9", 255: "W", 0: "B"}[value] for value in row) for row in picture] == expected


def test_a_grid_has_lines_between_its_tiles_and_around():
    tiles = np.array([[[1, 2]], [[3, 4]], [[5, 6]]], np.uint8)
    assert image_grid.grid(tiles, 2, 1).tolist() == [
        [L, L, L, L, L, L, L],
        [L, 1, 2, L, 3, 4, L],
        [L, L, L, L, L, L, L],
        [L, 5, 6, L, L, L, L],
        [L, L, L, L, L, L, L],
    ]


def test_beside_above_and_margin():
    one, two = np.full([1, 2], 1, np.uint8), np.full([2, 1], 2, np.uint8)
    assert image_grid.stack_horizontally([one, two], 1).tolist() == [[1, 1, P, 2], [P, P, P, 2]]
    assert image_grid.stack_vertically([one, two], 1).tolist() == [[1, 1], [P, P], [2, P], [2, P]]
    assert image_grid.stack_vertically([one, two], 0).tolist() == [[1, 1], [2, P], [2, P]]
    assert image_grid.add_margin(one, 1).tolist() == [[P] * 4, [P, 1, 1, P], [P] * 4]


def test_a_curve_has_zero_in_the_middle_or_at_the_lower_edge():
    """Two columns of constant height; the curve is black, the line of zero is not."""
    nothing, values = np.full([1, 2], np.nan), np.array([[0.5, 0.5]])
    for signed, row, zero in [(True, 22, 42), (False, 42, 81)]:  # of rows 2 to 81
        curve = image_grid.draw_curve(nothing, values, signed)
        black = np.flatnonzero((curve == 0).any(1))
        assert len(black) == 1 and abs(black[0] - row) <= 1
        assert (curve[zero] == image_grid.LINE).all()


def test_a_png_gives_the_picture_back_and_is_always_the_same():
    picture = np.random.RandomState(0).randint(0, 256, (7, 5)).astype(np.uint8)
    file = image_grid.encode_png(picture)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(file))), picture)
    assert image_grid.encode_png(picture) == file
