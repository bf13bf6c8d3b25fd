"""IDX files, the format of MNIST."""

import contextlib
import gzip
import os
import struct
import zlib
from typing import Tuple

import numpy as np

from legacy_graph.errors import UserError

COPY_AGAIN = "copy the file here again"
GZIP_MAGIC = b"\x1f\x8b"
MAX_ITEMS = 1000000  # that a file may promise; as pictures, 784 MB
UNSIGNED_BYTE = 0x800  # in the magic number; its last byte counts the dimensions
MAX_DEFLATE_RATIO = 1032  # bytes that one compressed byte can stand for, at most


def read_idx(path: str, shape: Tuple[int, ...]) -> np.ndarray:
    """uint8 [N, *shape], read-only, from an IDX file of unsigned bytes, gzipped or not.

    The file: a magic number, N, and `shape`, each a big-endian uint32; then the N items. Memory is taken once the
    header is plausible, and never for more than it promises.

    Raises:
        UserError: it is anything else.
    """
    with _open(path) as file:
        count = _read_header(path, file, shape)
        size = count * int(np.prod(shape))
        body = file.read(size + 1)  # the one more shows what does not belong there, and has gzip check its sum
    if len(body) != size:
        found = "more" if len(body) > size else f"{len(body):,}"
        raise UserError(path, f"{size:,} bytes after the header", found, COPY_AGAIN)
    return np.frombuffer(body, np.uint8).reshape((count,) + shape)


@contextlib.contextmanager
def _open(path):
    """The file to read from, unpacked if its first bytes are gzip's; UserError if it cannot be read."""
    if not os.path.isfile(path):  # a pipe or a device might never end
        raise UserError(path, "an IDX file", "a directory" if os.path.isdir(path) else "no file", COPY_AGAIN)
    try:
        with open(path, "rb") as raw:
            if raw.peek(2)[:2] != GZIP_MAGIC:
                yield raw
                return
            with gzip.GzipFile(fileobj=raw) as file:
                yield file
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(path, "a whole IDX file", error, COPY_AGAIN) from error


def read_count(path: str, shape: Tuple[int, ...]) -> int:
    """The number of items in the header of an IDX file, before they are read; see `read_idx`."""
    with _open(path) as file:
        return _read_header(path, file, shape)


def _read_header(path, file, shape):
    """How many items the header promises; UserError if it is another header, or promises what cannot be."""
    header = file.read(4 * (2 + len(shape)))
    what = "x".join(map(str, shape)) + " pictures" if shape else "labels"
    if len(header) != 4 * (2 + len(shape)):
        raise UserError(path, f"an IDX header for {what}", f"{len(header)} bytes", COPY_AGAIN)
    magic, count, *sizes = struct.unpack(f">{2 + len(shape)}I", header)
    expected = UNSIGNED_BYTE + 1 + len(shape)
    if (magic, sizes) != (expected, list(shape)):
        found = f"magic number {magic} and sizes {sizes}"
        raise UserError(
            path, f"an IDX file of {what}, magic number {expected} and sizes {list(shape)}", found, COPY_AGAIN
        )
    ratio = MAX_DEFLATE_RATIO if isinstance(file, gzip.GzipFile) else 1
    most = min(MAX_ITEMS, ratio * os.path.getsize(path) // int(np.prod(shape)))
    if not 1 <= count <= most:
        raise UserError(path, f"1 to {most:,} {what} in a file of this length", f"{count:,} promised", COPY_AGAIN)
    return count
