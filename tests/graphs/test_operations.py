"""Operations of other TensorFlow versions: attributes of later ones, and the batch norm of the first year."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from tensorflow.core.framework import versions_pb2

from legacy_graph.article.receptive_field import Field
from legacy_graph.errors import UserError
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.load import load_model
from legacy_graph.graphs.nodes import constant, new_node, placeholder
from legacy_graph.graphs.operations import definition, strip_attributes
from tests.support.graph_files import images, run

CHANNELS = 6
KIND = tf.AttrValue(type=tf.float32.as_datatype_enum)


@pytest.mark.parametrize("operation", ["VarHandleOp", "VariableV2"])
def test_the_debug_name_of_a_variable_is_ignored(operation):
    """TensorFlow 2.21 knows the attribute of VarHandleOp only; 1.15 does not know it."""
    node = new_node(operation, "kernel", dtype=KIND, debug_name=tf.AttrValue(s=b"kernel"))
    graph = Graph(tf.GraphDef(node=[node]))
    strip_attributes(graph)
    known = {declared.name for declared in definition(operation).attr}
    assert set(graph.by_name["kernel"].attr) == {"dtype", "debug_name"} & known


def test_an_unknown_attribute_with_a_value_is_refused():
    node = new_node("VarHandleOp", "kernel", dtype=KIND, later=tf.AttrValue(s=b"value"))
    with pytest.raises(UserError) as refused:
        strip_attributes(Graph(tf.GraphDef(node=[node])))
    expected = (
        f"operation VarHandleOp (kernel): expected attributes that TensorFlow {tf.__version__} knows, found later"
    )
    assert str(refused.value) == f"{expected}; use a newer TensorFlow"


def old_batch_norm(mean, variance, offset, scale):
    """A graph of the first year: pixels, the batch norm "old", a convolution that changes nothing."""
    vectors = {"mean": mean, "variance": variance, "offset": offset, "scale": scale}
    nodes = [placeholder("pixels", [None, 4, 4, CHANNELS])]
    nodes += [constant(name, value, tf.float32.as_datatype_enum) for name, value in vectors.items()]
    options = {"variance_epsilon": tf.AttrValue(f=0.001), "scale_after_normalization": tf.AttrValue(b=True)}
    nodes.append(new_node("BatchNormWithGlobalNormalization", "old", ["pixels", *vectors], T=KIND, **options))
    nodes.append(constant("kernel", np.eye(CHANNELS)[None, None], tf.float32.as_datatype_enum))
    options = {"strides": tf.AttrValue(list=tf.AttrValue.ListValue(i=[1] * 4)), "padding": tf.AttrValue(s=b"VALID")}
    nodes.append(new_node("Conv2D", "conv", ["old", "kernel"], T=KIND, **options))
    return tf.GraphDef(node=nodes, versions=versions_pb2.VersionDef(producer=6))


def test_the_batch_norm_of_old_graphs(tmp_path):
    mean, variance, offset, scale = np.random.RandomState(2).uniform(0.2, 0.8, (4, CHANNELS))
    path = tmp_path / "model.pb"
    path.write_bytes(old_batch_norm(mean, variance, offset, scale).SerializeToString())
    model = load_model(str(path))
    assert model.layers[0].fields == (Field(1, 1, 0), Field(1, 1, 0))
    pixels = images(2, 4, 4, CHANNELS)
    values = run(model.graph_def, "conv", {"pixels": pixels})
    expected = (pixels - mean) / np.sqrt(variance + 0.001) * scale + offset
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
