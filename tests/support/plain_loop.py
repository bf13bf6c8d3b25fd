"""A training loop with a plain session, for tests of `FeaturesHook`."""

import contextlib

import numpy as np
import tensorflow.compat.v1 as tf

import legacy_graph

PICTURES = np.random.RandomState(0).normal(size=[12, 10, 8, 3]).astype(np.float32)


class Plain:
    """A loop with a plain session: each step adds 1 to the kernel."""

    def __init__(self):
        self.images = tf.placeholder(tf.float32, [None, 10, 8, 3], "images")
        self.kernel = tf.get_variable("kernel", [3, 3, 3, 4], use_resource=True)
        tf.nn.relu(tf.nn.conv2d(self.images, self.kernel, 1, "SAME", name="first"))
        self.add = self.kernel.assign_add(tf.ones_like(self.kernel)).op
        self.initialize = tf.global_variables_initializer()

    def hook(self, logdir, **options):
        return legacy_graph.FeaturesHook("images:0", None, str(logdir), pictures=PICTURES, **options)


@contextlib.contextmanager
def plain_session():
    with tf.Graph().as_default() as graph, tf.Session() as session:
        plain = Plain()
        session.run(plain.initialize)
        graph.finalize()
        yield plain, session
