"""感受野 (receptive field): the input pixels that one position of a layer depends on, computed from its layers."""

from typing import List, NamedTuple, Tuple

import numpy as np

from legacy_graph.article.layer import Layer, layers_up_to


class Field(NamedTuple):
    """Receptive fields along one axis, in pixels: position n depends on `size` pixels from begin + n * step on."""

    size: int
    step: int
    begin: int  # of position 0; negative if the field begins in the padding


Fields = Tuple[Field, Field]  # down and across
PIXEL = Field(1, 1, 0)


def receptive_fields(layers: List[Layer], name: str) -> Fields:
    """The receptive field of one position of the layer's `output`.

    Args:
        layers: in order from the input, with static heights and widths.
        name: of the layer.

    Raises:
        ValueError: no layer has that name.
    """
    fields = (PIXEL, PIXEL)
    for layer in layers_up_to(layers, name):
        fields = through_pool(layer, through_convolution(layer, fields))
    return fields


def crop_patches(images: np.ndarray, places: np.ndarray, fields: Fields, outside: float) -> np.ndarray:
    """Crop each image to the receptive field of one position of a layer.

    Args:
        images: [N, H, W] or [N, H, W, channels], any dtype.
        places: integers [N, 2], (y, x) in the layer's output.
        fields: of that layer, down and across.
        outside: the value of pixels outside the image.

    Returns:
        [N, fields[0].size, fields[1].size], with the channels, if any, and the dtype of `images`.
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
    """The receptive field after the layer's convolution, computed from the field of its input."""
    sides = zip(fields, layer.input.shape.as_list()[1:3], layer.kernel.shape.as_list()[:2])
    return tuple(_seen_through(field, side, window, layer.stride, layer.padding) for field, side, window in sides)


def through_pool(layer: Layer, fields: Fields) -> Fields:
    """The receptive field after the layer's pool, computed from the field of its convolution."""
    sides = zip(fields, layer.relu.shape.as_list()[1:3])
    return tuple(_seen_through(field, side, layer.pool, layer.pool, layer.pool_padding) for field, side in sides)


def _seen_through(field, side, window, stride, padding):
    """The receptive field after a sliding window over `side` positions with the receptive field `field`."""
    missing = max(0, (-(-side // stride) - 1) * stride + window - side) if padding == "SAME" else 0
    return Field(field.size + (window - 1) * field.step, field.step * stride, field.begin - missing // 2 * field.step)
