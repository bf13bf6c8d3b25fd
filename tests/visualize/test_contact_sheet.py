"""The contact sheet of maps whose spots are known, pixel by pixel."""

import numpy as np
import pytest

from legacy_graph.article.receptive_field import Field
from legacy_graph.config import SIGNED
from legacy_graph.data.images import Preprocessing, from_array
from legacy_graph.visualize import contact_sheet, image_grid, spot_tiles
from legacy_graph.visualize.energy_window import Shown
from legacy_graph.visualize.top_activations import TopActivations

FIELDS = (Field(2, 2, 0),) * 2
HEADING = contact_sheet.Heading("a layer", "deconvnet")
TIMES = spot_tiles.TILE // 2  # screen pixels to one of the patch


def as_images(array):
    """Images from uint8 [N, H, W] or [N, H, W, 3]."""
    return from_array(array.reshape((*array.shape, 1)[:4]), Preprocessing(0, 1), "pixels")


@pytest.fixture
def found():
    """Map 3 has two spots of three, in the upper left and the lower right corner; map 4 is dead."""
    projections = np.zeros([2, 3, 28, 28], np.float32)
    projections[0, 0, :2, :2] = [[2, 0], [-2, 1]]
    projections[0, 1, 26, 27] = 1
    return TopActivations(
        np.array([3, 4]), np.array([0.125, 0]), np.array([[1, 0, -1], [-1, -1, -1]]),
        np.array([[[0, 0], [13, 13], [0, 0]], [[0, 0]] * 3]), np.array([[5, 4, 0], [0, 0, 0]], np.float32), projections,
    )  # fmt: skip


@pytest.fixture
def images():
    images = np.zeros([2, 28, 28], np.uint8)
    images[1, 0] = 200
    return images


def panels(block, count):
    """The panels of a block, where all are grids of 2 x 2 tiles."""
    width = 2 * (2 * TIMES + 2) + 2
    assert block.shape[1] == count * width + (count - 1) * 8
    return [block[:, number * (width + 8) :][:, :width] for number in range(count)]


def tile(panel, row, column, side=2):
    """The values of one tile of a panel, a list of rows."""
    times = spot_tiles.TILE // side
    top, left = [2 + at * (side * times + 2) + times // 2 for at in (row, column)]
    return [[panel[top + y * times, left + x * times].tolist() for x in range(side)] for y in range(side)]


def test_projections_beside_patches_and_empty_cells(found, images, monkeypatch):
    """With the 100th percentile the scale is the map's largest value."""
    monkeypatch.setattr(spot_tiles, "PERCENTILE", 100)
    sheet, blocks = contact_sheet.draw_sheet(found, as_images(images), FIELDS, HEADING)
    assert list(blocks) == ["map 03", "map 04"]
    left, right = panels(blocks["map 03"], 2)
    assert tile(left, 0, 0) == [[254, 127], [0, 190]]
    assert tile(left, 0, 1) == [[127, 190], [127, 127]]
    assert tile(right, 0, 0) == [[200, 200], [0, 0]]
    assert tile(left, 1, 0) == tile(right, 1, 0) == [[image_grid.EMPTY] * 2] * 2
    assert set(np.unique(blocks["map 04"])) == {image_grid.EMPTY, image_grid.LINE, image_grid.PAPER}
    assert sheet.ndim == 2


@pytest.mark.parametrize("count, columns", [(4, 2), (64, 4)])
def test_a_sheet_of_few_maps_is_narrow_enough_for_a_page(found, images, count, columns):
    many = found._replace(**{name: getattr(found, name)[:1].repeat(count, 0) for name in found._fields[:6]})
    sheet, blocks = contact_sheet.draw_sheet(many, as_images(images), FIELDS, HEADING)
    width = sheet.shape[1] / blocks["map 03"].shape[1]
    assert columns < width < columns + 1


def test_the_falls_stand_between_projections_and_patches(found, images, monkeypatch):
    """On their own scale; the rest is as without them."""
    monkeypatch.setattr(spot_tiles, "PERCENTILE", 100)
    falls = np.zeros([2, 3, 28, 28], np.float32)
    falls[0, 0, :2, :2], falls[0, 1, 27, 26] = [[0, 4], [-3, 0]], 2
    _, plain = contact_sheet.draw_sheet(found, as_images(images), FIELDS, HEADING)
    _, blocks = contact_sheet.draw_sheet(found, as_images(images), FIELDS, HEADING, falls=falls)
    left, middle, right = panels(blocks["map 03"], 3)
    assert tile(middle, 0, 0) == [[127, 254], [32, 127]]
    assert tile(middle, 0, 1) == [[127, 127], [190, 127]]
    for panel, expected in zip((left, right), panels(plain["map 03"], 2)):
        np.testing.assert_array_equal(panel, expected)
    spots = contact_sheet._spots(found, 0, as_images(images), Shown(found.places, FIELDS), falls)
    assert "scale \u00b12, of occlusion \u00b14" in contact_sheet.caption(found, 0, spots, SIGNED)


def test_the_scale_is_a_percentile_of_nonzero_pixels(found, monkeypatch):
    """The map's are 2, 2, 1 and 1 in magnitude: their median is 1.5, and all above it is clipped."""
    monkeypatch.setattr(spot_tiles, "PERCENTILE", 50)
    _, blocks = contact_sheet.draw_sheet(found, as_images(np.zeros([2, 28, 28], np.uint8)), FIELDS, HEADING)
    assert tile(panels(blocks["map 03"], 2)[0], 0, 0) == [[254, 127], [0, 212]]  # 127 + 127 / 1.5
    assert captions(found) == [
        "map 3   wins 12.50 %   scale \u00b11.5, only 2 activations",
        "map 4: dead, no activation is above 0",
    ]
    assert "blank" in captions(found._replace(projections=0 * found.projections))[0]


def captions(found):
    spots = [contact_sheet._spots(found, row, as_images(np.zeros([2, 28, 28], np.uint8)), Shown(found.places, FIELDS))
             for row in (0, 1)]  # fmt: skip
    return [contact_sheet.caption(found, row, spots[row], SIGNED) for row in (0, 1)]


def test_the_kernel_stands_first_on_its_own_scale(found, images):
    kernels = np.array([[[1, 0], [-4, 2]], [[0, 0], [0, 0]]], np.float32)
    _, plain = contact_sheet.draw_sheet(found, as_images(images), FIELDS, HEADING)
    _, blocks = contact_sheet.draw_sheet(found, as_images(images), FIELDS, HEADING, kernels)
    width = 2 * TIMES + 4
    assert tile(blocks["map 03"], 0, 0) == [[159, 127], [0, 190]]
    assert tile(blocks["map 04"], 0, 0) == [[127, 127], [127, 127]]
    for tag in blocks:
        np.testing.assert_array_equal(blocks[tag][:, width + 8 :], plain[tag])


def test_the_context_is_the_whole_image_with_a_frame(found, images):
    _, plain = contact_sheet.draw_sheet(found, as_images(images), FIELDS, HEADING)
    _, blocks = contact_sheet.draw_sheet(found, as_images(images), FIELDS, HEADING, context=True)
    whole = blocks["map 03"][:, plain["map 03"].shape[1] + 8 :]
    times = spot_tiles.TILE // 28
    expected = images[1].repeat(times, 0).repeat(times, 1)
    image_grid.draw_frame(expected, 0, 0, 2 * times, 2 * times)
    np.testing.assert_array_equal(whole[2 : 2 + 28 * times, 2 : 2 + 28 * times], expected)


@pytest.mark.parametrize("method, magnitude", [("deconvnet", False), ("guided", True), ("gradient", True)])
def test_gradients_in_colour_are_drawn_as_magnitude(found, images, method, magnitude):
    """Their panel is grey: all three channels are equal. A heading can choose the other drawing."""
    coloured = found._replace(projections=np.stack([found.projections, 0 * found.projections, found.projections], 4))
    rgb = np.stack([images] * 3, axis=3)
    for drawn, grey in [(None, magnitude), ("signed", False), ("magnitude", True)]:
        heading = contact_sheet.Heading("a layer", method, (), drawn)
        _, blocks = contact_sheet.draw_sheet(coloured, as_images(rgb), FIELDS, heading)
        panel = blocks["map 03"][:, : blocks["map 03"].shape[1] // 2 - 8]
        assert (np.ptp(panel.astype(int), axis=2) == 0).all() == grey


def test_a_window_is_marked_in_the_complete_image():
    """A field of 200 x 200; the energy is in 16 x 16 pixels, which are drawn eight times as large."""
    side, times = 200, 128 // 16
    projections = np.zeros([1, 1, side, side], np.float32)
    projections[0, 0, 100:116, 40:56] = 3
    image = np.full([1, side, side], 100, np.uint8)
    numbers, places, one = np.array([[0]]), np.array([[[0, 0]]]), np.ones([1, 1])
    found = TopActivations(np.array([0]), np.array([1.0]), numbers, places, one, projections)
    _, blocks = contact_sheet.draw_sheet(found, as_images(image), (Field(side, 0, 0),) * 2, HEADING)
    width = 16 * times + 4
    left, middle, right = np.split(blocks["map 00"], [width + 8, 2 * (width + 8)], axis=1)
    assert (left[2 : 2 + 16 * times, 2 : 2 + 16 * times] == 255).all()  # the magnitude, all at the scale
    assert (middle[2 : 2 + 16 * times, 2 : 2 + 16 * times] == 100).all()
    small = right[2:-2, 2:-2][: spot_tiles.TILE, : spot_tiles.TILE]
    marked = np.argwhere(small != 100) * side / spot_tiles.TILE
    np.testing.assert_allclose([marked.min(0), marked.max(0)], [[100, 40], [116, 56]], atol=3)
