"""Probes of one layer: of the article's network, and of a graph that someone else trained."""

from typing import Optional, Sequence

import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.article.deconv import TIES_IN_WORDS, deconvolve
from legacy_graph.article.dense import all_layers, class_probabilities
from legacy_graph.article.layer import layers_up_to
from legacy_graph.article.receptive_field import receptive_fields
from legacy_graph.config import DECONVNET, FIRST, METHODS, OCCLUSION
from legacy_graph.graphs import backward
from legacy_graph.graphs.gradient_rules import unclip, with_rules
from legacy_graph.graphs.inspect import is_rectified
from legacy_graph.graphs.model import ConvLayer, Model
from legacy_graph.graphs.nodes import cut
from legacy_graph.graphs.op_table import CONVOLUTIONS
from legacy_graph.graphs.overflow import build_bound
from legacy_graph.visualize.probe import Probe, ProbedLayer, build_probe, build_scanner


def article_probe(
    net: network.Network, name: str, ties: str = FIRST, method: str = DECONVNET, methods: Sequence[str] = ()
) -> Probe:
    """Add a probe of the layer `name` of the article's network. ValueError if there is no such layer.

    `ties` is as in `deconv.unpool`, `method` a name in `config.ALL_METHODS`; `methods` are those of its projections,
    by default only `method`.
    """
    layers = all_layers(net)
    layer = layers_up_to(layers, name)[-1]
    pixels, fields = net.layers[0].input, receptive_fields(layers, name)
    first, notes = layer is net.layers[0], () if method == OCCLUSION else (TIES_IN_WORDS[ties],)

    def project(maps, places):
        return {each: deconvolve(layers, name, maps, places, each, ties) for each in methods or [method]}, layer.output

    return build_probe(ProbedLayer(name, pixels, layer.kernel, layer.output, fields, first, method, notes), project)


def features_probe(name: str, ties: str, method: str, devices: Sequence[str] = ()) -> Probe:
    """Build the article's network in the default graph, with a probe of the layer `name` by all methods.

    `ties`, `method` and the error are as for `article_probe`. `devices` are the other tasks that scan images.
    """
    net = network.build(towers=[(device, 0) for device in devices])
    probe = article_probe(net, name, ties, method, tuple(METHODS))
    scanners = [*probe.scanners]
    for device, tower in zip(devices, net.towers):
        with tf.device(device):
            scanners.append(build_scanner(tower.layers[0].input, layers_up_to(all_layers(tower), name)[-1].output))
    return probe._replace(scanners=scanners, answers=class_probabilities(all_layers(net)))


def graph_probe(model: Model, layer: ConvLayer, method: Optional[str], devices: Sequence[str] = ()) -> Probe:
    """Import a model into the default graph, and add a probe of one of its layers.

    `method` is a name in `config.ALL_METHODS`; None chooses the one that shows most, and the notes say why. `devices`
    are the other tasks that scan images; the model is imported once more for each of them.

    Raises:
        UserError: the method is not defined for this graph, or the model does not fix the size of its images.
    """
    back = backward.import_backward(model, layer, method, best=True)
    convolutions = [operation for operation in back.path.operations if operation.type in CONVOLUTIONS]
    first = len(convolutions) == 1 and convolutions[0].type == "Conv2D" and back.kernel is not None
    bound, notes, method = build_bound(back.images, back.path), back.notes, back.methods[0]
    if not back.rectified:
        signal = "" if method == OCCLUSION else ", and the signal of each projection is 1"
        notes += (f"{layer.label} has no ReLU: it is ranked by value{signal}.",)

    def project(maps, places):
        if method == OCCLUSION:
            return {}, back.start
        projections, signals = backward.project_spots(back, maps, places)
        return {method: projections}, signals

    probe = build_probe(
        ProbedLayer(
            layer.label, back.images, back.kernel, back.start, layer.fields, first, method, notes, back.finite, bound,
            back.rectified,
        ),
        project,
    )  # fmt: skip
    others = [_graph_scanner(model, layer, device) for device in devices]
    return probe._replace(scanners=[*probe.scanners, *others])


def _graph_scanner(model, layer, device):
    """Import a model once more, on the device of another task, to rank the activations of a layer there."""
    graph_def = model.graph_def
    wanted = [model.input + ":0", unclip(graph_def, layer) + ":0"]
    cut(with_rules(graph_def), model.input, [None, *model.input_shape])
    with tf.device(device):
        images, start = tf.import_graph_def(graph_def, None, wanted, name="tower")
        return build_scanner(images, start, is_rectified(model.graph, layer))
