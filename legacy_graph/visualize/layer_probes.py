"""Probes and scanners of one layer: of the article's network, and of a graph that someone else trained."""

import functools
from typing import Optional

import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.article.deconv import TIES_IN_WORDS, deconvolve
from legacy_graph.article.dense import all_layers
from legacy_graph.article.layer import layers_up_to
from legacy_graph.article.receptive_field import receptive_fields
from legacy_graph.config import DECONVNET, FIRST, OCCLUSION
from legacy_graph.graphs import backward
from legacy_graph.graphs.gradient_rules import unclip, with_rules
from legacy_graph.graphs.inspect import is_rectified
from legacy_graph.graphs.model import ConvLayer, Model
from legacy_graph.graphs.nodes import cut
from legacy_graph.graphs.op_table import CONVOLUTIONS
from legacy_graph.graphs.overflow import build_bound
from legacy_graph.visualize.probe import Probe, ProbedLayer, Scanner, build_probe, build_scanner


def article_probe(net: network.Network, name: str, ties: str = FIRST, method: str = DECONVNET) -> Probe:
    """Add a probe of the layer `name` of the article's network. ValueError if there is no such layer.

    `ties` is as in `deconv.unpool`, `method` a name in `config.ALL_METHODS`.
    """
    layers = all_layers(net)
    layer = layers_up_to(layers, name)[-1]
    pixels, fields = net.layers[0].input, receptive_fields(layers, name)
    first, notes = layer is net.layers[0], () if method == OCCLUSION else (TIES_IN_WORDS[ties],)

    def project(maps, places):
        return deconvolve(layers, name, maps, places, method, ties), layer.output

    described = ProbedLayer(name, pixels, layer.kernel, layer.output, fields, first, method, notes)
    return build_probe(described, None if method == OCCLUSION else project)


def article_scanner(tower: network.Network, name: str, device: Optional[str]) -> Scanner:
    """Add a scanner of the layer `name` of a tower of the article's network."""
    layer = layers_up_to(all_layers(tower), name)[-1]
    with tf.device(device):
        return build_scanner(tower.layers[0].input, layer.output)


def graph_probe(model: Model, layer: ConvLayer, method: Optional[str]) -> Probe:
    """Import a model into the default graph, and add a probe of one of its layers.

    `method` is a name in `config.ALL_METHODS`; None chooses the one that shows most, and the notes say why.

    Raises:
        UserError: the method is not defined for this graph, or the model does not fix the size of its images.
    """
    back = backward.import_backward(model, layer, method, best=True)
    convolutions = [operation for operation in back.path.operations if operation.type in CONVOLUTIONS]
    first = len(convolutions) == 1 and convolutions[0].type == "Conv2D" and back.kernel is not None
    bound, notes = build_bound(back.images, back.path), back.notes
    if not back.rectified:
        signal = "" if method == OCCLUSION else ", and the signal of each projection is 1"
        notes += (f"{layer.label} has no ReLU: it is ranked by value{signal}.",)
    return build_probe(
        ProbedLayer(
            layer.label, back.images, back.kernel, back.start, layer.fields, first, back.methods[0], notes, back.finite,
            bound, back.rectified,
        ),
        None if method == OCCLUSION else functools.partial(backward.project_spots, back),
    )  # fmt: skip


def graph_scanner(model: Model, layer: ConvLayer, device: str) -> Scanner:
    """Import a model once more, on the device of another task, to rank the activations of a layer there."""
    graph_def = model.graph_def
    wanted = [model.input + ":0", unclip(graph_def, layer) + ":0"]
    cut(with_rules(graph_def), model.input, [None, *model.input_shape])
    with tf.device(device):
        images, start = tf.import_graph_def(graph_def, None, wanted, name="tower")
        return build_scanner(images, start, is_rectified(model.graph, layer))
