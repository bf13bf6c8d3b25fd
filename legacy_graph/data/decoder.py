"""The decoder of picture files, for digits and photos. Does not import TensorFlow.

The camera's orientation (EXIF) is applied, and CMYK is converted to RGB. Of an animation the first frame is read. A
colour profile (ICC) is ignored, as by the decoders of TensorFlow, with which networks are trained.
"""

import contextlib
import os
from typing import BinaryIO, Iterator, Optional

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from legacy_graph.errors import UserError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")  # as Pillow spells them
FORMAT_NAMES = "PNG, JPEG, BMP, GIF or WebP"
OTHER_FILE = "name another file, or replace or remove this one"
MAX_PIXELS = 50000000  # of a picture, checked before decoding; phone cameras have up to 50 million
FEWER_PIXELS, SMALLER = f"a picture of at most {MAX_PIXELS:,} pixels", "make it smaller"
ORIENTATION, UPRIGHT = 0x0112, 1  # EXIF tag, and its value for a picture that is upright
TRANSPARENT = ("RGBA", "RGBa", "LA", "La", "PA")


def _check_file(path):
    """Refuse a path that is not a regular file: reading a FIFO would wait for ever."""
    if not os.path.isfile(path):
        found = "a directory" if os.path.isdir(path) else "something else" if os.path.exists(path) else "no file"
        raise UserError(path, f"a regular file with a picture in {FORMAT_NAMES}", found, "name a picture")


@contextlib.contextmanager
def decoded(path: str, file: Optional[BinaryIO], side: int, mode: Optional[str] = None) -> Iterator[Image.Image]:
    """A picture of mode L, RGB, RGBA, or with 16 bits of grey I or I;16, open in a `with` block.

    Args:
        path: of its file, or its name in messages.
        file: an open file with the picture; None opens `path`.
        side: a larger JPEG is decoded at a fraction of its size, but no side becomes shorter than this.
        mode: L decodes only the brightness of a JPEG.

    Raises:
        UserError: no regular file, another format, a damaged file, or more than `MAX_PIXELS`. Errors of Pillow inside
            the block become this error too: it decodes as late as possible.
    """
    try:
        if file is None:
            _check_file(path)
        _check_content(path, file or path)
        with Image.open(file or path, formats=FORMATS) as picture:
            picture.draft(mode, (side, side))
            if picture.getexif().get(ORIENTATION, UPRIGHT) != UPRIGHT:  # exif_transpose copies every picture
                picture = ImageOps.exif_transpose(picture)
            yield _plain(picture)
    except UserError:
        raise
    except Image.DecompressionBombError as error:  # Pillow raises this above 179 million pixels, without the size
        raise UserError(path, FEWER_PIXELS, "more than 178 million", SMALLER) from error
    except UnidentifiedImageError as error:
        raise UserError(path, f"a picture in {FORMAT_NAMES}", "another or a damaged format", OTHER_FILE) from error
    except Exception as error:  # decoders raise many types for a damaged file
        raise UserError(path, f"a picture in {FORMAT_NAMES}", str(error) or type(error).__name__, OTHER_FILE) from error


def _check_content(path, file):
    """Refuse too many pixels, and a PNG whose checksums are wrong: Pillow decodes it too, into another picture."""
    with Image.open(file, formats=FORMATS) as picture:
        width, height = picture.size
        if width * height > MAX_PIXELS:
            raise UserError(path, FEWER_PIXELS, f"{width:,} x {height:,}", SMALLER)
        if picture.format == "PNG":
            picture.verify()
    if not isinstance(file, str):
        file.seek(0)


def _plain(picture):
    """The picture without palette, and in one of the modes of `decoded`."""
    if picture.mode.startswith("I") or picture.mode in ("L", "RGB") and "transparency" not in picture.info:
        return picture
    if picture.mode in TRANSPARENT or "transparency" in picture.info:
        return picture.convert("RGBA")
    return picture.convert("L" if picture.mode == "1" else "RGB")


def to_eight_bits(picture: Image.Image) -> Image.Image:
    """16 bits of grey as 8 bits, the nearest of v / 257, because Pillow would clip them; another picture unchanged."""
    if not picture.mode.startswith("I"):
        return picture
    values = np.asarray(picture).clip(0, 65535).astype(np.uint16, copy=False)
    quotient, rest = np.divmod(values, np.uint16(257))
    return Image.fromarray((quotient + (rest > 128)).astype(np.uint8))


def on_background(picture: Image.Image, colour: str) -> Image.Image:
    """The picture with 8 bits, its transparent pixels over a background of this colour."""
    picture = to_eight_bits(picture)
    if picture.mode != "RGBA":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, colour), picture)
