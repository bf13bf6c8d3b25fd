"""The sheet of a layer's development, on columns made by hand."""

import numpy as np

from legacy_graph.visualize import evolution
from legacy_graph.visualize.image_grid import EMPTY, OUTSIDE, PAPER

LABEL = 70 + 24  # pixels before the first gap, with the margin


def column(maps, images):
    count = len(maps)
    projections = np.arange(count * 16, dtype="f").reshape(count, 4, 4) + 1
    patches = np.full([count, 4, 4], 200, np.uint8)
    return evolution.Column(np.array(maps), np.array(images), projections, patches)


def rows(sheet, count):
    """The last rows of tiles of a sheet, without the margin."""
    body = sheet[:-24]
    starts = [len(body) - 64 - 68 * number for number in reversed(range(count))]
    return [body[start : start + 64] for start in starts]


def test_a_column_is_cut_to_the_receptive_field():
    """One map whose field is 3 x 2 pixels, at the upper edge; one that is dead."""
    projections = np.zeros([2, 1, 6, 6], "f")
    projections[0, 0, :2, 2:4] = [[1, 2], [3, 4]]
    inputs = np.arange(72, dtype=np.uint8).reshape(2, 6, 6)
    arrays = {
        "maps": np.array([8, 5]), "images": np.array([[17], [-1]]), "places": np.array([[[0, 1]], [[0, 0]]]),
        "projections": projections, "inputs": inputs, "input_numbers": np.array([4, 17]),
        "receptive_field": np.array([[3, 1, -1], [2, 2, 0]]),
    }  # fmt: skip
    found = evolution.read_column(arrays)
    assert (found.maps.tolist(), found.images.tolist()) == ([8, 5], [17, -1])
    assert found.projections[0].tolist() == [[0, 0], [1, 2], [3, 4]]
    assert found.patches[0].tolist() == [[OUTSIDE, OUTSIDE], [38, 39], [44, 45]]


def test_a_bar_marks_another_strongest_image():
    """Map 1 keeps its image; map 9 gets another at step 5, and again at step 6."""
    columns = {0: column([1, 9], [3, 4]), 6: column([1, 9], [3, 4]), 5: column([9, 1], [7, 3])}
    first, second = rows(evolution.draw_steps(columns, "conv"), 2)
    gaps = [LABEL + number * 138 for number in range(3)]
    marked = [[bool((row[:, gap + 3 : gap + 7] == 0).all()) for gap in gaps] for row in (first, second)]
    assert marked == [[False] * 3, [False, True, True]]


def test_each_pair_of_tiles_is_where_its_step_is():
    columns = {2: column([1], [3]), 4: column([1, 6], [3, 3])._replace(patches=np.full([2, 4, 4], 90, np.uint8))}
    first, second = rows(evolution.draw_steps(columns, "conv"), 2)
    pairs = [row[:, LABEL + 10 + 138 * number :][:, :128] for row in (first, second) for number in (0, 1)]
    assert (pairs[0][:, 64:] == 200).all() and (pairs[1][:, 64:] == 90).all()
    assert (pairs[2] == PAPER).all()  # step 2 does not have map 6
    drawn = evolution.draw_column(columns[4])
    assert np.array_equal(pairs[1], drawn[1]) and np.array_equal(pairs[3], drawn[6])


def test_the_number_of_a_step_begins_above_its_tiles():
    sheet = evolution.draw_steps({0: column([1], [3]), 20: column([1], [3])}, "conv")
    header = sheet[-24 - 64 - 4 - 14 : -24 - 64 - 4] < 128  # the rows of pixels above the tiles
    for begin in (LABEL + 10, LABEL + 138 + 10):
        assert not header[:, begin - 10 : begin].any() and header[:, begin : begin + 10].any()


def test_dead_maps_get_a_cross_in_both_tiles():
    pair = evolution.draw_column(column([1], [-1]))[1]
    assert np.array_equal(pair[:, :64], pair[:, 64:])
    assert pair[0, 0] != EMPTY and pair[0, 30] == EMPTY


def test_signals_are_curves():
    """A field of 21 samples at the beginning of a signal; the projection is 0 but for its sample 15."""
    projections = np.zeros([2, 1, 1, 40], "f")
    projections[0, 0, 0, 5] = 3
    arrays = {
        "maps": np.array([1, 2]), "images": np.array([[7], [-1]]), "places": np.zeros([2, 1, 2], int),
        "projections": projections, "inputs": np.arange(40, dtype=np.uint8)[None, None],
        "input_numbers": np.array([7]), "receptive_field": np.array([[1, 0, 0], [21, 1, -10]]),
    }  # fmt: skip
    found = evolution.read_column(arrays)
    assert np.isnan(found.patches[0, 0, :10]).all() and found.patches[0, 0, 10:].tolist() == list(range(11))
    drawn = evolution.draw_column(found)
    assert drawn[1].shape == drawn[2].shape == (42, 126)
    dark = drawn[1] < 140
    assert abs(np.flatnonzero(dark[:4].any(0)).mean() - 15.5 / 21 * 126) < 2  # the peak is at the upper edge
    assert dark[20:23, 3:80].any(0).all() and not dark[25:].any()
    assert drawn[2][20, 3] == EMPTY and drawn[2][0, 0] != EMPTY  # a cross
    assert np.array_equal(
        np.unique(evolution.draw_maps(found.projections, found.images >= 0)[8:50, 40:166] < 140), [0, 1]
    )


def test_maps_stand_in_the_order_of_their_numbers():
    """17 maps, eight in a row; each tile has its own scale, so all maxima are white."""
    patches = np.zeros([17, 5, 5], "f")
    patches[:, 2, 2] = np.arange(1, 18)
    sheet = evolution.draw_maps(patches, np.ones(17, bool))
    assert np.count_nonzero(sheet[4 : 4 + 84, 36:] == 254) == 8 * 16 * 16
    assert np.count_nonzero(sheet[:, 36:] == 254) >= 17 * 16 * 16
