"""The process of the tests and the program run the same kernels: otherwise their numbers differ on some processors."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import tensorflow.compat.v1 as tf

from tests.support.program import ROOT

CHILD = """
import json
from legacy_graph import tf_setup
tf_setup.import_tensorflow()
from tests import test_kernels
print(json.dumps(test_kernels.kernels()))
"""


def kernels():
    """What decides a number in this process: [the user's choice, the types of the operations that ran, a hash].

    The hash is of the bits of a convolution, its gradient and a matrix product, each of the article's size.
    """
    random = np.random.RandomState(0)
    shapes = [50, 14, 14, 32], [5, 5, 32, 64], [14 * 14 * 64, 10]
    with tf.Graph().as_default(), tf.Session() as session:
        images, kernel, weights = inputs = [tf.placeholder(tf.float32, shape) for shape in shapes]
        relu = tf.nn.relu(tf.nn.conv2d(images, kernel, [1, 1, 1, 1], "SAME"))
        product = tf.matmul(tf.reshape(relu, [50, -1]), weights)
        options, trace = tf.RunOptions(output_partition_graphs=True), tf.RunMetadata()
        feed = {given: random.randn(*shape) for given, shape in zip(inputs, shapes)}
        values = session.run([product, *tf.gradients(product, [images, kernel])], feed, options, trace)
    operations = sorted({node.op for graph in trace.partition_graphs for node in graph.node})
    digest = hashlib.sha256(b"".join(value.tobytes() for value in values)).hexdigest()
    return [os.environ.get("TF_ENABLE_ONEDNN_OPTS"), operations, digest]


def test_the_tests_run_the_kernels_of_the_program():
    command = [sys.executable, "-c", CHILD]
    environment = dict(os.environ, PYTHONPATH=ROOT)
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    assert json.loads(run.stdout) == kernels()
