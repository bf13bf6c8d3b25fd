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
MAX_ITEMS = 1000000  # maximum item count in a header; as pictures, 784 MB
UNSIGNED_BYTE = 0x800  # in the magic number, whose last byte is the number of dimensions
MAX_DEFLATE_RATIO = 1032  # maximum compression ratio of deflate


def read_idx(path: str, shape: Tuple[int, ...]) -> np.ndarray:
    """uint8 [N, *shape], read-only, from an IDX file of unsigned bytes, gzipped or not.

    File format: a magic number, N and `shape`, each a big-endian uint32, then the N items. Memory is allocated only
    after the header was checked, and only for the size in the header.

    Raises:
        UserError: the file has another format, or is damaged.
    """
    with _open(path) as file:
        count = _read_header(path, file, shape)
        size = count * int(np.prod(shape))
        body = file.read(size + 1)  # one byte more detects trailing data, and makes gzip verify its checksum
    if len(body) != size:
        found = "more" if len(body) > size else f"{len(body):,}"
        raise UserError(path, f"{size:,} bytes after the header", found, COPY_AGAIN)
    return np.frombuffer(body, np.uint8).reshape((count,) + shape)


@contextlib.contextmanager
def _open(path):
    """Open the file, with decompression if it starts with the gzip magic; UserError if it cannot be read."""
    if not os.path.isfile(path):  # reading a pipe or a device might never end
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


def _read_header(path, file, shape):
    """The item count in the header; UserError if the header is wrong, or the count does not fit the file size."""
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
