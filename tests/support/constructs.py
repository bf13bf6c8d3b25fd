"""Small graphs, one for each construct that the projection must handle; see `graph_models.Maker`.

The graphs in `DEFINED` allow every method; those in `UNDEFINED` allow only the gradient. The docstrings are the first
column of the table in tests/graphs/README.md.
"""

import tensorflow.compat.v1 as tf

from tests.support.graph_models import ends, pool


def strided(make, value):
    """Convolutions with stride 2, and VALID padding."""
    return ends(tf.nn.relu(make.convolve(tf.nn.relu(make.convolve(value, 4, stride=2)), 5, padding="VALID")))


def dilated(make, value):
    """Dilated convolution, max pool."""
    return ends(pool(tf.nn.relu(make.convolve(tf.nn.relu(make.convolve(value, 4)), 5, dilation=2))))


def depthwise(make, value):
    """Depthwise convolution."""
    return ends(tf.nn.relu(make.depthwise(tf.nn.relu(make.convolve(value, 4)), stride=2)))


def overlapping_pools(make, value):
    """Overlapping max pools, SAME and VALID."""
    return ends(pool(tf.nn.relu(make.convolve(pool(tf.nn.relu(make.convolve(value, 4)), 3, 2), 5)), 3, 2, "VALID"))


def average_pool(make, value):
    """Average pool."""
    return ends(tf.nn.relu(make.convolve(pool(tf.nn.relu(make.convolve(value, 4)), kind=tf.nn.avg_pool), 5)))


def branches(make, value):
    """Branches, concat."""
    left, right = tf.nn.relu(make.convolve(value, 4)), pool(make.convolve(value, 3), 3, 1)
    return ends(tf.nn.relu(make.convolve(tf.concat([left, right], 3), 5, 1)))


def residual(make, value):
    """Residual add."""
    value = tf.nn.relu(make.convolve(value, 4))
    inner = make.convolve(tf.nn.relu(make.batch_norm(value)), 4)
    return ends(tf.nn.relu(make.convolve(tf.nn.relu(inner + value), 5)))


def batch_norm(make, value):
    """Batch norm as one operation."""
    return ends(tf.nn.relu(make.batch_norm(make.convolve(tf.nn.relu(make.batch_norm(make.convolve(value, 4))), 5))))


def batch_norm_unfolded(make, value):
    """Batch norm as several operations."""
    value = tf.nn.relu(make.batch_norm(make.convolve(value, 4), fused=False))
    return ends(tf.nn.relu(make.batch_norm(make.convolve(value, 5), fused=False)))


def relu6(make, value):
    """Relu6."""
    before = 4 * make.convolve(tf.nn.relu6(9 * make.convolve(value, 4)), 5)
    return ends(tf.nn.relu(before)) if make.plain else ends(before, tf.nn.relu6(before))


def transposed(make, value):
    """Transposed convolution."""
    return ends(tf.nn.relu(make.transposed(tf.nn.relu(make.convolve(value, 4, stride=2)), 5)))


def blocks(make, value):
    """Dilated convolution between SpaceToBatchND and BatchToSpaceND."""
    return ends(tf.nn.relu(make.convolve(tf.nn.relu(make.in_blocks(value, 4)), 5)))


def channels_first(make, value):
    """NCHW: convolutions, pool, batch norm, concat."""
    value = tf.nn.relu(make.convolve(make.channels_first(value), 4))
    joined = tf.concat([make.pool(value, 3, 1), make.batch_norm(value)], make.channel_axis())
    return ends(make.pool(tf.nn.relu(make.convolve(joined, 5, stride=2))))


def function_call(make, value):
    """A layer inside a function."""
    value = make.call(lambda inner: make.pool(tf.nn.relu(make.convolve(inner, 4))), value)
    return ends(tf.nn.relu(make.convolve(value, 5)))


def switched_dropout(make, value):
    """Dropout behind Switch and Merge."""
    return ends(tf.nn.relu(make.convolve(make.dropout(tf.nn.relu(make.convolve(value, 4))), 5)))


def one_dimension(make, value):
    """1-D convolutions over all pixels in a row."""
    row = tf.reshape(value, [-1, value.shape.as_list()[1] * value.shape.as_list()[2], 3])
    return ends(tf.nn.relu(make.convolve_row(tf.nn.relu(make.convolve_row(row, 4, stride=2)), 5)))


def one_dimension_pools(make, value):
    """1-D convolutions and pools over all pixels in a row."""
    row = tf.reshape(value, [-1, value.shape.as_list()[1] * value.shape.as_list()[2], 3])
    row = make.pool_row(tf.nn.relu(make.convolve_row(row, 4)), 3, axis=2)
    row = make.pool_row(tf.nn.relu(make.convolve_row(row, 4)), 2, axis=1, kind=tf.nn.avg_pool)
    return ends(make.pool_row(tf.nn.relu(make.convolve_row(row, 5)), 2, axis=2))


def resized(make, value):
    """Resize by a whole factor, nearest and bilinear, between convolutions."""
    value = tf.nn.relu(make.convolve(value, 4, stride=2))
    return ends(tf.nn.relu(make.convolve(make.resize(make.resize(value, bilinear=True)), 5, stride=2)))


DEFINED = [
    strided, dilated, depthwise, overlapping_pools, average_pool, branches, residual, batch_norm, batch_norm_unfolded,
    relu6, transposed, blocks, channels_first, function_call, switched_dropout,
    one_dimension, one_dimension_pools, resized,
]  # fmt: skip


def prelu(make, value):
    """PReLU of two ReLUs."""
    value = make.convolve(value, 4)
    value = tf.nn.relu(value) + make.constant(4) * -tf.nn.relu(-value)
    return ends(tf.nn.relu(make.convolve(value, 5)))


def leaky_as_addition(make, value):
    """LeakyReLU of a ReLU and an addition."""
    value = make.convolve(value, 4)
    return ends(tf.nn.relu(make.convolve(0.7 * tf.nn.relu(value) + 0.3 * value, 5)))


def leaky(make, value):
    """LeakyReLU."""
    return ends(tf.nn.relu(make.convolve(tf.nn.leaky_relu(make.convolve(value, 4)), 5)))


def elu(make, value):
    """ELU."""
    return ends(tf.nn.relu(make.convolve(tf.nn.elu(make.convolve(value, 4)), 5)))


def selu(make, value):
    """SELU."""
    return ends(tf.nn.selu(make.convolve(tf.nn.relu(make.convolve(value, 4)), 5)))


def swish(make, value):
    """Swish."""
    value = make.convolve(value, 4)
    return ends(tf.nn.relu(make.convolve(value * tf.sigmoid(value), 5)))


def response_norm(make, value):
    """Local response normalization."""
    return ends(tf.nn.relu(make.convolve(tf.nn.lrn(tf.nn.relu(make.convolve(value, 4)), 1, 1, 0.5, 0.7), 5)))


UNDEFINED = [prelu, leaky_as_addition, leaky, elu, selu, swish, response_norm]
CONSTRUCTS = {construct.__name__: construct for construct in DEFINED + UNDEFINED}
