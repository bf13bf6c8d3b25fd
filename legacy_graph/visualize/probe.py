"""Tensors that find the strongest activations of a layer and project them, for the article's and other graphs."""

from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.receptive_field import Field, Fields
from legacy_graph.article.shapes import dims
from legacy_graph.data.images import Images
from legacy_graph.errors import UserError
from legacy_graph.graphs.overflow import Bound
from legacy_graph.visualize import finite

MEMORY = 32 * 2**20  # maximum size in bytes of the graph's largest tensor in one session run; a scan makes two at once


class ProbedLayer(NamedTuple):
    """The layer that a probe ranks and projects. B is any batch size."""

    name: str
    images: tf.Tensor  # float32 [B, H, W, channels], the tensor to feed
    kernel: Optional[tf.Tensor]  # float32 [height, width, C_in, C], of the layer's convolution; None without one
    output: tf.Tensor  # float32 [B, h, w, C], the activations to rank and project
    fields: Optional[Fields]  # receptive field of `output`; a step of 0 means the complete axis; None if unknown
    first: bool  # the kernel is applied to the images themselves
    method: str  # of the projection, such as "deconvnet"
    notes: Tuple[str, ...] = ()  # sentences to print on the sheet
    finite: Dict[str, tf.Tensor] = {}  # name of an operation before `output` -> bool [], whether its values are finite
    bound: Optional[Bound] = None  # of all values before `output`; None if no bound is known
    rectified: bool = True  # only values above 0 are activations; else all values are ranked


class Scanner(NamedTuple):
    """The tensors that rank the activations of a layer on one task of a cluster. B is any batch size."""

    images: tf.Tensor  # float32 [B, H, W, channels], the tensor to feed
    strongest: tf.Tensor  # float32 [B, C], the largest activation of each map; infinity if any is not finite
    wins: tf.Tensor  # float32 [B, C], the fraction of positions where the map is the strongest of all maps


class Probe(NamedTuple):
    """The tensors to feed and fetch. B is any batch size."""

    layer: ProbedLayer
    # The area of an image shown for an activation: its receptive field, or the complete image along an axis where the
    # field is unknown or at least as large.
    fields: Fields
    scanners: Sequence[Scanner]  # of the layer: on this machine or the chief, then on the other tasks of a cluster
    maps: tf.Tensor  # int64 [B], a placeholder: the feature map to project for each image
    places: tf.Tensor  # int64 [B, 2], the argmax of the map to project: (y, x) in the layer's output
    activations: tf.Tensor  # float32 [B], of this map at this place
    projections: Dict[str, tf.Tensor]  # method -> float32 [B, H, W, channels], the activation there projected
    signals: tf.Tensor  # float32 [B, h, w, C], what is projected: `output`, or the same for a crop
    chunk: int  # images in one run of the session
    answers: Optional[tf.Tensor] = None  # float32 [B, 10], class probabilities of the article's network; else None


class OpenProbe(NamedTuple):
    """A probe in a session, with images to feed."""

    session: tf.Session  # of the probe's graph, with values of its variables
    probe: Probe
    images: Images

    def run(self, fetches: Any, numbers: Sequence[int], feed: Optional[Dict[tf.Tensor, Any]] = None) -> Any:
        """Run the graph on some of the images, with more values to feed; UserError if an image is not finite."""
        return self.session.run(fetches, {self.probe.layer.images: finite.take(self.images, numbers), **(feed or {})})


def build_probe(
    layer: ProbedLayer, project: Callable[[tf.Tensor, tf.Tensor], Tuple[Dict[str, tf.Tensor], tf.Tensor]]
) -> Probe:
    """Add the tensors of a probe to the default graph.

    Args:
        layer: to rank and project.
        project: (maps, places) -> (projections, signals), see `Probe`.
    """
    _, height, width, channels = dims(layer.output)
    with tf.name_scope("probe"):
        maps = tf.placeholder(tf.int64, [None], name="maps")
        scanner = build_scanner(layer.images, layer.output, layer.rectified)
        chosen = tf.reduce_sum(layer.output * tf.one_hot(maps, channels)[:, None, None, :], 3)  # [B, h, w]
        flat = tf.argmax(tf.reshape(chosen, [-1, height * width]), 1)  # [B]
        width = tf.cast(width, tf.int64)
        places = tf.stack([flat // width, flat % width], 1)  # [B, 2]
        rows = tf.range(tf.size(maps, out_type=tf.int64))
        activations = tf.gather_nd(layer.output, tf.concat([rows[:, None], places, maps[:, None]], 1))  # [B]
        projections, signals = project(maps, places)
    whole = [Field(side, 0, 0) for side in layer.images.shape.as_list()[1:3]]
    fields = [field if field.size < image.size else image for field, image in zip(layer.fields or whole, whole)]
    chunk = chunk_size(layer.output.graph)
    return Probe(layer, tuple(fields), [scanner], maps, places, activations, projections, signals, chunk)


def build_scanner(images: tf.Tensor, output: tf.Tensor, rectified: bool = True) -> Scanner:
    """Add the tensors of a scanner to the default graph; for its arguments see `ProbedLayer`.

    A map wins a position if it is above zero there and no other map is stronger. Where several maps are equally strong,
    each of them wins. Without `rectified`, values of zero and below win too.
    """
    # TensorFlow 1.15 ignores NaN in a maximum, but not in a sum.
    is_finite = tf.is_finite(tf.reduce_sum(output, [1, 2]))
    strongest = tf.where_v2(is_finite, tf.reduce_max(output, [1, 2]), np.inf)
    with tf.name_scope("wins"):
        highest = tf.reduce_max(output, 3, keepdims=True)
        wins = tf.equal(output, tf.where_v2(highest > 0, highest, np.inf) if rectified else highest)
        return Scanner(images, strongest, tf.reduce_mean(tf.cast(wins, tf.float32), [1, 2]))


def chunk_size(graph: tf.Graph) -> int:
    """How many images to run at once so that the largest tensor of the graph takes at most `MEMORY`; at least 1.

    Only tensors with an unknown first dimension count: they grow with the batch.
    """
    largest = 1
    for operation in graph.get_operations():
        for tensor in operation.outputs:
            if tensor.shape.ndims and tensor.shape.as_list()[0] is None and tensor.shape[1:].is_fully_defined():
                largest = max(largest, int(np.prod(tensor.shape.as_list()[1:])) * tensor.dtype.size)
    return max(1, MEMORY // largest)


def check_maps(layer: str, count: int, maps: Optional[Iterable[int]]) -> List[int]:
    """The feature maps of --maps without duplicates; all `count` maps of the layer for None.

    Raises:
        UserError: the layer has no such map.
    """
    chosen = list(range(count)) if maps is None else list(dict.fromkeys(maps))
    for number in chosen:
        if not 0 <= number < count:
            raise UserError("--maps", f"maps of {layer}, 0 to {count - 1}", number, "choose among these")
    return chosen
