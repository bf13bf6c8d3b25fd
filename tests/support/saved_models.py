"""SavedModels of TensorFlow 1 and 2 with small networks."""

import tensorflow.compat.v1 as tf
import tensorflow.compat.v2 as tf2
from tensorflow.python.eager import context
from tensorflow.python.ops import lookup_ops

from tests.support.graph_files import constant, images, variable

IMAGES = images(2, 12, 12, 3)


def write_version_1(folder, table=False):
    """A SavedModel of a session, with a lookup table if asked; returns the value of its output."""
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        x = tf.placeholder(tf.float32, [None, 12, 12, 3], "images")
        kernel = variable("kernel", [3, 3, 3, 4], use_resource=False)
        y = tf.nn.relu(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME", name="conv"), name="relu")
        session.run(tf.global_variables_initializer())
        if table:
            lookup_ops.MutableHashTable(tf.string, tf.int64, -1, name="classes")
        tf.saved_model.simple_save(session, folder, {"x": x}, {"y": y})
        return session.run(y, {x: IMAGES})


class Network(tf2.Module):
    """A module whose functions call each other, as those of Keras layers do."""

    def __init__(self):
        super().__init__()
        self.first = tf2.Variable(constant([3, 3, 3, 4]), name="first")
        self.second = tf2.Variable(constant([3, 3, 4, 2], 1), name="second")

    @tf2.function
    def layer(self, x, kernel, name):
        with tf2.name_scope(name):
            return tf2.nn.relu(tf2.nn.conv2d(x, kernel, 1, "SAME"))

    @tf2.function(input_signature=[tf2.TensorSpec([None, 12, 12, 3], tf2.float32, name="images")])
    def serve(self, x):
        return {"y": self.layer(self.layer(x, self.first, "one"), self.second, "two")}


def write_version_2(folder):
    """A SavedModel of a module; returns the value of its output."""
    with context.eager_mode():
        network = Network()
        tf2.saved_model.save(network, folder, signatures={"serving_default": network.serve, "other": network.serve})
        return network.serve(tf2.constant(IMAGES))["y"].numpy()
