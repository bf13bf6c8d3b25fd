"""Compute what the agreement tests compare: python -m tests.agreement.worker CHECKPOINT OUT.npz

Restores the checkpoint, which either TensorFlow may have written, and saves every quantity by name in OUT.npz.
"""

import itertools
import sys

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph import config
from legacy_graph.article import deconv, network, published, summaries
from legacy_graph.data import mnist
from legacy_graph.training.program import build_program

DIGITS = 50
STEPS = 20
KEEP_PROB = 0.5


def build():
    """The network and the compared quantities: ({name: tensor}, network, training operation)."""
    net = network.build()
    step = network.training(net, config.Config.learning_rate)
    reversed_ = published.reverse(*net.layers)
    quantities = {
        "logits": net.probabilities.op.inputs[0],
        "softmax": net.probabilities,
        "deconv1": deconv.deconvolve(net.layers, "conv1"),
        "deconv2": deconv.deconvolve(net.layers, "conv2"),
        "deconv1, ties shared": deconv.deconvolve(net.layers, "conv1", ties="shared"),
        "deconv2, ties shared": deconv.deconvolve(net.layers, "conv2", ties="shared"),
        "reverse_conv1": reversed_[0],
        "reverse_conv2": reversed_[1],
        "scalars": tf.summary.merge_all(summaries.SCALARS),
    }
    return quantities, net, step


def first_values(session):
    """Initial values of the variables: {"first/NAME": array}."""
    session.run(tf.global_variables_initializer())
    variables = tf.trainable_variables() + tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, "reverse_conv1")
    return {"first/" + variable.op.name: session.run(variable) for variable in variables}


def forward(session, net, quantities):
    """Every quantity for the first 50 test digits; each scalar summary as "scalar/TAG"."""
    digits = mnist.load(mnist.SAMPLE_DIR).test
    images, labels = mnist.scale_pixels(digits.images[:DIGITS]), mnist.one_hot(digits.labels[:DIGITS])
    got = session.run(quantities, {net.images: images, net.labels: labels, net.keep_prob: 1.0})
    scalars = tf.Summary.FromString(got.pop("scalars")).value
    return dict(got, **{"scalar/" + scalar.tag: scalar.simple_value for scalar in scalars})


def mask(session, net):
    """Which units dropout keeps at the checkpoint's step, bool [50, 1024]."""
    dropped = session.graph.get_tensor_by_name("fc2/MatMul:0").op.inputs[0]
    ones = np.ones([DIGITS] + net.features.shape.as_list()[1:], np.float32)
    return session.run(dropped, {net.features: ones, net.keep_prob: KEEP_PROB}) > 0


def losses(session, net, step):
    """The loss before each of 20 training steps, with dropout, on batches of 50."""
    got = []
    for images, labels in itertools.islice(mnist.batches(mnist.load(mnist.SAMPLE_DIR).train, DIGITS, seed=0), STEPS):
        feed = {net.images: images, net.labels: labels, net.keep_prob: KEEP_PROB}
        got.append(session.run([net.loss, step], feed)[0])
    return got


def main(checkpoint, out):
    """Compute everything. The training steps come last, because they change the weights."""
    picture = build_program(config.Config()).picture
    with tf.Graph().as_default(), tf.Session() as session:
        quantities, net, step = build()
        found = first_values(session)
        tf.train.Saver().restore(session, checkpoint)
        found.update(forward(session, net, quantities), mask=mask(session, net), losses=losses(session, net, step))
    found.update(
        tensorflow=tf.__version__, names=[node.name for node in picture.node], ops=[n.op for n in picture.node]
    )
    np.savez(out, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
