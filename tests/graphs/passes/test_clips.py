"""ReLUs that are written as a maximum and a minimum."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.config import METHODS
from legacy_graph.graphs.backward import allowed_methods
from legacy_graph.graphs.load import load_model
from tests.support.graph_files import constant, images, run, write_frozen

WAYS = {
    "Keras's ReLU6": (lambda x: tf.clip_by_value(tf.nn.relu(x), 0.0, 6.0), "Relu6"),
    "clip": (lambda x: tf.clip_by_value(x, 0.0, 6.0), "Relu6"),
    "minimum of a ReLU": (lambda x: tf.minimum(tf.nn.relu(x), 6.0), "Relu6"),
    "minimum of a maximum": (lambda x: tf.minimum(6.0, tf.maximum(0.0, x)), "Relu6"),
    "maximum": (lambda x: tf.maximum(x, 0.0), "Relu"),
}


def built(activate):
    def build(x):
        for number in range(2):
            kernel = 4 * constant([3, 3, x.shape.as_list()[-1], 4], number)
            x = activate(tf.nn.conv2d(x, kernel, [1] * 4, "SAME", name=f"conv{number}"))
        return x

    return build


@pytest.mark.parametrize("case", WAYS)
def test_a_clip_is_a_relu(case, tmp_path):
    activate, operation = WAYS[case]
    model = load_model(write_frozen(tmp_path / "model.pb", built(activate)))
    known = load_model(write_frozen(tmp_path / "known.pb", built(getattr(tf.nn, operation.lower()))))
    assert [model.graph.by_name[layer.activation].op for layer in model.layers] == [operation] * 2
    assert [layer.fields for layer in model.layers] == [layer.fields for layer in known.layers]
    assert allowed_methods(model, model.layers[-1]) == tuple(METHODS) and model.notes == known.notes
    values, expected = [
        run(one.graph_def, one.layers[-1].activation, {"images": images(3, 12, 12, 3)}) for one in (model, known)
    ]
    np.testing.assert_array_equal(values, expected)
    assert 0 < (values == 0).mean() < 1 and (values == 6).any() == (operation == "Relu6")


@pytest.mark.parametrize("limits", [(0.0, 1.0), (-1.0, 6.0), (0.5, 6.0)])
def test_other_limits_stay(limits, tmp_path):
    model = load_model(write_frozen(tmp_path / "model.pb", built(lambda x: tf.clip_by_value(x, *limits))))
    assert "Relu6" not in {node.op for node in model.graph_def.node}
