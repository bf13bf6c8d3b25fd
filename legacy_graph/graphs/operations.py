"""Operation definitions of this TensorFlow, and the operations that a loaded graph may not contain."""

import functools
import re
from typing import Iterable, Optional

import tensorflow.compat.v1 as tf
from tensorflow.python.framework.c_api_util import ApiDefMap

from legacy_graph.errors import UserError

# These run arbitrary code, or read and write files.
_UNSAFE = re.compile(
    r"PyFunc|PyFuncStateless|EagerPyFunc|ReadFile|WriteFile|MatchingFiles|.*Reader(V2)?|ReaderRead.*|Save(V2|Slices)?"
    r"|Restore(V2|Slice)?|MergeV2Checkpoints|.*Summary(V2|Writer|Proto)|XlaHostCompute|.*Dataset(V2)?|LoadAndRemap.*"
    r"|DebugIdentity.*|Print(V2)?|InitializeTableFromTextFile.*|Rpc.*|TryRpc|Send|Recv|_Send|_Recv|.*Library.*"
)
_QUANTISED = re.compile(r"Quantize.*|Dequantize|Quantized.*|Requant.*|UniformQuant.*|UniformDequant.*|UniformRequant.*")
CALLS = {
    "PartitionedCall", "StatefulPartitionedCall", "If", "StatelessIf", "While", "StatelessWhile", "Case",
    "StatelessCase", "RemoteCall", "SymbolicGradient",
}  # fmt: skip
# Elementwise: each output position depends on the same position of the inputs.
LINEAR = {
    "BiasAdd", "Add", "AddV2", "AddN", "Sub", "Mul", "RealDiv", "Div", "Neg", "Identity", "StopGradient",
    "PreventGradient", "CheckNumerics", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3",
    "BatchNormWithGlobalNormalization", "Cast",
}  # fmt: skip
ELEMENTWISE = LINEAR | {
    "Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Softplus", "Softsign", "Sigmoid", "Tanh", "Abs", "Exp", "Expm1",
    "Log", "Log1p", "Erf", "Erfc", "Square", "Sqrt", "Rsqrt", "Pow", "Maximum", "Minimum", "Sign", "Greater",
    "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual", "LogicalNot", "LogicalAnd", "LogicalOr", "Select",
    "SelectV2", "SquaredDifference", "ClipByValue", "Reciprocal", "Inv", "ZerosLike", "OnesLike", "Floor", "Round",
    "DivNoNan", "FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxArgs", "FakeQuantWithMinMaxVarsPerChannel",
}  # fmt: skip
RANDOM_OPERATIONS = {
    "RandomUniform", "RandomStandardNormal", "TruncatedNormal", "StatelessRandomUniform", "StatelessRandomUniformV2",
    "StatelessRandomNormal", "StatelessRandomNormalV2", "Multinomial",
}  # fmt: skip
# Attributes of later TensorFlow versions that do not change what a graph computes at inference.
_IGNORED_ATTRIBUTES = {"exponential_avg_factor", "debug_name"}
LOOPS = {"Enter", "RefEnter", "NextIteration", "RefNextIteration"}


@functools.lru_cache(maxsize=None)
def _definitions():
    known = ApiDefMap()
    return {name: known.get_op_def(name) for name in known.op_names()}


def definition(operation: str) -> Optional[object]:
    """The OpDef of an operation in this TensorFlow, or None."""
    return _definitions().get(operation)


def attribute(node: tf.NodeDef, key: str) -> tf.AttrValue:
    """An attribute of a node, or its default in the definition of the operation.

    Reading `node.attr[key]` itself would add the attribute to the node.
    """
    if key in node.attr:
        return node.attr[key]
    known = definition(node.op)
    defaults = {one.name: one.default_value for one in known.attr} if known else {}
    return defaults.get(key, tf.AttrValue())


def strip_attributes(nodes: Iterable[tf.NodeDef]) -> None:
    """Remove devices and unneeded attributes from the nodes.

    Removes internal attributes ("_output_shapes", "_class"), and attributes of later TensorFlow versions with an empty
    value, or without an effect at inference.

    Raises:
        UserError: an attribute that this TensorFlow does not know may change what the graph computes.
    """
    for node in nodes:
        node.device = ""
        known = definition(node.op)
        names = {attribute.name for attribute in known.attr} if known else set(node.attr)
        for key in list(node.attr):
            if key.startswith("_") or key not in names:
                if not key.startswith("_") and not _is_empty(key, node.attr[key]):
                    raise UserError(
                        f"operation {node.op} ({node.name})", f"attributes that TensorFlow {tf.__version__} knows", key,
                        "use a newer TensorFlow",
                    )  # fmt: skip
                del node.attr[key]


def _is_empty(key, value):
    if key in _IGNORED_ATTRIBUTES:
        return True
    kind = value.WhichOneof("value")
    if kind == "list":
        return value.list.ByteSize() == 0
    return kind is None or not getattr(value, kind)


def check_operations(nodes: Iterable[tf.NodeDef]) -> None:
    """Refuse operations between the input and the layers that cannot be run or shown correctly.

    Raises:
        UserError: names the first refused node and the reason.
    """
    for node in nodes:
        where = f"operation {node.op} ({node.name})"
        if _QUANTISED.fullmatch(node.op):
            raise UserError(where, "a float graph", "a quantised one", "give the graph before quantisation")
        if node.op.startswith(("Conv3D", "MaxPool3D", "AvgPool3D")):
            raise UserError(where, "2-D convolutions", "a 3-D one", "no picture shows a volume: use a 2-D model")
        if _UNSAFE.fullmatch(node.op):
            hint = "it runs code or touches files: name a node after it with --input"
            raise UserError(where, "operations that only compute", node.op, hint)
        if node.op in CALLS or (definition(node.op) is None and not node.attr):
            raise UserError(where, "plain operations", "a function call", "export the graph without control flow")
        if node.op in LOOPS:
            raise UserError(where, "a graph without loops", "a while loop", "name a node after it with --input")
        if definition(node.op) is None:
            expected = f"operations that TensorFlow {tf.__version__} knows"
            raise UserError(where, expected, node.op, "export the graph without custom operations")
        if node.op in RANDOM_OPERATIONS:
            raise UserError(where, "a graph for inference", "random numbers", "export the graph for inference")
        if node.op.startswith("FusedBatchNorm") and attribute(node, "is_training").b:
            found = "statistics of the batch"
            raise UserError(where, "a batch norm in inference mode", found, "export the graph for inference")
