"""Types and static shapes of the tensors of a GraphDef, from an import without a session."""

from typing import Dict, List, NamedTuple, Optional

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError, reason


class TensorType(NamedTuple):
    """Type and static shape of output 0 of a node."""

    dtype: Optional[tf.DType]  # None for a node without outputs
    shape: Optional[List[Optional[int]]]  # None if the rank is unknown

    @property
    def is_float(self) -> bool:
        """Whether the tensor is float32."""
        return self.dtype == tf.float32

    @property
    def is_image(self) -> bool:
        """Whether the tensor is float32 of rank 4."""
        return self.is_float and self.shape is not None and len(self.shape) == 4


def import_graph(graph_def: tf.GraphDef) -> tf.Graph:
    """A new graph with these nodes.

    Raises:
        UserError: TensorFlow does not accept the nodes.
    """
    with tf.Graph().as_default() as graph:
        try:
            tf.import_graph_def(graph_def, name="")
        except (ValueError, tf.errors.OpError) as error:
            expected = f"a graph that TensorFlow {tf.__version__} accepts"
            raise UserError("graph", expected, reason(error), "export the graph again") from error
    return graph


def types_of(graph: tf.Graph) -> Dict[str, TensorType]:
    """{node name: type of its output 0} of an imported graph."""
    return {operation.name: _type_of(operation) for operation in graph.get_operations()}


def declared_type(node: tf.NodeDef) -> TensorType:
    """The type of a Const, a placeholder or a variable."""
    shape = node.attr["value"].tensor.tensor_shape if node.op == "Const" else node.attr["shape"].shape
    return TensorType(tf.as_dtype(node.attr["dtype"].type), sides(tf.TensorShape(shape)))


def sides(shape: tf.TensorShape) -> Optional[List[Optional[int]]]:
    """The lengths of the axes; None if the rank is unknown."""
    return None if shape.ndims is None else shape.as_list()


def _type_of(operation):
    if not operation.outputs:
        return TensorType(None, None)
    tensor = operation.outputs[0]
    shape = tensor.shape
    if operation.type == "TensorArrayGatherV3":  # result of a loop over the batch; its shape is not inferred
        shape = shape.merge_with(tf.TensorShape([None]).concatenate(operation.get_attr("element_shape")))
    return TensorType(tensor.dtype.base_dtype, sides(shape))
