"""Project spots, single positions of a layer, on crops of the images: only the receptive field of a spot counts.

A crop begins at a multiple of the layer's step, and its sides differ from those of the image by a multiple of the step.
So every window has the same padding, and the same values in it, as in the complete image. Where a receptive field
reaches the padding of the image, the crop ends with the image.
"""

from typing import FrozenSet, NamedTuple, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.receptive_field import Fields
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.model import ConvLayer, Model
from legacy_graph.graphs.nodes import node_name
from legacy_graph.graphs.op_table import SHAPES, row
from legacy_graph.graphs.operations import attribute

WORTH = 0.5  # fraction of the image's pixels: larger crops save too little
# The moves of operations whose values depend on a window of positions, not on the number of positions.
_LOCAL = ("elementwise", "positions", "convolution", "pool", "padded", "joined", "last axis")
_JOINED = ("elementwise", "joined")  # their parameters have the axes of the output
# Attributes of operations that require a height and width (EnsureShape), or number the positions (MaxPoolWithArgmax).
_PLACES = ("shape", "Targmax")


class Crop(NamedTuple):
    """The crops for the spots of a layer, all of one size."""

    fields: Fields  # of the layer, down and across
    sides: Tuple[int, int]  # height and width of a crop, in pixels
    most: Tuple[int, int]  # the largest offset of a crop, in steps
    names: FrozenSet[str]  # of the nodes from the images to the layer


def find_crop(model: Model, layer: ConvLayer) -> Optional[Crop]:
    """The crops for a layer; None if the projections need the complete image, or if a crop would save too little."""
    graph, sides = model.graph, model.input_shape[:2]
    names = graph.dependents([model.input], shapes=True) & graph.ancestors([layer.start])
    if layer.fields is None or not all(_is_local(graph, name, names) for name in names - {model.input}):
        return None
    # The smallest crop that contains the field of each position, at a multiple of the step.
    room = [side - field.size - field.step + 1 for side, field in zip(sides, layer.fields)]
    most = [max(0, free // field.step) if field.step else 0 for free, field in zip(room, layer.fields)]
    height, width = [side - count * field.step for side, count, field in zip(sides, most, layer.fields)]
    if height * width > WORTH * sides[0] * sides[1]:
        return None
    return Crop(layer.fields, (height, width), tuple(most), frozenset(names - {model.input}))


def _is_local(graph: Graph, name: str, names) -> bool:
    """Whether a node computes the same values from a crop: it reads no shape, and no parameter with a height or width.

    `names` are those of the nodes that depend on the images, and of the images.
    """
    node = graph.by_name[name]
    is_placed = any(attribute(node, key).WhichOneof("value") for key in _PLACES)
    if node.op in SHAPES or row(node.op).moves not in _LOCAL or is_placed:
        return False
    sources = [source for source in graph.references(name) if node_name(source) not in names]
    sources = sources if row(node.op).moves in _JOINED else []
    # The shape of another output than the first, such as a part of a split, is not known.
    shapes = [None if ":" in source else graph.types[source].shape for source in sources]
    return all(shape is not None and set(shape[-3:-1]) <= {1} for shape in shapes)


def cut_out(images: tf.Tensor, start: tf.Tensor, places: tf.Tensor, crop: Crop) -> Tuple[tf.Tensor, ...]:
    """Compute a layer once more, on one crop of each image. The parameters are those of the complete images.

    Args:
        images: float32 [B, H, W, C].
        start: the end of the layer, in a graph whose nodes have the names of the model.
        places: int64 [B, 2], the (y, x) of each spot.
        crop: from `find_crop`.

    Returns:
        The crops, float32 [B, height, width, C]; the layer computed from them, float32 [B, h, w, maps]; and the places
        of the spots in it, int32 [B, 2].
    """
    shape, pixels, inside = [tf.shape(images)[0], *crop.sides], [], []
    pixels.append(tf.broadcast_to(tf.range(shape[0])[:, None, None], shape))
    for axis in (0, 1):
        field, length, at = crop.fields[axis], crop.sides[axis], places[:, axis]
        # Tables with a row for each place, because TensorFlow warns about integer arithmetic on some processors.
        numbers, step = np.arange(start.shape.as_list()[axis + 1], dtype=np.int32), max(1, field.step)
        offsets = np.clip((numbers * step + field.begin) // step, 0, crop.most[axis])
        positions = tf.gather(offsets[:, None] * step + np.arange(length, dtype=np.int32), at)  # [B, length]
        pixels.append(tf.broadcast_to(tf.expand_dims(positions, 2 - axis), shape))
        inside.append(tf.gather(numbers - offsets, at))
    crops = tf.gather_nd(images, tf.stack(pixels, 3))
    crops.set_shape([None, *crop.sides, images.shape[3]])
    return crops, _import_again(images, start, crops, crop.names), tf.stack(inside, 1)


def _import_again(images, start, crops, names):
    """The nodes from the images to `start` once more, with `crops` in place of the images. Returns the new start."""
    operations = [each for each in images.graph.get_operations() if each.name in names or each is start.op]
    computed = {tensor for operation in operations for tensor in operation.outputs}
    read = {tensor.name: tensor for operation in operations for tensor in operation.inputs if tensor not in computed}
    nodes = [operation.node_def for operation in operations]
    graph_def = tf.GraphDef(versions=images.graph.graph_def_versions, node=nodes)
    return tf.import_graph_def(graph_def, {**read, images.name: crops}, [start.name], name="crops")[0]
