"""感受野 (receptive field): which pixels one place of a layer sees, computed from the layers, never typed in."""

from typing import List, NamedTuple, Tuple

import numpy as np

from legacy_graph.article.layer import Layer, layers_up_to


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
    for layer in layers_up_to(layers, name):
        fields = through_pool(layer, through_convolution(layer, fields))
    return fields


def crop_patches(images: np.ndarray, places: np.ndarray, fields: Fields, outside: float) -> np.ndarray:
    """Cut out of each image what one place of a layer sees of it.

    Args:
        images: [N, H, W] or [N, H, W, channels], any dtype.
        places: whole numbers [N, 2], (y, x) in the layer's output.
        fields: of that layer, down and across.
        outside: the value for what lies outside the image.

    Returns:
        [N, fields[0].size, fields[1].size], with the images' channels, if any, and their dtype.
    """
    cut = np.full((len(images), *(field.size for field in fields), *images.shape[3:]), outside, images.dtype)
    for patch, image, place in zip(cut, images, places):
        begins = [field.begin + int(at) * field.step for field, at in zip(fields, place)]
        inside = [slice(max(0, begin), begin + field.size) for begin, field in zip(begins, fields)]
        seen = image[tuple(inside)]
        corner = [part.start - begin for part, begin in zip(inside, begins)]
        patch[tuple(slice(start, start + length) for start, length in zip(corner, seen.shape))] = seen
    return cut


def through_convolution(layer: Layer, fields: Fields) -> Fields:
    """The receptive field after the layer's convolution, from that of its input."""
    sides = zip(fields, layer.input.shape.as_list()[1:3], layer.kernel.shape.as_list()[:2])
    return tuple(_seen_through(field, side, window, layer.stride, layer.padding) for field, side, window in sides)


def through_pool(layer: Layer, fields: Fields) -> Fields:
    """The receptive field after the layer's pool, from that of its convolution."""
    sides = zip(fields, layer.relu.shape.as_list()[1:3])
    return tuple(_seen_through(field, side, layer.pool, layer.pool, layer.pool_padding) for field, side in sides)


def _seen_through(field, side, window, stride, padding):
    """The field after a window has moved over `side` places, each of which sees `field`."""
    missing = max(0, (-(-side // stride) - 1) * stride + window - side) if padding == "SAME" else 0
    return Field(field.size + (window - 1) * field.step, field.step * stride, field.begin - missing // 2 * field.step)
