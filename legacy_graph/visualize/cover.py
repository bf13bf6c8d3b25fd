"""The patch that occlusion covers: its side, its stride and the value of the covered pixels."""

from typing import NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from legacy_graph.config import MEAN
from legacy_graph.data.images import Images
from legacy_graph.errors import UserError

SAMPLE = 256  # maximum number of images for a mean colour
PARTS, PARTS_OF_IMAGE = 5, 7  # default patches side by side in a receptive field, and in a complete image


class CoverOptions(NamedTuple):
    """What the user chooses; None takes the default."""

    patch: Optional[int] = None  # side in pixels
    stride: Optional[int] = None  # pixels from one patch to the next
    value: Union[None, str, Tuple[float, ...]] = None  # of a pixel, 0 to 255: one, or red, green, blue; or `MEAN`


DEFAULT_COVER = CoverOptions()


class Cover(NamedTuple):
    """The patch that covers a part of the image."""

    patch: int  # side in pixels; of an image with one row, it covers 1 x `patch` pixels
    stride: int  # pixels from one position to the next, at most `patch`, so that each pixel is covered
    value: Tuple[float, ...] = (0.0,)  # of the covered pixels, as the network reads them: one, or one for each channel
    about: str = "black"  # the value in words
    is_row: bool = False  # whether the images have one row

    def __str__(self):
        steps = "every pixel" if self.stride == 1 else f"every {self.stride} pixels"
        size = self.patch if self.is_row else f"{self.patch} x {self.patch}"
        return f"Occlusion: a patch of {size} pixels at {steps}, covered with {self.about}."


def choose_cover(options: CoverOptions, images: Images, sides: Sequence[int], parts: int = PARTS) -> Cover:
    """The patch for some images.

    The default patch is the `parts`-th part of the smaller of `sides`, [height, width] in pixels; the default stride is
    half of it. A signal is an image of one row: only its length counts. The default value is black for grey pictures,
    else the mean colour of the images.

    Raises:
        UserError: the patch is larger than an image, the stride larger than the patch, or the value does not match.
    """
    long = [axis for axis, side in enumerate(images.size) if side > 1] or [0]
    limit = min(images.size[axis] for axis in long)
    default = min(max(2, round(min(sides[axis] for axis in long) / parts)), limit)
    patch = default if options.patch is None else options.patch
    if patch > limit:
        expected = f"at most {limit}, a side of the images"
        raise UserError("--patch", expected, patch, "choose a smaller patch")
    stride = (patch + 1) // 2 if options.stride is None else options.stride
    if stride > patch:
        expected = f"at most {patch}, the side of a patch, so that every pixel is covered"
        raise UserError("--stride", expected, stride, "choose a smaller stride, or a larger --patch")
    return Cover(patch, stride, *_value(options.value, images), min(images.size) == 1)


def _value(pixel, images: Images) -> Tuple[Tuple[float, ...], str]:
    """(the value as the network reads it, the value in words)."""
    channels = images.take([0]).shape[3]
    if pixel is None:
        pixel = (0.0,) if channels == 1 and images.preprocessing else MEAN
    if pixel == MEAN:
        return _mean_colour(images)
    if len(pixel) not in (1, channels):
        raise UserError("--cover", f"one number for {channels} channels", f"{len(pixel)}", "give one number, or mean")
    words = ", ".join(f"{value:g}" for value in pixel)
    if images.preprocessing is None:
        return tuple(pixel), f"the value {words}"
    if not all(0 <= value <= 255 for value in pixel):
        raise UserError("--cover", "pixel values from 0 to 255", words, "give pixel values, or mean")
    value = images.preprocessing.apply(np.resize(np.array(pixel), channels))
    return tuple(map(float, value)), "black" if not any(pixel) else f"the pixel value {words}"


def _mean_colour(images):
    numbers = np.unique(np.linspace(0, len(images) - 1, min(SAMPLE, len(images))).astype(int))
    parts = [images.take([number])[0].mean(axis=(0, 1), dtype=float) for number in numbers]
    value = tuple(map(float, np.mean(parts, axis=0)))
    few = "the images" if len(numbers) == len(images) else f"{len(numbers)} of the images"
    return value, f"the mean colour of {few} ({', '.join(f'{part:.3g}' for part in value)} after preprocessing)"
