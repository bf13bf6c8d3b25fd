"""The tensors that find the strongest spots of a layer and project them, for the article's network and other graphs."""

from typing import Callable, NamedTuple, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.receptive_field import Fields
from legacy_graph.article.shapes import dims

MEMORY = 32 * 2**20  # bytes that the largest tensor of the graph may take in one run


class Probe(NamedTuple):
    """The ends of a graph, built once and run many times. B is any batch size."""

    images: tf.Tensor  # float32 [B, ...], a placeholder
    layer: str  # name of the layer
    kernel: tf.Tensor  # float32 [height, width, C_in, C], of its convolution
    output: tf.Tensor  # float32 [B, h, w, C], what is ranked and projected
    fields: Optional[Fields]  # receptive field of `output`; None where it is not known or covers the whole image
    maps: tf.Tensor  # int64 [B], a placeholder: for each image the feature map to look at
    strongest: tf.Tensor  # float32 [B, C], the largest activation of each map
    places: tf.Tensor  # int64 [B, 2], where the map to look at is largest: (y, x) in `output`
    projections: tf.Tensor  # float32 [B, H, W, channels], this one spot projected to the pixels
    chunk: int  # images in one run of the session
    notes: Tuple[str, ...]  # one sentence each that must stand on the sheet


def build_probe(
    images: tf.Tensor,
    layer: str,
    kernel: tf.Tensor,
    output: tf.Tensor,
    fields: Optional[Fields],
    project: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    notes: Tuple[str, ...] = (),
) -> Probe:
    """Add what a scan runs to the default graph.

    Args:
        images, layer, kernel, output, fields, notes: see `Probe`.
        project: (maps, places) -> projections, see `Probe`.
    """
    _, height, width, channels = dims(output)
    with tf.name_scope("probe"):
        maps = tf.placeholder(tf.int64, [None], name="maps")
        strongest = tf.reduce_max(output, [1, 2])  # [B, C]
        one = tf.reduce_sum(output * tf.one_hot(maps, channels)[:, None, None, :], 3)  # [B, h, w]
        flat = tf.argmax(tf.reshape(one, [-1, height * width]), 1)  # [B]
        width = tf.cast(width, tf.int64)
        places = tf.stack([flat // width, flat % width], 1)  # [B, 2]
        projections = project(maps, places)
    return Probe(
        images, layer, kernel, output, fields, maps, strongest, places, projections,
        chunk_size(images.graph), notes,
    )  # fmt: skip


def chunk_size(graph: tf.Graph) -> int:
    """How many images to run at once so that the largest tensor of the graph takes at most `MEMORY`; at least 1.

    Only tensors whose first dimension is open count: these grow with the batch.
    """
    largest = 1
    for operation in graph.get_operations():
        for tensor in operation.outputs:
            if tensor.shape.ndims and tensor.shape.as_list()[0] is None and tensor.shape[1:].is_fully_defined():
                largest = max(largest, int(np.prod(tensor.shape.as_list()[1:])) * tensor.dtype.size)
    return max(1, MEMORY // largest)
