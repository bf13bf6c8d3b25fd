"""One example for each operation of the table: a function of float32 images [B, SIDE, SIDE, SIDE].

Height, width and channels are equal, so that each example also fits images whose axes are in another order.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.operations import definition

SIDE = 6
_RAW = tf.raw_ops


SECOND = np.random.RandomState(5).uniform(1.2, 1.8, SIDE).astype(np.float32)  # the second input of most operations


def weights(*shape):
    return tf.constant(np.random.RandomState(5).uniform(0.2, 0.8, shape), tf.float32)


_BOXED = {"strides": [1, 1, 1, 1], "padding": "SAME"}
_NONE = [[0, 0], [0, 0]]  # paddings
_WINDOW = {"ksize": [1, 3, 3, 1], **_BOXED}


def _batch(x):
    return tf.shape(x)[0]


def _norm(x, operation):
    vectors = {key: weights(SIDE) for key in ("scale", "offset", "mean", "variance")}
    return getattr(_RAW, operation)(x=x, is_training=False, **vectors)[0]


def _half(x):
    """Half the height and width, so that the positions of a resize are not closer together than the pixels."""
    return tf.nn.avg_pool(x, 2, 2, "VALID")


def _row(x):
    return tf.reshape(x, [-1, SIDE**3])


def _other(x):
    """Another tensor that depends on the images."""
    return tf.square(x) + 0.1


EXAMPLES = {
    "Placeholder": tf.identity,
    "PlaceholderWithDefault": lambda x: tf.placeholder_with_default(x, [None] + [SIDE] * 3),
    "IdentityN": lambda x: tf.identity_n([x, 2 * x])[0],
    "RefIdentity": tf.identity,
    "Print": lambda x: _RAW.Print(input=x, data=[], message=""),
    "CheckNumerics": lambda x: tf.check_numerics(x, ""),
    "Cast": lambda x: tf.cast(tf.cast(x, tf.float64), tf.float32),
    "EnsureShape": lambda x: tf.ensure_shape(x, [None] + [SIDE] * 3),
    "AddN": lambda x: tf.add_n([x, x, _other(x)]),
    "BiasAdd": lambda x: tf.nn.bias_add(x, weights(SIDE)),
    "BiasAddV1": lambda x: _RAW.BiasAddV1(value=x, bias=weights(SIDE)),
    **{name: lambda x, name=name: _norm(x, name)
       for name in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")},
    "Acosh": lambda x: tf.acosh(x + 2),
    "Zeta": lambda x: tf.zeta(x + 2, weights(SIDE)),
    "Polygamma": lambda x: tf.polygamma(tf.fill([SIDE], 2.0), x),
    "Betainc": lambda x: tf.betainc(tf.ones_like(x), tf.ones_like(x), x),
    "Atan2": lambda x: tf.atan2(x, 0.7 * tf.ones_like(x)),
    "Igamma": lambda x: tf.igamma(weights(1, 1, 1, SIDE), x),
    "Igammac": lambda x: tf.igammac(weights(1, 1, 1, SIDE), x),
    "ClipByValue": lambda x: _RAW.ClipByValue(t=x, clip_value_min=0.2, clip_value_max=0.3),
    "Complex": lambda x: tf.abs(tf.complex(x, 2 * x)),
    **{name: lambda x, name=name: getattr(_RAW, name)(input=tf.complex(x, 2 * x))
       for name in ("Real", "Imag", "Angle")},
    "Conj": lambda x: tf.real(tf.conj(tf.complex(x, x))),
    "ComplexAbs": lambda x: _RAW.ComplexAbs(x=tf.complex(x, x)),
    "ApproximateEqual": lambda x: _RAW.ApproximateEqual(x=x, y=_other(x), tolerance=0.1),
    "Bucketize": lambda x: _RAW.Bucketize(input=x, boundaries=[0.2, 0.60606]),
    "LogicalNot": lambda x: tf.logical_not(x > 0.3),
    **{name: lambda x, name=name: getattr(_RAW, name)(x=x > 0.3, y=_other(x) > 0.3)
       for name in ("LogicalAnd", "LogicalOr")},
    **{name: lambda x, name=name: getattr(_RAW, name)(x=tf.cast(9 * x, tf.int32), y=1)
       for name in ("BitwiseAnd", "BitwiseOr", "BitwiseXor", "LeftShift", "RightShift")},
    "Invert": lambda x: _RAW.Invert(x=tf.cast(9 * x, tf.int32)),
    "Select": lambda x: _RAW.Select(condition=x > 0.30303, x=x, y=_other(x)),
    "SelectV2": lambda x: tf.where_v2(x > 0.30303, x, _other(x)),
    "FakeQuantWithMinMaxVars": lambda x: tf.quantization.fake_quant_with_min_max_vars(x, 0.0, 1.0),
    "FakeQuantWithMinMaxArgs": lambda x: tf.quantization.fake_quant_with_min_max_args(x, 0.0, 1.0),
    "FakeQuantWithMinMaxVarsPerChannel": lambda x: tf.quantization.fake_quant_with_min_max_vars_per_channel(
        x, tf.zeros([SIDE]), tf.ones([SIDE])
    ),
    "Conv2D": lambda x: _RAW.Conv2D(input=x, filter=weights(3, 3, SIDE, 4), **_BOXED),
    "DepthwiseConv2dNative": lambda x: tf.nn.depthwise_conv2d(x, weights(3, 3, SIDE, 2), [1, 2, 2, 1], "SAME"),
    "Conv2DBackpropInput": lambda x: tf.nn.conv2d_transpose(
        _half(x), weights(3, 3, 4, SIDE), tf.stack([_batch(x), SIDE, SIDE, 4]), [1, 2, 2, 1]
    ),
    "MaxPool": lambda x: _RAW.MaxPool(input=x, **_WINDOW),
    "MaxPoolV2": lambda x: _RAW.MaxPoolV2(input=x, ksize=[1, 3, 3, 1], strides=[1, 1, 1, 1], padding="SAME"),
    "MaxPoolWithArgmax": lambda x: _RAW.MaxPoolWithArgmax(input=x, **_WINDOW)[0],
    "AvgPool": lambda x: _RAW.AvgPool(value=x, **_WINDOW),
    "ExtractImagePatches": lambda x: _RAW.ExtractImagePatches(
        images=x, ksizes=[1, 3, 3, 1], strides=[1, 2, 2, 1], rates=[1, 1, 1, 1], padding="SAME"
    ),
    "LRN": lambda x: tf.nn.lrn(x, 2, 1.0, 0.5, 0.7),
    "Dilation2D": lambda x: _RAW.Dilation2D(input=x, filter=weights(3, 3, SIDE), rates=[1] * 4, **_BOXED),
    "AdjustContrastv2": lambda x: _RAW.AdjustContrastv2(images=x[..., :3], contrast_factor=2.0),
    **{name: lambda x, name=name: getattr(_RAW, name)(images=_half(x), size=[SIDE, SIDE])
       for name in ("ResizeNearestNeighbor", "ResizeBilinear", "ResizeBicubic", "ResizeArea")},
    "DepthToSpace": lambda x: tf.depth_to_space(_half(x)[:, :, :, :4], 2),
    "SpaceToDepth": lambda x: tf.space_to_depth(x, 2),
    "MatMul": lambda x: tf.matmul(_row(x), weights(SIDE**3, 5)),
    **{name: lambda x, name=name: getattr(_RAW, name)(x=x, y=_other(x))
       for name in ("BatchMatMul", "BatchMatMulV2")},
    "BatchMatMulV3": lambda x: _RAW.BatchMatMulV3(x=x, y=x, Tout=tf.float32),
    "Einsum": lambda x: _RAW.Einsum(inputs=[x, weights(SIDE, 4)], equation="bhwc,cd->bhwd"),
    **{name: lambda x, name=name: getattr(_RAW, name)(input=x, axis=[1, 2], keep_dims=True)
       for name in ("Mean", "Sum", "Max", "Min", "Prod", "EuclideanNorm")},
    **{name: lambda x, name=name: getattr(_RAW, name)(input=x > 0.3, axis=[1, 2], keep_dims=True)
       for name in ("All", "Any")},
    **{name: lambda x, name=name: getattr(_RAW, name)(input=x, dimension=3) for name in ("ArgMax", "ArgMin")},
    **{name: lambda x, name=name: getattr(_RAW, name)(x=x, axis=2)
       for name in ("Cumsum", "Cumprod", "CumulativeLogsumexp")},
    "ReverseV2": lambda x: tf.reverse(x, [1, 3]),
    "Roll": lambda x: tf.roll(x, 1, 2),
    "Softmax": lambda x: _RAW.Softmax(logits=x),
    "LogSoftmax": lambda x: _RAW.LogSoftmax(logits=x),
    "RGBToHSV": lambda x: _RAW.RGBToHSV(images=x[..., :3]),
    "HSVToRGB": lambda x: _RAW.HSVToRGB(images=x[..., :3]),
    "AdjustHue": lambda x: _RAW.AdjustHue(images=x[..., :3], delta=0.1),
    "AdjustSaturation": lambda x: _RAW.AdjustSaturation(images=x[..., :3], scale=0.5),
    "TopKV2": lambda x: tf.nn.top_k(x, 2)[0],
    "Reshape": lambda x: tf.reshape(x, [-1, SIDE, SIDE, 2, SIDE // 2]),
    "Transpose": lambda x: tf.transpose(2 * tf.transpose(x, [0, 2, 3, 1]), [0, 3, 1, 2]),
    "ExpandDims": lambda x: tf.squeeze(tf.expand_dims(x, 1), [1]),
    "Squeeze": lambda x: tf.squeeze(tf.expand_dims(x, 3), [3]),
    "Pad": lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]]),
    "PadV2": lambda x: _RAW.PadV2(input=x, paddings=[[0, 0], [1, 2], [0, 1], [0, 0]], constant_values=0.5),
    "MirrorPad": lambda x: tf.nn.avg_pool(tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT"), 3, 1, "VALID"),
    "Slice": lambda x: tf.slice(x, [0, 1, 2, 0], [-1, 3, 4, -1]),
    "StridedSlice": lambda x: x[:, 1:, ::2],
    "SpaceToBatchND": lambda x: tf.batch_to_space_nd(2 * tf.space_to_batch_nd(x, [2, 2], _NONE), [2, 2], _NONE),
    "BatchToSpaceND": lambda x: tf.batch_to_space_nd(tf.space_to_batch_nd(x, [3, 1], _NONE), [3, 1], _NONE),
    "Tile": lambda x: tf.tile(x, [1, 1, 1, 2]),
    "BroadcastTo": lambda x: tf.broadcast_to(x[..., :1], tf.shape(x)),
    "Concat": lambda x: _RAW.Concat(concat_dim=3, values=[x, _other(x)]),
    "ConcatV2": lambda x: tf.concat([x, _other(x)], 3),
    "Split": lambda x: tf.split(x, 2, 3)[1],
    "SplitV": lambda x: tf.split(x, [2, 4], 3)[1],
    "Pack": lambda x: tf.reshape(tf.stack([tf.stack([_half(x)] * 2, 3)] * 2, 2), [-1, SIDE, SIDE, SIDE]),
    "Unpack": lambda x: tf.unstack(x, axis=3)[1],
    "Gather": lambda x: _RAW.Gather(params=weights(4, 3), indices=tf.cast(9 * x, tf.int32) % 4),
    "GatherV2": lambda x: tf.gather(x, [1, 0, 1], axis=3),
    "GatherNd": lambda x: tf.gather_nd(weights(9), tf.cast(9 * x, tf.int32)[..., :1] % 9),
    "OneHot": lambda x: tf.one_hot(tf.cast(9 * x[..., 0], tf.int32), 9),
    "Switch": lambda x: _RAW.Switch(data=x, pred=tf.constant(True))[1],
    "Merge": lambda x: _RAW.Merge(inputs=[x, _RAW.Switch(data=x, pred=tf.constant(True))[0]])[0],
}  # fmt: skip
EXAMPLES.update(RefSwitch=EXAMPLES["Switch"], RefMerge=EXAMPLES["Merge"])


def example(operation: str):
    """The example of an operation. One that takes only floating point tensors of one type needs no entry above."""
    if operation in EXAMPLES:
        return EXAMPLES[operation]
    arguments = definition(operation).input_arg
    assert {argument.type_attr for argument in arguments} == {"T"}, f"{operation} needs an example in {__name__}"

    def build(x):
        values = [x, tf.constant(SECOND)][: len(arguments)]
        return getattr(_RAW, operation)(**{argument.name: value for argument, value in zip(arguments, values)})

    return build
