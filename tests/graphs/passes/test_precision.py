"""Tensors of float16 and bfloat16 are computed as float32."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.load import load_model
from tests.support.graph_files import constant, graph_of, images, run, write_frozen

BATCH = images(3, 12, 12, 3)
# The values have few bits, so that they are the same in all types.
KERNEL = np.round(constant([3, 3, 3, 4]) * 8) / 8


def loaded(tmp_path, build):
    """(model, value of its last layer)."""
    model = load_model(write_frozen(tmp_path / "model.pb", build))
    return model, run(model.graph_def, model.layers[-1].start, {model.input: BATCH})


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_halves_are_computed_as_float32(dtype, tmp_path):
    def build(x, dtype=dtype):
        return tf.cast(tf.nn.relu(tf.nn.conv2d(tf.cast(x, dtype), tf.cast(KERNEL, dtype), [1] * 4, "SAME")), tf.float32)

    model, values = loaded(tmp_path, build)
    np.testing.assert_array_equal(values, run(graph_of(lambda x: build(x, tf.float32)), "output", {"images": BATCH}))
    assert "Cast" not in {node.op for node in model.graph_def.node}
    assert model.notes == [f"The {dtype.name} tensors of the graph are computed as float32."]


def test_halves_that_no_layer_needs_are_not_noted(tmp_path):
    def build(x):
        return tf.cast(tf.nn.relu(tf.nn.conv2d(x, KERNEL, [1] * 4, "SAME")), tf.float16)

    assert loaded(tmp_path, build)[0].notes == []


def test_bytes_of_halves_are_refused(tmp_path):
    """As float32 they would be other values."""

    def build(x):
        kernel = tf.bitcast(KERNEL.astype(np.float16).view(np.int16), tf.float16, name="bytes")
        return tf.nn.conv2d(x, tf.cast(kernel * 2, tf.float32), [1] * 4, "SAME")

    with pytest.raises(UserError, match="^graph: .* from bytes:0 incompatible with expected float"):
        loaded(tmp_path, build)
