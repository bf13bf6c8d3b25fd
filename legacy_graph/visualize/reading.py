"""Read pictures with a network: class probabilities, activations, projections of all feature maps and of single ones.

One way for the article's network and for a graph that someone else trained, for the command `deconv` and the dashboard.
"""

from typing import Dict, Iterator, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.article.deconv import RULES, TIES_IN_WORDS, deconvolve
from legacy_graph.article.dense import all_layers, class_probabilities
from legacy_graph.article.layer import layers_up_to
from legacy_graph.config import DENSE, FIRST, OCCLUSION
from legacy_graph.data.images import Images
from legacy_graph.graphs import backward
from legacy_graph.graphs.model import ConvLayer, Model
from legacy_graph.visualize import finite
from legacy_graph.visualize.probe import check_maps, chunk_size

CONV1 = "For conv1 the projections are the same, because the output of conv1 is never negative."
DENSE_UNITS = (
    "By the deconvnet and guided backpropagation, the projections of different units of a dense layer resemble each "
    "other: they show which strokes the layer uses, not what decides for a class. Compare with occlusion."
)


class ReadLayer(NamedTuple):
    """A layer, and the projections of a signal at its output. B is any batch size."""

    shown: tf.Tensor  # float32 [B, H, W, C], the maps to draw, before the max pool of the layer
    output: tf.Tensor  # float32 [B, h, w, C], the activations to project
    kernel: Optional[tf.Tensor]  # float32 [height, width, C_in, C]; None for a layer that is no convolution
    signal: tf.Tensor  # float32 [B, h, w, C], a placeholder: what is projected
    projections: Dict[str, tf.Tensor]  # method -> float32 [B, H, W, channels], of `signal`
    rectified: bool = True  # the layer ends with a ReLU: a map without a value above 0 is dead


class Reader(NamedTuple):
    """A network for reading single pictures. B is any batch size."""

    graph: tf.Graph
    images: tf.Tensor  # float32 [B, H, W, channels], the tensor to feed
    layers: Dict[str, ReadLayer]
    chunk: int  # images in one run of the session
    answers: Optional[tf.Tensor] = None  # float32 [B, classes], probabilities; None if unknown
    finite: Dict[str, tf.Tensor] = {}  # name of an operation -> bool [], whether its values are finite
    notes: Tuple[str, ...] = ()  # sentences to print on the page


class Reading(NamedTuple):
    """The activations and projections of one picture.

    `projections` has a row for each layer, named as the layer: all its maps together; a row "conv2/map 3" for each
    single map; and a row "conv2/map 3, spot" for the strongest activation of this map, if the layer has more than one
    position.
    """

    limits: Tuple[float, float]  # the smallest and the largest value of the preprocessed picture
    answers: Optional[np.ndarray]  # float32 [classes]; None if unknown
    activations: Dict[str, np.ndarray]  # layer -> float32 [C, H, W]
    places: Dict[str, np.ndarray]  # layer -> int64 [C, 2], (y, x) in the output of the strongest activation of each map
    strongest: Dict[str, np.ndarray]  # layer -> float32 [C], this activation
    projections: Dict[str, Dict[str, np.ndarray]]  # row -> method -> float32 [H, W] or [H, W, 3]
    rows: Dict[str, Tuple[str, Tuple]]  # row -> its layer, and the index of its activations in [h, w, C]
    seen: np.ndarray  # uint8 [H, W] or [H, W, 3], the picture
    covered: Optional[np.ndarray] = None  # int64 [H, W], the most probable class while this pixel is covered


def article_reader(layers: Sequence[str], ties: str = FIRST, methods: Sequence[str] = tuple(RULES)) -> Reader:
    """The article's network, for reading some of its layers, conv1, conv2, fc1, fc2, by some methods of `RULES`.

    `ties` is as in `deconv.unpool`. Raises ValueError if there is no such layer.
    """
    with tf.Graph().as_default() as graph:
        net = network.build()
        known = all_layers(net)
        built = {name: _article_layer(layers_up_to(known, name), ties, methods) for name in layers}
        answers = class_probabilities(known)
        graph.finalize()
    notes = [CONV1] if "conv1" in layers and len(methods) > 1 else []
    notes += [DENSE_UNITS] if methods and not set(DENSE).isdisjoint(layers) else []
    notes += [TIES_IN_WORDS[ties]] if methods else []
    return Reader(graph, net.layers[0].input, built, chunk_size(graph), answers, notes=tuple(notes))


def _article_layer(walked, ties, methods):
    last = walked[-1]
    signal = tf.placeholder(tf.float32, last.output.shape, "signal")
    walked = [*walked[:-1], last._replace(output=signal)]
    back = {method: deconvolve(walked, last.name, method=method, ties=ties) for method in methods}
    return ReadLayer(last.relu, last.output, last.kernel, signal, back, last.relu is not last.linear)


def graph_reader(model: Model, layer: ConvLayer, method: Optional[str] = None) -> Reader:
    """A graph that someone else trained, for reading one of its layers, by one method or by all that are defined.

    Raises:
        UserError: the method is not defined for this layer, or the model does not fix the size of its images.
    """
    with tf.Graph().as_default() as graph:
        back = backward.import_backward(model, layer, method)
        signal = tf.placeholder(tf.float32, back.start.shape, "legacy_graph_signal")
        methods = [name for name in back.methods if name != OCCLUSION]
        projections = {name: backward.project_signal(back, signal, name) for name in methods}
        graph.finalize()
    before_pool = back.start.op.inputs[0] if back.start.op.type == "MaxPool" else back.start
    read = ReadLayer(before_pool, back.start, back.kernel, signal, projections, back.rectified)
    return Reader(graph, back.images, {layer.label: read}, chunk_size(graph), finite=back.finite, notes=back.notes)


def read_outputs(
    session: tf.Session, reader: Reader, image: np.ndarray
) -> Tuple[Optional[np.ndarray], Dict[str, np.ndarray], Dict[str, np.ndarray]]:
    """Run the network on one preprocessed picture.

    Args:
        session: of the reader's graph.
        reader: of the network.
        image: float32 [H, W, channels].

    Returns:
        float32 [classes], the probabilities; None if the reader has no `answers`.
        Layer -> float32 [C, H, W], its maps to draw.
        Layer -> float32 [h, w, C], its activations to project.

    Raises:
        UserError: an activation, or a value of an operation before it, is not finite.
    """
    tensors = {name: (layer.shown, layer.output) for name, layer in reader.layers.items()}
    fetches = [[] if reader.answers is None else [reader.answers], tensors, reader.finite]
    probabilities, values, are_finite = session.run(fetches, {reader.images: image[None]})
    finite.check_operations(are_finite)
    for name, pair in values.items():
        finite.check_layer(name, pair[1], "activations")
    shown = {name: maps[0].transpose(2, 0, 1) for name, (maps, _) in values.items()}
    known = probabilities[0][0] if probabilities else None
    return known, shown, {name: output[0] for name, (_, output) in values.items()}


def project(
    session: tf.Session,
    reader: Reader,
    layer: str,
    image: np.ndarray,
    signals: np.ndarray,
    method: str,
    kernel: Optional[np.ndarray] = None,
) -> np.ndarray:
    """Project signals at the output of a layer to the pixels of one picture.

    Args:
        session: of the reader's graph.
        reader: of the network.
        layer: name of the layer.
        image: float32 [H, W, channels].
        signals: float32 [N, h, w, C], such as the activations of one map, see `keep`.
        method: one of `ReadLayer.projections`.
        kernel: replaces the layer's kernel.

    Returns:
        float32 [N, H, W, channels].

    Raises:
        UserError: a projection is not finite.
    """
    chosen, chunk, parts = reader.layers[layer], reader.chunk, []
    for begin in range(0, len(signals), chunk):
        part = signals[begin : begin + chunk]
        feed = {reader.images: np.repeat(image[None], len(part), 0), chosen.signal: part}
        if kernel is not None:
            feed[chosen.kernel] = kernel
        parts.append(session.run(chosen.projections[method], feed))
    projections = np.concatenate(parts)
    finite.check_layer(layer, projections, "projections")
    return projections


def keep(output: np.ndarray, index: Tuple) -> np.ndarray:
    """The signal of some activations: `output`, float32 [h, w, C], with zeros outside `index`."""
    signal = np.zeros_like(output)
    signal[index] = output[index]
    return signal


def read_images(session: tf.Session, reader: Reader, images: Images, maps: Sequence[int] = ()) -> Iterator[Reading]:
    """Read each image by all layers and methods of the reader.

    Args:
        session: of the reader's graph.
        reader: of the network.
        images: to read.
        maps: feature maps to project singly as well, of every layer.

    Raises:
        UserError: a layer has no such map; an image cannot be read; or a value is not finite.
    """
    for name, layer in reader.layers.items():
        check_maps(name, layer.output.shape.as_list()[3], maps)
    for number in range(len(images)):
        (image,), (seen,) = images.both([number])
        limits = finite.check_images(images.names[number] if images.names else "image", image[None])
        probabilities, shown, outputs = read_outputs(session, reader, image)
        projections, rows, places, strongest = {}, {}, {}, {}
        for name, output in outputs.items():
            flat = output.reshape(-1, output.shape[2])
            places[name] = np.stack(np.unravel_index(flat.argmax(axis=0), output.shape[:2]), 1)
            strongest[name] = flat.max(axis=0)
            indices = _indices(name, output, places[name], maps)
            rows.update((row, (name, index)) for row, index in indices.items())
            projections.update((row, {}) for row in indices)
            signals = np.array([keep(output, index) for index in indices.values()])
            for method in reader.layers[name].projections:
                values = project(session, reader, name, image, signals, method)
                for row, value in zip(indices, images.to_shown(values)):
                    projections[row][method] = value
        yield Reading(limits, probabilities, shown, places, strongest, projections, rows, seen)


def _indices(name, output, places, maps) -> Dict[str, Tuple]:
    """Row of a reading -> index of its activations in the output of the layer `name`."""
    indices = {name: (...,)}
    for number in dict.fromkeys(maps):
        indices[f"{name}/map {number}"] = (..., number)
        if output.shape[:2] != (1, 1):
            indices[f"{name}/map {number}, spot"] = (*places[number], number)
    return indices
