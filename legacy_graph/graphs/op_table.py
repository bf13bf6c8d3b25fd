"""The table of operations: one row per TensorFlow operation, and no other module lists operations.

An operation without a row does not run: `check_operations` refuses it by name. To add an operation, add its name to the
group with the same properties, or a group. `tests/graphs/test_op_table.py` makes the tests of the row; it asks for an
example if it cannot make one itself. `python -m tests.agreement.operation_table` then writes the page of the table.
"""

import re
from functools import partial
from typing import Dict, FrozenSet, NamedTuple, Optional, Tuple

# Says how to add an operation: the page beside this module, in every copy of the program.
PAGE = "legacy_graph/graphs/README.md"


class Row(NamedTuple):
    """The properties of an operation. A rule is the name of a function in the module that uses the column."""

    kind: str
    # Numbers of the inputs that may depend on the images, None for all. All others are parameters, such as a kernel.
    data: Optional[Tuple[int, ...]] = None
    axes: Optional[int] = None  # number of the input with the axes, or with one value for each axis
    # Where the values of the output come from, see `axis_windows`; "mixes": not known to keep the images apart.
    moves: str = "mixes"
    bound: str = "unknown"  # of the values, see `overflow`; "same": |f(x)| <= f(m) if m >= |x|
    # "linear", "product" (linear in one input if no other depends on the images), "relu" and "max pool": every method
    # is defined. "gradient": only the gradient is.
    projection: str = "gradient"
    layout: str = "transposed"  # NCHW -> NHWC, see `nhwc`; "transposed": runs as NCHW between two transposes


# Moves or adds values without a weight.
_move = partial(Row, data=(0,), bound="same", projection="linear")
# Each position of the output depends on the same position of the inputs.
_each = partial(Row, moves="elementwise", layout="elementwise")
# The same with parameters, of input 0.
_position = partial(Row, data=(0,), moves="positions", layout="elementwise")
_first = partial(Row, data=(0,))
_GROUPS = {
    # Without a value of their own, or with a value that does not depend on the images.
    "Placeholder PlaceholderWithDefault": _each("input", bound="same", projection="linear"),
    "PlaceholderV2": Row("input"),
    "Const": Row("constant"),
    "Variable VariableV2 AutoReloadVariable": Row("variable"),
    "VarHandleOp": Row("resource"),
    "ReadVariableOp": Row("read"),
    "Shape ShapeN Size Rank": Row("shape"),
    "Fill Range LinSpace BroadcastArgs ConcatOffset DataFormatDimMap DataFormatVecPermute": Row("maker"),
    # These may compute constants. Between the images and a layer they are refused.
    "Where Unique UniqueV2 ListDiff InvertPermutation UnravelIndex DynamicStitch DynamicPartition ScatterNd Bincount "
    "TensorScatterUpdate TensorScatterAdd TensorScatterSub SegmentSum SegmentMean SegmentMax SegmentMin SegmentProd "
    "UnsortedSegmentSum UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd Diag DiagPart MatrixDiag "
    "MatrixDiagV2 MatrixDiagV3 MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixBandPart MatrixSetDiag "
    "MatrixSetDiagV2 MatrixSetDiagV3 MatrixInverse CropAndResize NonMaxSuppression NonMaxSuppressionV2 "
    "NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 HistogramFixedWidth L2Loss": Row("indexing"),
    # Elementwise and linear: they belong to the layer before them.
    "Identity RefIdentity": _each("identity", bound="same", projection="linear"),
    "IdentityN Print CheckNumerics PreventGradient Snapshot": _each("pass", bound="same", projection="linear"),
    "Cast EnsureShape": _each("cast", bound="same", projection="linear"),
    "StopGradient": _each("stop", bound="same", projection="linear"),
    "Add AddV2 AddN": _each("sum", bound="same", projection="linear"),
    "Sub": _each("sum", bound="sum", projection="linear"),
    "Neg": _each("sum", bound="identity", projection="linear"),
    "BiasAdd BiasAddV1": _position("sum", bound="same", projection="linear"),
    "Mul": _each("scale", bound="same", projection="product"),
    "Div RealDiv": _each("scale", bound="quotient", projection="divided"),
    "FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3": _position(
        "batch norm", bound="batch norm", projection="product"
    ),
    "BatchNormWithGlobalNormalization": _position("batch norm", projection="product"),
    # Elementwise and not linear. "saturating": float32 values above a small limit, such as 20, all give one result.
    "Relu": _each("relu", bound="same", projection="relu"),
    "Relu6": _each("saturating relu", bound="same", projection="relu"),
    "Sigmoid Tanh Erf": _each("saturating", bound="same"),
    "LeakyRelu": _each("increasing", bound="leaky"),
    "Elu Softplus Softsign Exp Expm1 Sinh Asinh Atan Asin Atanh Sign Ceil Round Rint": _each(
        "increasing", bound="same"
    ),
    "Selu Log Log1p Erfinv Ndtri Sqrt Floor Acosh": _each("increasing"),
    "Erfc Rsqrt Reciprocal Inv Acos": _each("decreasing"),  # the quotients, for values above 0
    "Abs Square Cosh BesselI0 BesselI1 ZerosLike OnesLike MulNoNan": _each("activation", bound="same"),
    "Sin BesselI1e BesselJ1 Dawsn FresnelCos FresnelSin": _each("activation", bound="identity"),
    "FloorMod Mod TruncateMod": _each("activation", bound="sum"),
    "TruncateDiv DivNoNan Xdivy": _each("activation", bound="quotient"),
    "Cos Tan Lgamma Digamma BesselI0e BesselJ0 BesselK0 BesselK0e BesselK1 BesselK1e BesselY0 BesselY1 Expint Spence "
    "Pow SquaredDifference FloorDiv Xlogy Xlog1py Atan2 NextAfter Igamma Igammac Zeta Polygamma Betainc Complex Real "
    "Imag Conj ComplexAbs Angle Invert BitwiseAnd BitwiseOr BitwiseXor LeftShift RightShift": _each("activation"),
    "Maximum Minimum": _each("limit", bound="sum"),
    "ClipByValue": _each("clip"),
    "Greater GreaterEqual Less LessEqual Equal NotEqual ApproximateEqual IsNan IsInf IsFinite LogicalNot LogicalAnd "
    "LogicalOr Bucketize": _each("comparison"),
    "SelectV2": _each("selection"),
    "Select": _each("selection", moves="select"),
    "FakeQuantWithMinMaxVars FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVarsPerChannel": _position("activation"),
    # Windows.
    "Conv2D DepthwiseConv2dNative": _first(
        "convolution", moves="convolution", bound="same", projection="product", layout="window"
    ),
    "Conv2DBackpropInput": Row("convolution", (2,), None, "transposed convolution", "same", "product", "window"),
    "MaxPool": _first("max pool", moves="pool", bound="same", projection="max pool", layout="window"),
    "MaxPoolV2": _first("window", moves="images", bound="same", projection="max pool"),
    "MaxPoolWithArgmax": _first("max pool", moves="pool", bound="same", projection="max pool"),
    "AvgPool": _move("average pool", moves="pool", layout="window"),
    "ExtractImagePatches": _move("patches", moves="patches"),
    "LRN": _first("normalization", moves="last axis"),
    "Dilation2D": _first("window", moves="images", bound="same"),
    "AdjustContrastv2": _first("window", moves="images"),
    "ResizeNearestNeighbor ResizeBilinear": _move("resize", moves="resized"),
    "ResizeBicubic": _first("resize", moves="images", projection="linear"),
    "ResizeArea": _first("resize", moves="images", bound="same"),
    "DepthToSpace": _move("rearranging", moves="depth to space", layout="window"),
    "SpaceToDepth": _move("rearranging", moves="space to depth", layout="window"),
    # Products.
    "MatMul": Row("dense", moves="product", bound="same", projection="product"),
    "BatchMatMul BatchMatMulV2": Row("product", moves="product", bound="same", projection="product"),
    "BatchMatMulV3": Row("product", moves="product", bound="same"),
    "Einsum": Row("product", moves="einsum", bound="same"),
    # Along axes.
    "Mean Sum": _move("mean", axes=1, moves="reduced", layout="axes"),
    "Max": _first("reduction", axes=1, moves="reduced", bound="same", layout="axes"),
    "Min": _first("reduction", axes=1, moves="reduced", layout="axes"),
    "Prod EuclideanNorm": _first("reduction", axes=1, moves="reduced", bound="same"),
    "All Any ArgMax ArgMin": _first("reduction", axes=1, moves="reduced"),
    "Cumsum Cumprod": _first("scan", axes=1, moves="along", bound="same"),
    "CumulativeLogsumexp": _first("scan", axes=1, moves="along"),
    "ReverseV2": _move("rearranging", axes=1, moves="along"),
    "Roll": _first("rearranging", axes=2, moves="along", bound="same"),
    "Softmax LogSoftmax": _first("normalization", moves="last axis"),
    "RGBToHSV HSVToRGB AdjustHue AdjustSaturation TopKV2": _first("channels", moves="last axis"),
    # Moves of values.
    "Reshape": _move("reshape", moves="reshape"),
    "Transpose": _move("transpose", axes=1, moves="transpose"),
    "ExpandDims": _move("unit axis", axes=1, moves="expanded"),
    "Squeeze": _move("unit axis", moves="squeezed"),
    "Pad PadV2": _move("padding", axes=1, moves="padded", layout="pad"),
    "MirrorPad": _move("padding", axes=1, moves="padded"),
    "Slice": _move("slice", axes=1, moves="sliced"),
    "StridedSlice": _move("strided slice", axes=1, moves="strided"),
    "SpaceToBatchND BatchToSpaceND": _move("blocks", moves="blocks"),
    "Tile": _move("tile", axes=1, moves="tiled"),
    "BroadcastTo": _first("tile", moves="elementwise", bound="same"),
    "Concat": Row("join", axes=0, moves="joined", bound="same", projection="linear"),
    "ConcatV2": Row("join", None, -1, "joined", "same", "linear", "axes"),
    "Split": Row("split", (1,), 0, "joined", "same", "linear"),
    "SplitV": _move("split", axes=2, moves="joined"),
    "Pack": Row("join", moves="packed", bound="same", projection="linear"),
    "Unpack": _move("split", moves="unpacked"),
    "Gather": Row("gather", moves="gathered", bound="same", projection="linear"),
    "GatherV2": Row("gather", data=(0, 1), axes=2, moves="gathered", bound="same", projection="linear"),
    "GatherNd": Row("gather", moves="indexed"),
    "OneHot": _first("indexing", moves="packed"),
    "Switch RefSwitch": _first("switch", moves="elementwise"),
    "Merge RefMerge": Row("merge", moves="elementwise"),
    # These never run, see `_REFUSALS`; the rest of the program recognises them.
    "DecodeJpeg DecodePng DecodeBmp DecodeGif DecodeImage DecodeWebP DecodeAndCropJpeg DecodeRaw DecodePaddedRaw "
    "DecodeWav DecodeCSV DecodeBase64 DecodeCompressed DecodeJSONExample ParseExample ParseExampleV2 "
    "ParseSingleExample ParseSequenceExample ParseSequenceExampleV2 ParseSingleSequenceExample "
    "IteratorGetNextAsOptional": Row("source"),
    "IteratorGetNext IteratorGetNextSync QueueDequeue QueueDequeueV2 QueueDequeueMany QueueDequeueManyV2 "
    "QueueDequeueUpTo QueueDequeueUpToV2": Row("batch source"),
    "Restore RestoreSlice RestoreV2": Row("restore"),
    "Assign AssignVariableOp": Row("assignment"),
    "AssignSub AssignSubVariableOp": Row("subtraction"),
    "AssignAdd AssignAddVariableOp ScalarSummary ImageSummary HistogramSummary AudioSummary AudioSummaryV2 "
    "TensorSummary TensorSummaryV2 MergeSummary WriteSummary WriteScalarSummary WriteImageSummary "
    "WriteHistogramSummary WriteAudioSummary WriteGraphSummary WriteRawProtoSummary": Row("effect"),
    "PartitionedCall StatefulPartitionedCall": Row("call"),
    "If StatelessIf": Row("conditional"),
    "While StatelessWhile Case StatelessCase RemoteCall SymbolicGradient": Row("functional"),
    "Enter RefEnter": Row("loop"),
    "NextIteration RefNextIteration": Row("back edge"),
    "Exit RefExit LoopCond TensorArrayV3 TensorArrayReadV3 TensorArrayWriteV3 TensorArrayGatherV3 "
    "TensorArrayScatterV3 TensorArraySplitV3 TensorArrayConcatV3 TensorArraySizeV3 TensorListReserve "
    "TensorListFromTensor TensorListStack TensorListGetItem TensorListSetItem EmptyTensorList TensorListPushBack "
    "TensorListPopBack": Row("loop value"),
}  # fmt: skip
TABLE: Dict[str, Row] = {name: row for names, row in _GROUPS.items() for name in names.split()}
_EFFECTS = ("effect", "assignment", "subtraction")  # summaries, and updates of variables
_LATER = "name a node after it with --input"
_CALLS, _LOOPS = ("call", "conditional", "functional"), ("loop", "back edge")
# Why the operations of a kind never run: what a `UserError` expected and found, and its hint.
_REFUSALS: Dict[str, Tuple[str, str, str]] = {
    "quantised": ("a float graph", "a quantised one", "give the graph before quantisation"),
    "volume": ("2-D convolutions", "a 3-D one", "no picture shows a volume: use a 2-D model"),
    **dict.fromkeys(_CALLS, ("plain operations", "a function call", "export the graph without control flow")),
    **dict.fromkeys((*_LOOPS, "loop value"), ("a graph without loops", "a while loop", _LATER)),
    "random": ("a graph for inference", "random numbers", f"export it for inference, or {_LATER}"),
}
# Families without rows, which would only be long lists of names.
_FAMILIES = {
    "quantised": re.compile(r"(Uniform)?(Quantize|Dequantize|Requantiz).*|Quantized.*"),
    "volume": re.compile(r"(Conv|MaxPool|AvgPool)3D.*"),
    "random": re.compile(
        r"(State\w+|Parameterized)?(Random(?!Shuff)|Truncated|Standard|Uniform|Multinomial)\w*|Rng\w+"
    ),
    # The gradients of operations. Conv2DBackpropInput has a row: it is also the transposed convolution.
    "gradient": re.compile(r"\w*Grad(V\d|WithArgmax|Grad\w*)?|\w+Backprop(Input|Filter)(V2)?|BroadcastGradientArgs"),
    # The updates of an optimizer.
    "update": re.compile(r"(Resource)?(Sparse)?Apply\w+"),
}
_NEVER_RUN = {*_REFUSALS, "source", "batch source", "restore", *_EFFECTS, "gradient", "update", "unknown"}


def row(operation: str) -> Row:
    """The row of an operation. Without one the kind is that of its family, or "unknown", and no rule is known."""
    if operation in TABLE:
        return TABLE[operation]
    return next((Row(kind) for kind, pattern in _FAMILIES.items() if pattern.fullmatch(operation)), Row("unknown"))


def refusal(operation: str) -> Optional[Tuple[str, str, str]]:
    """Why an operation does not run: what was expected and found, and a hint. None if it runs."""
    kind = row(operation).kind
    if kind not in _NEVER_RUN:
        return None
    hint = f"{_LATER}; {PAGE} says how to add an operation to the table"
    return _REFUSALS.get(kind) or ("an operation of the table of operations", operation, hint)


def of_kind(*kinds: str) -> FrozenSet[str]:
    """The names of the operations of these kinds."""
    return frozenset(name for name, known in TABLE.items() if known.kind in kinds)


ELEMENTWISE = frozenset(name for name, known in TABLE.items() if known.layout == "elementwise")
# Elementwise and linear: they belong to the layer before them.
LINEAR = of_kind("identity", "pass", "stop", "cast", "sum", "scale", "batch norm")
PASSING = of_kind("pass")  # their output equals their input: they print, check, or change only the gradient
SHAPES = of_kind("shape")  # they read the shape of a tensor, not its values
CONVOLUTIONS = of_kind("convolution")
DENSE = of_kind("dense")  # products of a matrix with a row of values for each image
MAX_POOLS = of_kind("max pool")
RELUS = of_kind("relu", "saturating relu")
COMPARISONS = of_kind("comparison")
SATURATING = of_kind("saturating", "saturating relu")  # their large values are equal, with gradient 0
SOURCES = of_kind("input", "source", "batch source")  # they may feed the images into a graph
CALLS, LOOPS = of_kind(*_CALLS), of_kind(*_LOOPS)
SIDE_EFFECTS = of_kind(*_EFFECTS)
PLACEHOLDERS = of_kind("input")
# What an operation computes from constant bool values.
LOGIC = {"LogicalNot": lambda values: not values[0], "LogicalAnd": all, "LogicalOr": any, "Squeeze": all}
