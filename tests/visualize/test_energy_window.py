"""The part of large images that a contact sheet shows, for projections whose energy is known pixel by pixel."""

import numpy as np
import pytest

from legacy_graph.article.receptive_field import Field, crop_patches
from legacy_graph.visualize.energy_window import LARGEST, SMALLEST, choose_windows
from legacy_graph.visualize.top_activations import TopActivations

SIDE = 200
WHOLE = (Field(SIDE, 0, 0),) * 2


def spots(projections):
    """One map with a spot for each projection, and one place without a spot at the end."""
    count = len(projections)
    missing = np.zeros([1, *projections.shape[1:]], np.float32)
    return TopActivations(
        np.array([0]), np.array([1.0]), np.array([[*range(count), -1]]), np.zeros([1, count + 1, 2], np.int64),
        np.ones([1, count + 1], np.float32), np.concatenate([projections, missing])[None],
    )  # fmt: skip


def squares(*corners, side=10, size=SIDE):
    """Projections [n, size, size] with a square of ones at each corner (y, x)."""
    projections = np.zeros([len(corners), size, size], np.float32)
    for projection, (y, x) in zip(projections, corners):
        projection[y : y + side, x : x + side] = 1
    return projections


def test_windows_have_the_energy_at_any_place():
    """Also in the corners of the image; of 100 equal pixels none may be missing."""
    found = spots(squares((0, 0), (190, 190), (50, 120)))
    shown = choose_windows(found, WHOLE)
    assert shown.energy == 1
    assert [field.size for field in shown.fields] == [10, 10]
    patches = crop_patches(found.projections[0, :3], shown.places[0, :3], shown.fields, np.nan)
    assert (patches == 1).all()


def test_a_weak_background_does_not_widen_the_windows():
    """97 % of the energy is in the square: 100 pixels of 1, and 39,900 whose squares have the sum 3.1."""
    projections = squares((50, 120), (20, 30))
    projections[projections == 0] = (3.1 / 39900) ** 0.5
    shown = choose_windows(spots(projections), WHOLE)
    assert all(10 <= field.size <= 12 for field in shown.fields)
    assert shown.energy == pytest.approx(100 / 103.1, abs=0.001)


def test_colour_channels_count_together():
    grey = squares((7, 9))
    colour = np.stack([0 * grey, grey, 0 * grey], 3)
    of_colour, of_grey = [choose_windows(spots(values), WHOLE) for values in (colour, grey)]
    assert of_colour.fields == of_grey.fields
    np.testing.assert_array_equal(of_colour.places, of_grey.places)


def test_small_fields_and_projections_everywhere_stay():
    small = (Field(30, 4, -3),) * 2
    found = spots(squares((7, 9)))
    assert choose_windows(found, small).fields == small
    assert choose_windows(spots(np.ones([1, SIDE, SIDE], np.float32)), WHOLE).fields == WHOLE
    for shape in [(1, SIDE, SIDE), (1, SIDE, SIDE, 3), (0, SIDE, SIDE, 3)]:
        assert choose_windows(spots(np.zeros(shape, np.float32)), WHOLE).energy is None


def test_an_unknown_field_is_cropped_to_what_is_not_zero():
    """Also in a small image, and however weak a projection is at its border."""
    projections = squares((3, 4), (9, 2), side=5, size=30)
    projections[0, 3, 9] = 1e-3
    shown = choose_windows(spots(projections), (Field(30, 0, 0),) * 2, unknown=True)
    assert [field.size for field in shown.fields] == [6, 6]
    assert crop_patches(projections, shown.places[0, :2], shown.fields, 0).sum() == projections.sum()


def test_the_field_of_a_signal_is_shown_with_what_is_beside_it():
    shown = choose_windows(spots(np.ones([1, 1, 400], np.float32)), (Field(1, 0, 0), Field(7, 2, -3)))
    down, across = shown.fields
    assert (down, across.size, across.step) == (Field(1, 0, 0), SMALLEST, 2)
    middle = -3 + 3.5
    assert abs(across.begin + across.size / 2 - middle) <= 0.5


def test_the_window_of_a_long_signal_has_one_row():
    projection = np.zeros([1, 1, 4000], np.float32)
    projection[0, 0, 3000:3050] = 1
    shown = choose_windows(spots(projection), (Field(1, 0, 0), Field(3000, 10, -100)))
    assert [field.size for field in shown.fields] == [1, 50] and LARGEST < 3000
    assert shown.places[0, 0].tolist() == [0, 3000]
