"""The article's network with its initial weights, saved in each format, and its projections by two ways."""

import os

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow.compat.v2 as tf2
from tensorflow.python.eager import context

from legacy_graph.article import deconv, network
from legacy_graph.config import METHODS
from legacy_graph.graphs.load import load_model
from tests.support.construct_differences import run_projection

FORMATS = ["graph.pb", "graph.meta", "saved", "saved of version 2"]
IMAGES = np.random.RandomState(1).rand(2, 28 * 28).astype("f")
MAPS, PLACES = np.array([3, 5]), np.array([[2, 3], [6, 1]])


class Convolutions(tf2.Module):
    """The two layers as a module of TensorFlow 2, whose functions call each other."""

    def __init__(self, layers):
        super().__init__()
        self.weights = [[tf2.Variable(value) for value in layer] for layer in layers]

    @tf2.function
    def layer(self, value, kernel, bias):
        relu = tf2.nn.relu(tf2.nn.conv2d(value, kernel, 1, "SAME") + bias)
        return tf2.nn.max_pool2d(relu, 2, 2, "SAME")

    @tf2.function(input_signature=[tf2.TensorSpec([None, 28 * 28], tf2.float32, name="images")])
    def serve(self, images):
        value = tf2.reshape(images, [-1, 28, 28, 1])
        for number, weights in enumerate(self.weights, 1):
            with tf2.name_scope(f"conv{number}"):
                value = self.layer(value, *weights)
        return {"pooled": value}


def write(folder):
    """Save the network in each of the FORMATS."""
    with tf.Graph().as_default() as graph:
        net = network.build()
        with tf.Session(graph=graph) as session:
            session.run(tf.global_variables_initializer())
            tf.train.Saver().save(session, os.path.join(folder, "graph"))
            inputs, outputs = {"images": net.images}, {"digits": net.probabilities}
            tf.saved_model.simple_save(session, os.path.join(folder, "saved"), inputs, outputs)
            names = [net.probabilities.op.name]
            frozen = tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), names)
            layers = session.run([[layer.kernel, layer.linear.op.inputs[1]] for layer in net.layers])
    with open(os.path.join(folder, "graph.pb"), "wb") as file:
        file.write(frozen.SerializeToString())
    with context.eager_mode():
        module = Convolutions(layers)
        tf2.saved_model.save(module, os.path.join(folder, "saved of version 2"), signatures=module.serve)


def deconvolved(folder):
    """{"LAYER METHOD": [projections of spots, of the complete layer]} by `deconv.deconvolve`, from the checkpoint."""
    with tf.Graph().as_default() as graph:
        net = network.build()
        fetches = {
            f"{layer.name} {method}": [
                deconv.deconvolve(net.layers, layer.name, MAPS, PLACES, method),
                deconv.deconvolve(net.layers, layer.name, method=method),
            ]
            for layer in net.layers
            for method in METHODS
        }
        with tf.Session(graph=graph) as session:
            tf.train.Saver().restore(session, os.path.join(folder, "graph"))
            return session.run(fetches, {net.images: IMAGES})


def loaded(folder, name):
    """The same from one of the FORMATS, loaded as the graph of someone else."""
    model, found = load_model(os.path.join(folder, name)), {}
    images = IMAGES.reshape(-1, 28, 28, 1)
    for number, layer in enumerate([layer for layer in model.layers if layer.operation == "Conv2D"], 1):
        for method in METHODS:
            spots, whole = [run_projection(model, layer, method, images, *one)[1] for one in ((MAPS, PLACES), ())]
            found[f"conv{number} {method}"] = [spots, whole]
    return found
