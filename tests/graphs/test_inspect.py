"""The layers of a graph: what belongs to each, parameters by hand, receptive fields by perturbation."""

import numpy as np
import pytest

from legacy_graph.article.receptive_field import Field
from legacy_graph.graphs.graph_table import layer_rows
from legacy_graph.graphs.inspect import short_labels
from legacy_graph.graphs.load import load_model
from tests.support.graph_files import CONSTRUCTS, images, run, write_frozen

# (label, activation, start, parameters) of the last layer; the kernels are [3, 3, channels before, channels].
LAST = {
    "pooled": ("conv", "conv/relu", "pool", 3 * 3 * 3 * 4 + 4),
    "dilated_by_blocks": ("conv", "conv/relu", "conv/relu", 3 * 3 * 3 * 4 + 4),
    "depthwise": ("conv", "conv/relu", "conv/relu", 1 * 1 * 6 * 4 + 4),
    "residual": ("conv", "conv/relu", "conv/relu", 3 * 3 * 4 * 3 + 3),
    "transposed": ("conv", "Relu", "Relu", 3 * 3 * 3 * 4),
    "folded_norm": ("conv", "relu", "relu", 3 * 3 * 3 * 4 + 4 * 4),
    "fused_norm": ("conv", "relu", "relu", 3 * 3 * 3 * 4 + 4 * 4),
    "relu6": ("conv", "relu6", "bias", 3 * 3 * 3 * 4 + 4),
    "leaky": ("conv", "leaky", "leaky", 3 * 3 * 3 * 4),
    "prelu": ("conv", "prelu", "prelu", 3 * 3 * 3 * 4 + 4),
    "swish": ("conv", "swish", "swish", 3 * 3 * 3 * 4),
}


def load(tmp_path, construct):
    return load_model(write_frozen(tmp_path / "model.pb", CONSTRUCTS[construct]))


@pytest.mark.parametrize("construct", LAST)
def test_last_layer(construct, tmp_path):
    layer = load(tmp_path, construct).layers[-1]
    assert (layer.label, layer.activation, layer.start, layer.parameters) == LAST[construct]


def test_a_batch_norm_after_the_relu_is_not_the_start(tmp_path):
    first = load(tmp_path, "norm_after_relu").layers[0]
    assert (first.activation, first.start) == ("conv/relu", "conv/relu")


def test_a_residual_add_ends_a_layer(tmp_path):
    second = load(tmp_path, "residual").layers[1]
    assert (second.label, second.activation, second.start) == ("second", None, "second")


@pytest.mark.parametrize("construct", sorted(set(CONSTRUCTS) - {"transposed"}))
def test_receptive_field_by_perturbation(construct, tmp_path):
    """Changing one row or column of pixels changes exactly the places whose field holds it, or fewer."""
    model = load(tmp_path, construct)
    image = images(1, 12, 12, 3)
    starts = [layer.start for layer in model.layers]
    before = run(model.graph_def, starts, {"images": image})
    seen = [np.zeros((2, 12, 12), bool) for _ in starts]  # [axis, place, pixel]
    for axis in range(2):
        for pixel in range(12):
            changed = np.moveaxis(image.copy(), 1 + axis, 0)
            changed[pixel] += 5
            after = run(model.graph_def, starts, {"images": np.moveaxis(changed, 0, 1 + axis)})
            for reach, old, new in zip(seen, before, after):
                places = np.any(old != new, axis=(0, 2 - axis, 3)) if axis == 0 else np.any(old != new, axis=(0, 1, 3))
                reach[axis, : len(places), pixel] = places
    for layer, reach in zip(model.layers, seen):
        for axis, field in enumerate(layer.fields):
            for place in range(layer.shape[axis]):
                begin = field.begin + place * field.step
                expected = [begin <= pixel < begin + field.size for pixel in range(12)]
                assert np.all(np.array(expected) | ~reach[axis, place]), (layer.label, axis, place)
            for offset in (0, field.size - 1):  # the outermost pixels are seen, so the field is not too large
                edges = [(place, field.begin + place * field.step + offset) for place in range(layer.shape[axis])]
                assert any(reach[axis, place, pixel] for place, pixel in edges if 0 <= pixel < 12)


def test_everything_and_unknown_are_different(tmp_path):
    all_of_it, rows = Field(12, 0, 0), Field(5, 1, -2)
    assert load(tmp_path, "squeezed").layers[-1].fields == (all_of_it, all_of_it)
    assert load(tmp_path, "mean_across").layers[-1].fields == (rows, all_of_it)
    seen = {name: [row[3:5] for row in layer_rows(load(tmp_path, name))[0][1:]] for name in ("squeezed", "transposed")}
    assert seen["squeezed"] == [("3 x 3 pixels", 1), ("everything", None), ("everything", None)]
    assert seen["transposed"] == [("3 x 3 pixels", 2), ("unknown", None)]


def test_a_transposed_convolution_has_no_receptive_field(tmp_path):
    assert [layer.fields is None for layer in load(tmp_path, "transposed").layers] == [False, True]


@pytest.mark.parametrize(
    "names, labels",
    [
        (["net/conv1/Conv2D", "net/conv2/Conv2D"], ["conv1", "conv2"]),
        (["net/a/depthwise", "net/a/separable_conv2d", "net/b/Conv2D"], ["a/depthwise", "a/separable_conv2d", "b"]),
        (["Conv2D", "Conv2D_1"], ["Conv2D", "Conv2D_1"]),
        (["call/call/model/x/Conv2D"], ["x"]),
    ],
)
def test_labels_are_short_and_unique(names, labels):
    assert list(short_labels(names).values()) == labels
