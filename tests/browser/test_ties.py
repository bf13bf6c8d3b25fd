"""The tables of tied pool windows: the pixels of the background, the means, and one run."""

import numpy as np

from tests.browser import ties


def test_only_black_pixels_are_in_the_reach_of_the_background():
    images = np.zeros((2, 13, 12), np.uint8)
    images[1, 1, 11] = 9
    expected = np.zeros(images.shape, bool)
    expected[0, 5:8, 5:7] = True
    expected[1, 5:8, 5] = expected[1, 7, 6] = True
    np.testing.assert_array_equal(ties.background(images), expected)


def test_a_tie_of_zeros_is_counted_apart():
    rows = ties.shares({"conv1": np.array([[0, 1], [2, 2]])}).rows
    assert rows == [("conv1", "75.0%", "50.0%")]
