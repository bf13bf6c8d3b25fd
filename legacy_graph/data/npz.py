"""Read an .npz file that somebody else may have written: the headers first, then only as many bytes as they announce.

`numpy.load` takes the memory that a header asks for before it reads the data, and evaluates the header as Python text.
Here a header must have the exact form that `numpy.savez` writes. Does not import TensorFlow.
"""

import functools
import io
import operator
import re
import zipfile
import zlib
from typing import BinaryIO, Collection, Dict, Optional, Tuple

import numpy as np

LARGEST = 2**32  # bytes of all arrays of a file together
MEMBERS = 1000  # arrays in a file
NPY, NPZ = b"\x93NUMPY", b"PK\x03\x04"  # how these files begin
_MAGIC = NPY + b"\x01\x00"  # version 1.0 of the format, then the length of the header in two bytes
_LONGEST_HEADER = 1024  # bytes; numpy writes 118 for the arrays of `features`
_TYPE = r"[<|][iu][1248]|<f[248]|\|b1|<U\d{1,9}"
_SHAPE = r"\((?:\d{1,18}(?:, \d{1,18})*,?)?\)"
_HEADER = re.compile(rf"\{{'descr': '({_TYPE})', 'fortran_order': (True|False), 'shape': ({_SHAPE}), \}} *\n")
_KINDS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
# What `read` raises for a damaged file: RuntimeError if a changed bit marks an array as encrypted.
DAMAGE = ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error


def read(
    file: BinaryIO, names: Optional[Collection[str]] = None, largest: Optional[int] = None
) -> Dict[str, np.ndarray]:
    """The arrays with these names, as far as the file has them; None reads all. The arrays cannot be written to.

    Raises:
        ValueError: the file is not an .npz file of numpy's form, or its arrays have more than `largest` bytes, by
            default `LARGEST`.
        OSError, or one of `DAMAGE`: it is damaged.
    """
    largest = LARGEST if largest is None else largest
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > MEMBERS:
            raise ValueError(f"{len(members):,} arrays, more than {MEMBERS:,}")
        wanted = {member.filename[: -len(".npy")]: member for member in members if member.filename.endswith(".npy")}
        if names is None and len(wanted) < len(members):
            raise ValueError("other files than arrays, or two arrays of one name")
        wanted = {name: member for name, member in wanted.items() if names is None or name in names}
        size = sum(member.file_size for member in wanted.values())
        if size > largest:
            raise ValueError(f"arrays of {size:,} bytes, more than {largest:,}")
        for name, member in wanted.items():
            if member.compress_type not in _KINDS:
                raise ValueError(f"{name} is compressed by another method than numpy's")
        return {name: _read_member(archive, name, member) for name, member in wanted.items()}


def read_single(content: bytes, largest: int) -> np.ndarray:
    """The array of an .npy file, or the only array of an .npz file. `largest` and the errors are as for `read`."""
    file = io.BytesIO(content)
    if content.startswith(NPY):
        return _read_array(file, "the array", len(content))
    arrays = read(file, None, largest)
    if len(arrays) != 1:
        raise ValueError(f"{len(arrays)} arrays, not one")
    return arrays.popitem()[1]


def _read_member(archive, name, member) -> np.ndarray:
    with archive.open(member) as stream:
        return _read_array(stream, name, member.file_size)


def _read_array(stream, name, total) -> np.ndarray:
    """An array from its header on, which has `total` bytes with its header."""
    dtype, shape, order, length = _read_header(stream, name)
    size = functools.reduce(operator.mul, shape, dtype.itemsize)
    if size != total - length:
        raise ValueError(f"{name} has {total - length:,} bytes for an array of {size:,} bytes")
    content = stream.read()  # the checksum of an archive is compared at the end
    if len(content) != size:
        raise ValueError(f"{name} ends after {len(content):,} of {size:,} bytes")
    return np.frombuffer(content, dtype).reshape(shape, order=order)


def _read_header(stream, name) -> Tuple[np.dtype, Tuple[int, ...], str, int]:
    """The type, shape and order ("F" or "C") that the header of an array says, and the header's length in bytes."""
    begin = stream.read(len(_MAGIC) + 2)
    length = int.from_bytes(begin[len(_MAGIC) :], "little")
    if begin[: len(_MAGIC)] != _MAGIC or length > _LONGEST_HEADER:
        raise ValueError(f"{name} has no header of numpy's format 1.0")
    match = _HEADER.fullmatch(stream.read(length).decode("latin-1"))
    if match is None:
        raise ValueError(f"{name} has a header of another form or type than numpy writes for numbers and text")
    shape, order = tuple(map(int, re.findall(r"\d+", match.group(3)))), "F" if match.group(2) == "True" else "C"
    return np.dtype(match.group(1)), shape, order, len(begin) + length
