"""实例: the article's network, from the placeholders to the accuracy. This file builds the graph; it runs no session.

The name scopes are the picture that the GRAPHS dashboard (计算图) draws:

    input -> input_image -> conv1 -> conv2 -> fc1 -> fc2 -> loss -> train
                                                         -> accuracy
"""

from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.layer import Layer
from legacy_graph.article.summaries import image as image_summary
from legacy_graph.article.summaries import scalar, variable_summaries
from legacy_graph.data.mnist import CLASSES, SIDE

DEVIATION = 0.1  # standard deviation of the initial weights


class Tower(NamedTuple):
    """The network from the images to the logits; n is any number of images."""

    images: tf.Tensor  # float32 [n, 784], a placeholder, pixels in [0, 1]
    layers: List[Layer]  # conv1, conv2, for the deconvolution
    features: tf.Tensor  # float32 [n, 1024], fc1 after its ReLU
    logits: tf.Tensor  # float32 [n, 10]
    probabilities: tf.Tensor  # float32 [n, 10], softmax


class Network(NamedTuple):
    """The tensors that a caller feeds or fetches; B is any batch size.

    With later towers, `images` to `probabilities` are those of the first tower, for its share of the images.
    """

    images: tf.Tensor  # float32 [B, 784], a placeholder, pixels in [0, 1]
    labels: tf.Tensor  # float32 [B, 10], a placeholder, one-hot
    keep_prob: tf.Tensor  # float32 [], a placeholder, the fraction of fc1 that dropout keeps
    step: tf.Variable  # int64 [], training steps taken so far
    layers: List[Layer]  # conv1, conv2, for the deconvolution
    features: tf.Tensor  # float32 [B, 1024], fc1 after its ReLU
    probabilities: tf.Tensor  # float32 [B, 10], softmax
    loss: tf.Tensor  # float32 [], cross-entropy SUMMED over the batch, as in the article
    accuracy: tf.Tensor  # float32 [], in [0, 1]
    towers: Sequence[Tower] = ()  # the later towers


def build(seed: int = 0, towers: Sequence[Tuple[str, int]] = ()) -> Network:
    """Build the network in the default graph: 3,274,634 trainable parameters.

    Args:
        seed: graph-level seed, for the initial values and dropout. Each random operation also has its own seed, so
            the same graph-level seed gives the same values on every TensorFlow version and in any larger graph.
        towers: (device, first row of its share of the training batch) of each later tower. It has the variables of the
            first tower, and no summaries. The loss and the accuracy are those of the images of all towers.
    """
    tf.set_random_seed(seed)
    with tf.name_scope("input"):
        images = tf.placeholder(tf.float32, [None, SIDE * SIDE], name="images")
        labels = tf.placeholder(tf.float32, [None, CLASSES], name="labels")
        keep_prob = tf.placeholder(tf.float32, [], name="keep_prob")
        # In the scope `input` because dropout reads it: in `train`, GRAPHS would draw an edge backwards.
        step = tf.Variable(tf.zeros([], tf.int64), trainable=False, use_resource=True, name="step")
    with tf.name_scope("input_image"):
        image = _as_image(images)
        image_summary("input", image)
    first = _tower(images, image, keep_prob, seed, step)
    later = [
        _later_tower(number, device, begin, keep_prob, seed, step) for number, (device, begin) in enumerate(towers, 1)
    ]
    logits = first.logits
    if later:
        logits = tf.concat([tower.logits for tower in (first, *later)], 0, name="logits")  # [B, 10]
    return Network(
        images, labels, keep_prob, step, first.layers, first.features, first.probabilities, _loss(logits, labels),
        _accuracy(logits, labels), later,
    )  # fmt: skip


def feed(network: Network, images: np.ndarray, labels: np.ndarray, keep_prob: float = 1.0) -> Dict[tf.Tensor, object]:
    """The feed for a batch. Each tower gets its share of the images, in order.

    Args:
        network: as from `build`.
        images: float32 [B, 784].
        labels: float32 [B, 10], one-hot.
        keep_prob: the fraction of fc1 that dropout keeps.
    """
    first, *later = np.array_split(images, 1 + len(network.towers))
    fed = {network.images: first, network.labels: labels, network.keep_prob: keep_prob}
    for tower, share in zip(network.towers, later):
        if len(share):
            fed[tower.images] = share
        else:  # fewer images than towers; with oneDNN, a max pool of no images fails
            fed[tower.logits] = np.zeros([0, CLASSES], np.float32)
    return fed


def training(network: Network, learning_rate: float) -> tf.Operation:
    """The operation that takes one step of Adam and counts it in `network.step`."""
    with tf.name_scope("train") as scope:
        step = tf.train.AdamOptimizer(learning_rate).minimize(
            network.loss, global_step=network.step, colocate_gradients_with_ops=bool(network.towers)
        )
        # A NoOp with the name of the scope: TensorBoard then moves the box and its many edges out of the main graph.
        return tf.group(step, name=scope)


def _tower(images, image, keep_prob, seed, step, begin=0):
    conv1 = _convolution("conv1", image, 32, 1)  # [B, 14, 14, 32]
    conv2 = _convolution("conv2", conv1.output, 64, 2)  # [B, 7, 7, 64]
    with tf.name_scope("fc1"):
        flat = tf.reshape(conv2.output, [-1, 7 * 7 * 64], name="flat")  # [B, 3136]
        linear = _full(flat, 1024, 3)
        with tf.name_scope("relu_output"):
            features = tf.nn.relu(linear)
        with tf.name_scope("dropout"):
            dropped = _dropout(features, keep_prob, seed, step, begin)
    with tf.name_scope("fc2"):
        logits = _full(dropped, CLASSES, 4)  # [B, 10]
        with tf.name_scope("output"):
            probabilities = tf.nn.softmax(logits)
    return Tower(images, [conv1, conv2], features, logits, probabilities)


def _later_tower(number, device, begin, keep_prob, seed, step):
    """A tower on another device, with the variables of the first."""
    variables = iter(tf.trainable_variables())
    with tf.device(device), tf.name_scope(f"tower_{number}"):
        with tf.name_scope("input"):
            images = tf.placeholder(tf.float32, [None, SIDE * SIDE], name="images")
        with tf.name_scope("input_image"):
            image = _as_image(images)
        with tf.variable_creator_scope(lambda *_, **__: next(variables)):
            return _tower(images, image, keep_prob, seed, step, begin)


def _as_image(images):
    return tf.reshape(images, [-1, SIDE, SIDE, 1])  # [B, 28, 28, 1]


def _convolution(name, value, channels, seed, window=5, pool=2):
    """卷积, 激活, 池化: convolution, ReLU and max pool, with a name scope each."""
    with tf.name_scope(name):
        kernel = _weights([window, window, value.shape.as_list()[3], channels], seed)
        bias = _bias(channels)
        convolution = tf.nn.conv2d(value, kernel, [1, 1, 1, 1], "SAME", name="convolution")
        linear = tf.nn.bias_add(convolution, bias, name="add")  # its gradient is faster than that of `+`
        with tf.name_scope("relu_output"):
            relu = tf.nn.relu(linear)
        with tf.name_scope("max_pool"):
            pooled = tf.nn.max_pool(relu, [1, pool, pool, 1], [1, pool, pool, 1], "SAME")
    return Layer(name, value, kernel, linear, relu, pooled, pool=pool)


def _full(value, outputs, seed):
    weights = _weights([value.shape.as_list()[1], outputs], seed)
    with tf.get_default_graph().gradient_override_map({"MatMul": "MatMulAlongRows"}):
        return tf.nn.bias_add(tf.matmul(value, weights), _bias(outputs), name="add")


@tf.RegisterGradient("MatMulAlongRows")
def _gradient_along_rows(product, gradient):
    """The same gradient as TensorFlow's for a matrix product; saves 10 % of a training step on TensorFlow 1.15.

    The gradient of the value is gradient * weights^T, [B, out] x [out, in]. Computed as the transpose of
    weights * gradient^T, it reads the large matrix row by row, in memory order.
    """
    value, weights = product.inputs
    return tf.transpose(tf.matmul(weights, gradient, transpose_b=True)), tf.matmul(value, gradient, transpose_a=True)


def _weights(shape, seed):
    return _variable("weights", lambda: tf.truncated_normal(shape, stddev=DEVIATION, seed=seed))


def _bias(size):
    return _variable("bias", lambda: tf.constant(0.1, shape=[size]))


def _variable(scope, initial):
    with tf.name_scope(scope):
        # Read once, so that the summaries of a step show the values that the step used, before its update.
        variable = tf.Variable(initial, use_resource=True)
        with tf.device(variable.device):  # read where it is; TensorFlow 2 names the reader's device
            value = variable.read_value()
        if variable.op.name.startswith(tf.get_default_graph().get_name_scope()):  # not in a later tower
            variable_summaries(value)
        return value


def _dropout(value, keep_prob, seed, step, begin):
    """tf.nn.dropout, but random only by (seed, step), so that a resumed run drops the same units.

    The mask is the part from row `begin` on of the mask of the complete batch.
    """
    pair = tf.stack([tf.constant(seed, tf.int64), step.read_value()])
    # The raw operation, because tf.random.stateless_uniform builds different operations on each TensorFlow version.
    shape = tf.shape(value) + [begin, 0] if begin else tf.shape(value)
    random = tf.raw_ops.StatelessRandomUniform(shape=shape, seed=pair)
    kept = (random[begin:] if begin else random) < keep_prob
    return value * tf.cast(kept, value.dtype) / keep_prob


def _loss(logits, labels):
    """损失值. Computed from the logits: the article's -sum(y * log(softmax)) can become NaN."""
    with tf.name_scope("loss"):
        losses = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)
        loss = tf.reduce_sum(losses, name="sum")
        scalar("loss", loss)
        return loss


def _accuracy(logits, labels):
    """准确率."""
    with tf.name_scope("accuracy"):
        with tf.name_scope("correct_prediction"):
            correct = tf.equal(tf.argmax(logits, 1), tf.argmax(labels, 1))
        with tf.name_scope("accuracy"):
            accuracy = tf.reduce_mean(tf.cast(correct, tf.float32), name="mean_value")
        scalar("accuracy", accuracy)
        return accuracy
