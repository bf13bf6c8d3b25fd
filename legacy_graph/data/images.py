"""Images for a graph: files or arrays, preprocessed by the options of the user, read in parallel in batches.

Files and uint8 arrays are preprocessed by `Preprocessing`; floating point arrays are fed unchanged. Nothing is guessed.
"""

import dataclasses
import functools
import itertools
import os
from typing import Callable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from legacy_graph.data import idx
from legacy_graph.data.ahead import run_ahead
from legacy_graph.data.arrays import load_array
from legacy_graph.data.pictures import EXTENSIONS, find_pictures, read_picture
from legacy_graph.errors import UserError, printable

ARRAYS = (".npy", ".npz")
WORKERS = min(8, os.cpu_count() or 1)
MOST = 100  # images of an array that are read one by one
KEPT = 2**27  # bytes of decoded pictures: those of the strongest activations are read several times
GROUPS = 2 * WORKERS  # per batch; a thread reads a group of images at once

Shape = Tuple[Optional[int], Optional[int], int]  # H, W and channels of a graph's input, None if not fixed


class Preprocessing(NamedTuple):
    """How uint8 pixels become the input values of a graph."""

    low: float  # value of pixel 0
    high: float  # value of pixel 255
    mean: Tuple[float, ...] = ()  # of red, green and blue, or one for all channels; subtracted after scaling
    bgr: bool = False  # the graph takes blue, green, red

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 [..., channels] to float32 of the same shape."""
        values = pixels.astype(np.float32)
        values *= np.float32((self.high - self.low) / 255)
        values += np.float32(self.low)
        if self.mean:
            values -= np.array(self.mean, np.float32)
        return np.ascontiguousarray(values[..., ::-1]) if self.bgr else values

    def __str__(self):
        mean = f", minus {', '.join(f'{value:g}' for value in self.mean)}" if self.mean else ""
        order = ", channels in the order BGR" if self.bgr else ""
        return f"pixel 0 becomes {self.low:g}, 255 becomes {self.high:g}{mean}{order}"


@dataclasses.dataclass(eq=False)
class Images:
    """A number of images of one size."""

    count: int
    size: Tuple[int, int]  # height and width in pixels
    read: Callable[[Sequence[int]], np.ndarray]  # numbers -> uint8 or floating point [n, H, W, channels]; in threads
    preprocessing: Optional[Preprocessing]  # of uint8 images; None feeds floating point images unchanged
    about: str  # the source and the preprocessing
    names: Optional[Sequence[str]] = None  # of the files, in the same order; None if the images are not files

    def __len__(self):
        return self.count

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """All images in order, float32 [up to `size`, H, W, channels]; threads read up to two batches ahead."""
        group = -(-size // GROUPS)
        batches = [range(start, min(start + size, self.count)) for start in range(0, self.count, size)]
        groups = [[batch[first : first + group] for first in range(0, len(batch), group)] for batch in batches]
        calls = (functools.partial(self.take, numbers) for numbers in itertools.chain(*groups))
        read = run_ahead(calls, WORKERS, 2 * -(-size // group))
        for parts in groups:
            yield np.concatenate(list(itertools.islice(read, len(parts))))

    def take(self, numbers: Sequence[int]) -> np.ndarray:
        """Some preprocessed images, float32 [n, H, W, channels]."""
        return self._preprocess(self.read(numbers))

    def both(self, numbers: Sequence[int]) -> Tuple[np.ndarray, np.ndarray]:
        """The same images as from `take` and as from `shown`, read once."""
        raw = self.read(numbers)
        return self._preprocess(raw), self._draw(raw)

    def shown(self, numbers: Sequence[int]) -> np.ndarray:
        """Some images for display, uint8 [n, H, W, 3] for 3 channels, else uint8 [n, H, W], the channel mean."""
        return self._draw(self.read(numbers))

    def _draw(self, raw):
        if raw.shape[3] != 3:
            raw = raw.mean(axis=3) if raw.shape[3] > 1 else raw[..., 0]
        if raw.size and self.preprocessing is None:
            raw = np.where(np.isfinite(raw), raw, 0)  # the caller refuses such an image
            low, high = float(raw.min()), float(raw.max())
            raw = (raw - low) * (255 / (high - low) if high > low else 0)
        return raw if raw.dtype == np.uint8 else np.rint(raw).astype(np.uint8)

    def to_shown(self, values: np.ndarray) -> np.ndarray:
        """Values per input channel of the graph, [..., channels], in the channel order of `shown`.

        Returns:
            [..., 3] in the order RGB, else [...]: the sum over the channels.
        """
        if values.shape[-1] != 3:
            return values.sum(axis=-1)
        return values[..., ::-1] if self.preprocessing is not None and self.preprocessing.bgr else values

    @np.errstate(over="ignore", invalid="ignore")  # the caller refuses images that are not finite
    def _preprocess(self, raw):
        return raw.astype(np.float32) if self.preprocessing is None else self.preprocessing.apply(raw)


def from_array(array: np.ndarray, preprocessing: Optional[Preprocessing], about: str) -> Images:
    """Images from an array [N, H, W, channels]: uint8 with preprocessing, or floating point without."""

    def read(numbers):
        # A slice gives a view of the array, a list of numbers a copy.
        return array[numbers.start : numbers.stop] if isinstance(numbers, range) else array[list(numbers)]

    return Images(len(array), array.shape[1:3], read, preprocessing, about)


def from_checked_array(array: np.ndarray, name: str, shape: Shape, preprocessing: Optional[Preprocessing]) -> Images:
    """As `from_array`, for an array of the user: [N, H, W, channels] or [H, W, channels].

    The axis of one channel may be missing, and that of the one row of signals.

    Raises:
        UserError: the array does not match the graph, or its type the preprocessing. `name` is its subject.
    """
    found, signals = array.shape, shape[0] == 1
    if shape[2] == 1 and not _fits(found[-3:], shape) and not (signals and _fits(found[-2:], shape[1:])):
        array = array[..., None]
    if signals and array.ndim > 1 and not _fits(array.shape[-3:], shape):
        array = np.expand_dims(array, -3)
    array = array[None] if array.ndim == 3 else array
    if array.ndim != 4 or not len(array) or not _fits(array.shape[1:], shape):
        expected = " x ".join(["an array of the shape N", *("any" if side is None else str(side) for side in shape)])
        raise UserError(name, expected, " x ".join(map(str, found)) or "one number", "give it that shape")
    if isinstance(array, np.ma.MaskedArray):
        raise UserError(name, "an array without a mask", "a masked array", "give its filled() values")
    if array.dtype == np.uint8:
        if preprocessing is None:
            raise _no_range()
        return from_array(array, preprocessing, str(preprocessing))
    if not np.issubdtype(array.dtype, np.floating):
        raise UserError(name, "uint8 or floating point values", array.dtype, "convert the array")
    if preprocessing is not None:
        raise UserError("--range", "none for floating point arrays, which are fed as they are", "one", "leave it out")
    return from_array(array, None, "floating point values, fed as they are")


def _fits(shape, expected):
    return len(shape) == len(expected) and all(side in (None, length) for side, length in zip(expected, shape))


def from_files(
    paths: List[str], shape: Shape, preprocessing: Optional[Preprocessing], folder: Optional[str] = None
) -> Images:
    """Images from picture files, each scaled to cover `shape` and cut at its centre. Names are relative to `folder`.

    Raises:
        UserError: no preprocessing is given, or the size is unknown. Reading raises it if a file is not a picture.
    """
    height, width, channels = shape
    if preprocessing is None:
        raise _no_range()
    check_size(shape)
    if channels not in (1, 3):
        hint = "give the images as an .npy array"
        raise UserError("--images", f"arrays of {channels} channels, as the graph takes", "pictures", hint)
    kind = "RGB" if channels == 3 else "grey"
    about = f"{kind}, scaled to cover {height} x {width} and cut at the centre; {preprocessing}"

    @functools.lru_cache(max(1, KEPT // (height * width * channels)))
    def read_one(number):
        return read_picture(paths[number], (height, width, channels))

    def read(numbers):
        pictures = [read_one(number) for number in map(int, numbers)]
        return np.array(pictures, np.uint8).reshape(-1, height, width, channels)  # numbers may be empty

    names = [printable(os.path.relpath(path, folder or os.path.dirname(path) or ".")) for path in paths]
    return Images(len(paths), (height, width), read, preprocessing, about, names)


def check_size(shape: Shape) -> None:
    """Raise UserError if the height or the width of a graph's images is not fixed."""
    if None in shape[:2]:
        expected = "the height and width of the images"
        raise UserError("--size", expected, "a graph that leaves them open", "add --size HxW")


def open_pictures(paths: Sequence[str], shape: Shape, preprocessing: Optional[Preprocessing]) -> Images:
    """Picture files, or the images of one .npy or .npz array, to be read one by one. Each image has a name.

    Raises:
        UserError: as in `from_files` and `open_images`; an array beside other files, or with more than `MOST` images.
    """
    arrays = [path for path in paths if os.path.splitext(path)[1].lower() in ARRAYS and os.path.isfile(path)]
    if not arrays:
        return from_files(list(paths), shape, preprocessing)
    if len(paths) > 1:
        raise UserError(arrays[0], "one array alone, or pictures", f"{len(paths)} files", "name this file alone")
    images = open_images(arrays[0], shape, preprocessing)
    if len(images) > MOST:
        hint = "save fewer, or use the command features"
        raise UserError(arrays[0], f"at most {MOST} images", f"{len(images):,}", hint)
    stem, extension = os.path.splitext(printable(os.path.basename(arrays[0])))
    several = len(images) > 1
    images.names = [f"{stem}-{number}{extension}" if several else stem + extension for number in range(len(images))]
    return images


def open_images(path: str, shape: Shape, preprocessing: Optional[Preprocessing]) -> Images:
    """Images from a folder of pictures (recursive), one picture, an .npy or .npz array, or an IDX file.

    Args:
        path: the value of --images.
        shape: H, W and channels of the graph's input.
        preprocessing: None without --range; only floating point arrays need none.

    Raises:
        UserError: the path cannot be read, or the images do not match the graph.
    """
    if not os.path.lexists(path):
        raise UserError("--images", "a path that exists", f"nothing at {path!r}", "correct the path")
    extension = os.path.splitext(path)[1].lower()
    if extension in ARRAYS and os.path.isfile(path):
        return from_checked_array(load_array(path), path, shape, preprocessing)
    if os.path.isdir(path) or extension in EXTENSIONS:
        return from_files(find_pictures(path), shape, preprocessing, path if os.path.isdir(path) else None)
    height, width, channels = shape
    if channels != 1 or height is None or width is None:
        expected = f"a folder of pictures or an array of {channels} channels"
        raise UserError("--images", expected, repr(path), "name another path")
    if preprocessing is None:
        raise _no_range()
    array = idx.read_idx(path, (height, width))[..., None]
    return from_array(array, preprocessing, f"grey; {preprocessing}")


def _no_range():
    hint = "add --range, such as --range 0,1 or --range -1,1"
    return UserError("--range", "LOW,HIGH: what 0 and 255 become for this graph", "none", hint)
