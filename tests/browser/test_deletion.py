"""Deletion and insertion curves of linear networks, by hand, and the table of the page."""

import numpy as np

from tests.browser import deletion

WEIGHTS = np.array([1, 2, 4, 8])
COUNTS = range(5)


def test_the_curves_of_a_linear_network():
    """Two images of white pixels, removed from the largest and from the smallest weight."""
    scores = np.array([[1, 2, 4, 8], [8, 4, 2, 1]])
    deleted, inserted = deletion.curves(lambda images: images @ WEIGHTS, np.ones([2, 4]), scores, COUNTS)
    np.testing.assert_array_equal(deleted, np.mean([[15, 7, 3, 1, 0], [15, 14, 12, 8, 0]], axis=0))
    np.testing.assert_array_equal(inserted, np.mean([[0, 8, 12, 14, 15], [0, 1, 3, 7, 15]], axis=0))


def test_pixels_of_equal_score_keep_their_order():
    images, scores = np.array([[3.0, 5, 0, 1]]), np.array([[0, 0, 0, 2]])
    deleted, inserted = deletion.curves(lambda images: images @ WEIGHTS, images, scores, COUNTS)
    np.testing.assert_array_equal(deleted, [21, 13, 10, 0, 0])
    np.testing.assert_array_equal(inserted, [0, 8, 11, 21, 21])


def test_the_area_is_that_of_the_trapezoids():
    assert deletion.area(np.array([1, 0.5, 0])) == 0.5
    assert deletion.area(np.array([1, 0, 0, 0, 1])) == 0.25
