"""The training program: the network with its summaries, optimizer and Saver, in one graph."""

from typing import List, NamedTuple, Optional

import tensorflow.compat.v1 as tf

from legacy_graph.article import network, published, summaries
from legacy_graph.article.deconv import deconvolve
from legacy_graph.article.layer import Layer
from legacy_graph.article.summaries import image, on_one_scale
from legacy_graph.cluster.placement import chief_scope, later_towers, name_devices
from legacy_graph.cluster.tf_config import Cluster
from legacy_graph.config import Config
from legacy_graph.training import learning, sonify
from legacy_graph.training.checkpoints import make_saver


class Program(NamedTuple):
    """The graph, and the tensors and operations that a training run uses."""

    graph: tf.Graph
    picture: tf.GraphDef  # the graph without merged summaries and Saver, for GRAPHS
    network: network.Network
    train: tf.Operation
    scalars: tf.Tensor  # string [], a merged `Summary`, like the next two
    histograms: tf.Tensor
    images: tf.Tensor
    means: tf.Tensor  # those of `scalars` that are the mean of a weight or bias
    samples: tf.Tensor  # float32 [1, frames, 1], a placeholder: the input of `sound`
    sound: tf.Tensor
    learning: learning.Learning
    initialise: tf.Operation
    saver: tf.train.Saver


def build_program(config: Config, cluster: Optional[Cluster] = None) -> Program:
    """Build the network with all its summaries, and the operations that train, merge, initialise and save.

    With a cluster, each worker has a tower of the network. All else is on the chief.
    """
    with tf.Graph().as_default() as graph, chief_scope(cluster):
        net = network.build(config.seed, later_towers(cluster, config.batch_size))
        train = network.training(net, config.learning_rate)
        add_deconv_images(net.layers, config.ties)
        published.reverse(*net.layers)
        picture = graph.as_graph_def(add_shapes=True)
        if cluster is not None:
            name_devices(picture)
        merged = [tf.summary.merge_all(key) for key in (summaries.SCALARS, summaries.HISTOGRAMS, summaries.IMAGES)]
        scalars = tf.get_collection(summaries.SCALARS)
        merged.append(tf.summary.merge([summary for summary in scalars if summary.op.name.endswith("/mean")]))
        samples = tf.placeholder(tf.float32, [1, None, 1], name="samples")
        merged += [samples, summaries.audio("loss_sound", samples, sonify.RATE)]
        merged.append(learning.build(net, config.ties))
        program = Program(graph, picture, net, train, *merged, tf.global_variables_initializer(), make_saver())
        graph.finalize()
    return program


def add_deconv_images(layers: List[Layer], ties: str) -> None:
    """卷积的可视化: add the image summary deconv<n> for layer n: ten images, one scale per layer, zero is grey 128."""
    for number, layer in enumerate(layers, 1):
        with tf.name_scope(f"deconv/deconv{number}"):
            image(f"deconv{number}", on_one_scale(deconvolve(layers, layer.name, ties=ties)))
