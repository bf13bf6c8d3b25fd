"""感受野 (receptive field): which pixels one place of a layer sees, computed from the layers, never typed in."""

from typing import List, NamedTuple, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph import network
from legacy_graph.deconv import Layer, up_to


class Field(NamedTuple):
    """What a layer's places see along one axis, in pixels: place n sees `size` of them from begin + n * step on."""

    size: int
    step: int
    begin: int  # of place 0; negative where the padding begins outside the picture


Fields = Tuple[Field, Field]  # down and across
PIXEL = Field(1, 1, 0)


def receptive_fields(layers: List[Layer], name: str) -> Fields:
    """What one place of the layer's `output` sees.

    Args:
        layers: from the input upwards; heights and widths must be known while the graph is built.
        name: of the layer.

    Raises:
        ValueError: no layer has that name.
    """
    fields = (PIXEL, PIXEL)
    for layer in up_to(layers, name):
        fields = _through_pool(layer, _through_convolution(layer, fields))
    return fields


def patches(images: np.ndarray, places: np.ndarray, fields: Fields, outside: float) -> np.ndarray:
    """Cut out of each image what one place of a layer sees of it.

    Args:
        images: [N, H, W], any dtype.
        places: whole numbers [N, 2], (y, x) in the layer's output.
        fields: of that layer, down and across.
        outside: the value for what lies outside the image.

    Returns:
        [N, fields[0].size, fields[1].size], of the images' dtype.
    """
    cut = np.full([len(images)] + [field.size for field in fields], outside, images.dtype)
    for patch, image, place in zip(cut, images, places):
        begins = [field.begin + int(at) * field.step for field, at in zip(fields, place)]
        inside = [slice(max(0, begin), begin + field.size) for begin, field in zip(begins, fields)]
        seen = image[tuple(inside)]
        corner = [part.start - begin for part, begin in zip(inside, begins)]
        patch[tuple(slice(start, start + length) for start, length in zip(corner, seen.shape))] = seen
    return cut


def table() -> str:
    """The article's network: what its layers do, the shape they put out, what one place sees, trainable parameters."""
    with tf.Graph().as_default():
        net, counts = network.build(), _parameters()
    fields: Fields = (PIXEL, PIXEL)
    rows = [("layer", "what it does", "puts out", "one place sees", "every", "parameters")]
    rows.append(("input", "pixels in [0, 1]", _shape(net.layers[0].input), "", "", ""))
    for layer in net.layers:
        height, width = layer.kernel.shape.as_list()[:2]
        fields = _through_convolution(layer, fields)
        what = f"convolution {height} x {width}, stride {layer.stride}, {layer.padding}; ReLU"
        rows.append((layer.name, what, _shape(layer.relu)) + _seen(fields) + (counts[layer.name],))
        if layer.pool > 1:
            fields = _through_pool(layer, fields)
            what = f"max pool {layer.pool} x {layer.pool}, {layer.pool_padding}"
            rows.append(("", what, _shape(layer.output)) + _seen(fields) + ("",))
    rows.append(("fc1", "all to all; ReLU; dropout", _shape(net.features), "everything", "", counts["fc1"]))
    rows.append(("fc2", "all to all; softmax", _shape(net.probabilities), "everything", "", counts["fc2"]))
    rows.append(("all", "", "", "", "", sum(counts.values())))
    return "\n".join(_aligned(rows))


def _through_convolution(layer, fields):
    sides = zip(fields, layer.input.shape.as_list()[1:3], layer.kernel.shape.as_list()[:2])
    return tuple(_seen_through(field, side, window, layer.stride, layer.padding) for field, side, window in sides)


def _through_pool(layer, fields):
    sides = zip(fields, layer.relu.shape.as_list()[1:3])
    return tuple(_seen_through(field, side, layer.pool, layer.pool, layer.pool_padding) for field, side in sides)


def _seen_through(field, side, window, stride, padding):
    """The field after a window has moved over `side` places, each of which sees `field`."""
    missing = max(0, (-(-side // stride) - 1) * stride + window - side) if padding == "SAME" else 0
    return Field(field.size + (window - 1) * field.step, field.step * stride, field.begin - missing // 2 * field.step)


def _parameters():
    counts = {}
    for variable in tf.trainable_variables():
        scope = variable.op.name.split("/")[0]
        counts[scope] = counts.get(scope, 0) + int(np.prod(variable.shape.as_list()))
    return counts


def _shape(tensor):
    return " x ".join(map(str, tensor.shape.as_list()[1:]))


def _seen(fields):
    down, across = fields
    return f"{down.size} x {across.size} pixels", str(down.step)


def _aligned(rows):
    cells = [[f"{cell:,}" if isinstance(cell, int) else cell for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    for row in cells:
        texts = [cell.ljust(width) for cell, width in zip(row[:-2], widths)]
        yield "  ".join(texts + [row[-2].rjust(widths[-2]), row[-1].rjust(widths[-1])]).rstrip()
