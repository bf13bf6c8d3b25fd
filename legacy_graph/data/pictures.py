"""Read picture files as uint8 arrays: find in folders, scale, crop to one size."""

import os
from typing import BinaryIO, List, Optional, Tuple

import numpy as np
from PIL import Image, ImageOps

from legacy_graph.data.decoder import decoded, on_background
from legacy_graph.errors import UserError

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
    regular = sorted(path for path in paths if os.path.isfile(path))  # reading a FIFO would wait for ever
    if not regular:
        raise UserError("--images", f"a folder with {', '.join(EXTENSIONS)} files", repr(path), "name another folder")
    return regular


def read_picture(path: str, shape: Tuple[int, int, int], file: Optional[BinaryIO] = None) -> np.ndarray:
    """A picture file of any size and depth as uint8 [H, W, channels]; transparent pixels are white.

    Args:
        path: of the file, or the name of the picture in messages.
        shape: H, W and channels of the result.
        file: an open file with the picture; None opens `path`.

    Raises:
        UserError: the path is not a regular file, or the file has another format, is damaged,
            or has more than 50 million pixels.
    """
    height, width, channels = shape
    mode = "RGB" if channels == 3 else "L"
    with decoded(path, file, 2 * max(height, width), mode) as picture:
        picture = on_background(picture, "white")
        picture = picture if picture.mode == mode else picture.convert(mode)
        return np.asarray(ImageOps.fit(picture, (width, height), Image.BILINEAR)).reshape(shape)
