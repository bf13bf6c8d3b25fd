"""The figures of the control, on values whose likeness is known."""

import numpy as np
import pytest

from legacy_graph.article.receptive_field import Field
from legacy_graph.visualize import sanity_check
from legacy_graph.visualize.top_activations import TopActivations

FIELDS = (Field(4, 1, 0),) * 2


def features(projections):
    """One map with a spot at (0, 0) of each digit; a spot sees the upper left 4 x 4 pixels."""
    count = len(projections)
    whole = np.zeros([1, count, 28, 28], np.float32)
    whole[0, :, :4, :4] = projections
    return TopActivations(
        np.array([0]), np.ones(1), np.arange(count)[None], np.zeros([1, count, 2], int), np.ones([1, count], "f"), whole
    )


@pytest.mark.parametrize("one, other, expected", [
    ([1, 2, 3, 4], [10, 20, 30, 400], 1),
    ([1, 2, 3, 4], [4, 3, 2, -1], -1),
    ([1, 2, 3, 4, 5], [2, 1, 4, 3, 5], 0.8),  # 1 - 6 * 4 / (5 * 24)
    ([1, 1, 2, 2], [1, 2, 1, 2], 0),
    ([1, 1, 1, 1], [1, 2, 3, 4], 0),
    ([0, 0, 0, 5], [0, 0, 1, 5], 0.8164966),  # ranks 2 2 2 4 and 1.5 1.5 3 4: 3 / sqrt(3 * 4.5)
])  # fmt: skip
def test_rank_correlation_by_hand(one, other, expected):
    found = sanity_check.rank_correlation(np.array(one, float), np.array(other, float))
    assert found == pytest.approx(expected, abs=1e-6)


def test_energy_in_the_strongest_quarter_by_hand():
    """Four of sixteen pixels hold 4 of each 4 + 12 * 0.25 units; the other has all its energy elsewhere, or evenly."""
    learned, elsewhere, even = np.full([4, 4], 0.5), np.zeros([4, 4]), np.full([4, 4], -3.0)
    learned[0] = [1, -1, 1, -1]
    elsewhere[3, 3] = 9
    likeness = sanity_check.compare(features([learned, learned]), features([elsewhere, even]), FIELDS)
    assert likeness.learned == pytest.approx(4 / 7)
    assert likeness.random == pytest.approx((0 + 0.25) / 2)


def test_what_lies_outside_the_picture_does_not_count():
    """At the border a spot sees two rows and columns less; values that stand there do not change the figures."""
    fields = (Field(6, 1, -2),) * 2
    one, other = features(np.random.RandomState(2).randn(2, 4, 4)), features(np.random.RandomState(3).randn(2, 4, 4))
    assert sanity_check.compare(one, other, fields) == sanity_check.compare(one, other, FIELDS)


def test_spots_that_are_none_do_not_count():
    one = features(np.random.RandomState(0).randn(3, 4, 4))
    fewer = one._replace(images=np.array([[0, 1, -1]]))
    assert sanity_check.compare(fewer, one, FIELDS).spots == 2
    none = one._replace(images=np.array([[-1, -1, -1]]))
    assert sanity_check.compare(none, one, FIELDS).spots == 0
    assert "no spot" in sanity_check.format_report(sanity_check.compare(none, one, FIELDS), "conv1")


def test_a_random_kernel_is_drawn_as_the_networks_own():
    kernel = sanity_check.random_kernel([5, 5, 32, 64], 0)
    assert kernel.shape == (5, 5, 32, 64)
    assert np.abs(kernel).max() <= 0.2
    assert kernel.std() == pytest.approx(0.088, abs=0.002)  # 0.1 * 0.8796, a normal cut off at two deviations
    assert kernel.mean() == pytest.approx(0, abs=0.002)
    assert not np.allclose(kernel, sanity_check.random_kernel([5, 5, 32, 64], 1))


def test_empty_projections_are_left_out_and_counted():
    """A control without a signal is not a control that differs: its correlation of 0 would lower the mean."""
    random = np.random.RandomState(4)
    learned, control = random.randn(4, 4, 4), random.randn(4, 4, 4)
    expected = sanity_check.compare(features(learned[:2]), features(control[:2]), FIELDS)
    control[2], learned[3] = 0, 0
    found = sanity_check.compare(features(learned), features(control), FIELDS)
    assert found == expected._replace(empty=2)
    assert "2 spots" in sanity_check.format_report(found, "conv1")
