"""Read picture files as uint8 arrays: find in folders, scale, crop to one size."""

import os
from typing import BinaryIO, List, Tuple, Union

import numpy as np
from PIL import Image, ImageOps

from legacy_graph.data.user_image import FORMAT_NAMES, FORMATS, check_size
from legacy_graph.errors import UserError

ORIENTATION, UPRIGHT = 0x0112, 1  # EXIF tag, and its value for a picture that is upright
EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp")


def find_pictures(path: str) -> List[str]:
    """The picture files in a folder and its subfolders, sorted; `path` itself if it is not a folder.

    Only regular files, and no file whose name begins with a dot.

    Raises:
        UserError: the folder has no picture file.
    """
    if not os.path.isdir(path):
        return [path]
    paths = [
        os.path.join(folder, name)
        for folder, _, names in os.walk(path)
        for name in names
        if name.lower().endswith(EXTENSIONS) and not name.startswith(".")
    ]
    found = sorted(path for path in paths if os.path.isfile(path))  # reading a FIFO would wait for ever
    if not found:
        raise UserError("--images", f"a folder with {', '.join(EXTENSIONS)} files", repr(path), "name another folder")
    return found


def read_picture(path: str, shape: Tuple[int, int, int]) -> np.ndarray:
    """A picture file of any size and depth as uint8 [H, W, channels]; transparent pixels are white.

    Raises:
        UserError: the path is not a regular file, or the file has another format, is damaged,
            or has more than 50 million pixels.
    """
    if not os.path.isfile(path):
        found = "something else" if os.path.exists(path) else "no file"
        raise UserError(path, "a regular file with a picture", found, "name another file")
    return decode_picture(path, path, shape)


def decode_picture(path: str, file: Union[str, BinaryIO], shape: Tuple[int, int, int]) -> np.ndarray:
    """As `read_picture`, from a path or an open file; `path` is its name in messages."""
    height, width, channels = shape
    mode = "RGB" if channels == 3 else "L"
    try:
        with Image.open(file, formats=FORMATS) as picture:
            check_size(path, picture)
            picture.draft(mode, (2 * max(height, width),) * 2)  # decodes a large JPEG at a fraction of its size
            if picture.getexif().get(ORIENTATION, UPRIGHT) != UPRIGHT:  # exif_transpose copies every picture
                picture = ImageOps.exif_transpose(picture)
            picture = _eight_bits(picture)
            if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
                picture = picture.convert("RGBA")
                picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
            if picture.mode != mode:
                picture = picture.convert(mode)
            picture = ImageOps.fit(picture, (width, height), Image.BILINEAR)
    except UserError:
        raise
    except Exception as error:  # decoders raise many types for a damaged file
        found = str(error) or type(error).__name__
        raise UserError(path, f"a picture in {FORMAT_NAMES}", found, "remove or replace this file") from error
    return np.asarray(picture).reshape(shape)


def _eight_bits(picture):
    """Scale 16 bits of grey to 8 bits, because Pillow would clip them: the nearest of v / 257."""
    if not picture.mode.startswith("I"):
        return picture
    values = np.asarray(picture).clip(0, 65535).astype(np.uint16, copy=False)
    quotient, rest = np.divmod(values, np.uint16(257))
    return Image.fromarray((quotient + (rest > 128)).astype(np.uint8))
