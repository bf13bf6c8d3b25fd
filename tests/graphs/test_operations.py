"""Attributes of nodes that later TensorFlow versions wrote."""

import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.nodes import new_node
from legacy_graph.graphs.operations import definition, strip_attributes

KIND = tf.AttrValue(type=tf.float32.as_datatype_enum)


@pytest.mark.parametrize("operation", ["VarHandleOp", "VariableV2"])
def test_the_debug_name_of_a_variable_is_ignored(operation):
    """TensorFlow 2.21 knows the attribute of VarHandleOp only; 1.15 does not know it."""
    node = new_node(operation, "kernel", dtype=KIND, debug_name=tf.AttrValue(s=b"kernel"))
    strip_attributes([node])
    known = {one.name for one in definition(operation).attr}
    assert set(node.attr) == {"dtype", "debug_name"} & known


def test_an_unknown_attribute_with_a_value_is_refused():
    node = new_node("VarHandleOp", "kernel", dtype=KIND, later=tf.AttrValue(s=b"value"))
    with pytest.raises(UserError) as refused:
        strip_attributes([node])
    expected = (
        f"operation VarHandleOp (kernel): expected attributes that TensorFlow {tf.__version__} knows, found later"
    )
    assert str(refused.value) == f"{expected}; use a newer TensorFlow"
