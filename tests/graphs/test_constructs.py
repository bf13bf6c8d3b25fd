"""Every construct, saved and loaded, against numpy and finite differences; what lies outside its receptive field."""

import numpy as np
import pytest

from legacy_graph.config import GRADIENT, METHODS
from legacy_graph.graphs import backward
from tests.support.construct_differences import COLUMNS, NUMERIC, load_construct, measure, run_projection
from tests.support.constructs import CONSTRUCTS, DEFINED, one_dimension, one_dimension_pools
from tests.support.graph_models import CHANNELS, SIDES

# The receptive field of a convolution after a reshape is not computed.
LOCAL = [construct for construct in CONSTRUCTS.values() if construct not in (one_dimension, one_dimension_pools)]


@pytest.mark.parametrize("construct", CONSTRUCTS.values(), ids=CONSTRUCTS)
def test_projections_equal_those_of_numpy(construct):
    found = measure(construct)
    allowed = COLUMNS if construct in DEFINED else (GRADIENT, NUMERIC)
    assert set(found) == {"activations", *allowed}
    assert max(found.values()) < 2e-6, found


@pytest.mark.parametrize("construct", CONSTRUCTS.values(), ids=CONSTRUCTS)
def test_the_allowed_methods(construct):
    model = load_construct(construct)
    expected = tuple(METHODS) if construct in DEFINED else (GRADIENT,)
    assert backward.allowed_methods(model, model.layers[-1]) == expected


@pytest.mark.parametrize("construct", LOCAL, ids=lambda one: one.__name__)
def test_nothing_outside_the_receptive_field_counts(construct):
    """Other pixels outside it change neither the activation nor the projection of a spot, to the last bit."""
    model, random = load_construct(construct), np.random.RandomState(4)
    layer = model.layers[-1]
    height, width, maps = layer.shape
    spots = np.array([[0, 0], [height - 1, width - 1], [height // 2, width // 2], [1, width - 2]])
    chosen, image = np.arange(len(spots)) % maps, random.normal(size=(*SIDES, CHANNELS))
    inside = np.zeros((len(spots), *SIDES, 1), bool)
    for mask, spot in zip(inside, spots):
        begins = [field.begin + at * field.step for field, at in zip(layer.fields, spot)]
        rows, columns = [slice(max(0, begin), begin + field.size) for begin, field in zip(begins, layer.fields)]
        mask[rows, columns] = True
    images = np.where(inside, image, random.normal(0, 9, (len(spots), *SIDES, CHANNELS)))
    for method in backward.allowed_methods(model, layer):
        before = run_projection(model, layer, method, np.stack([image] * len(spots)), chosen, spots)
        after = run_projection(model, layer, method, images, chosen, spots)
        for number, ((y, x), one) in enumerate(zip(spots, chosen)):
            assert before[0][number, y, x, one] == after[0][number, y, x, one]
            np.testing.assert_array_equal(before[1][number], after[1][number])
        assert not np.where(inside, 0, after[1]).any()
        assert after[1].any() and not np.array_equal(before[0], after[0])
