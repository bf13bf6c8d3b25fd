"""Small graphs, one for each construct that the way back must handle; see `graph_models.Maker`.

`DEFINED` allow every method, `UNDEFINED` the gradient alone.
"""

import tensorflow.compat.v1 as tf

from tests.support.graph_models import ends, pool


def strided(make, value):
    return ends(tf.nn.relu(make.convolve(tf.nn.relu(make.convolve(value, 4, stride=2)), 5, padding="VALID")))


def dilated(make, value):
    return ends(pool(tf.nn.relu(make.convolve(tf.nn.relu(make.convolve(value, 4)), 5, dilation=2))))


def depthwise(make, value):
    return ends(tf.nn.relu(make.depthwise(tf.nn.relu(make.convolve(value, 4)), stride=2)))


def overlapping_pools(make, value):
    return ends(pool(tf.nn.relu(make.convolve(pool(tf.nn.relu(make.convolve(value, 4)), 3, 2), 5)), 3, 2, "VALID"))


def average_pool(make, value):
    return ends(tf.nn.relu(make.convolve(pool(tf.nn.relu(make.convolve(value, 4)), kind=tf.nn.avg_pool), 5)))


def branches(make, value):
    left, right = tf.nn.relu(make.convolve(value, 4)), pool(make.convolve(value, 3), 3, 1)
    return ends(tf.nn.relu(make.convolve(tf.concat([left, right], 3), 5, 1)))


def residual(make, value):
    value = tf.nn.relu(make.convolve(value, 4))
    inner = make.convolve(tf.nn.relu(make.batch_norm(value)), 4)
    return ends(tf.nn.relu(make.convolve(tf.nn.relu(inner + value), 5)))


def batch_norm(make, value):
    return ends(tf.nn.relu(make.batch_norm(make.convolve(tf.nn.relu(make.batch_norm(make.convolve(value, 4))), 5))))


def batch_norm_unfolded(make, value):
    value = tf.nn.relu(make.batch_norm(make.convolve(value, 4), fused=False))
    return ends(tf.nn.relu(make.batch_norm(make.convolve(value, 5), fused=False)))


def relu6(make, value):
    before = 4 * make.convolve(tf.nn.relu6(9 * make.convolve(value, 4)), 5)
    return ends(before, tf.nn.relu6(before))


def transposed(make, value):
    return ends(tf.nn.relu(make.transposed(tf.nn.relu(make.convolve(value, 4, stride=2)), 5)))


DEFINED = [
    strided, dilated, depthwise, overlapping_pools, average_pool, branches, residual, batch_norm, batch_norm_unfolded,
    relu6, transposed,
]  # fmt: skip


def prelu(make, value):
    value = make.convolve(value, 4)
    value = tf.nn.relu(value) + make.constant(4) * -tf.nn.relu(-value)
    return ends(tf.nn.relu(make.convolve(value, 5)))


def leaky_as_addition(make, value):
    value = make.convolve(value, 4)
    return ends(tf.nn.relu(make.convolve(0.7 * tf.nn.relu(value) + 0.3 * value, 5)))


def leaky(make, value):
    return ends(tf.nn.relu(make.convolve(tf.nn.leaky_relu(make.convolve(value, 4)), 5)))


def elu(make, value):
    return ends(tf.nn.relu(make.convolve(tf.nn.elu(make.convolve(value, 4)), 5)))


def selu(make, value):
    return ends(tf.nn.selu(make.convolve(tf.nn.relu(make.convolve(value, 4)), 5)))


def swish(make, value):
    value = make.convolve(value, 4)
    return ends(tf.nn.relu(make.convolve(value * tf.sigmoid(value), 5)))


UNDEFINED = [prelu, leaky_as_addition, leaky, elu, selu, swish]
