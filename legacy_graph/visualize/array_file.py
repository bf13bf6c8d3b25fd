"""Results of a command, and how to write .npz and .csv files. Does not import TensorFlow."""

import csv
import io
import zipfile
from typing import Dict, Iterable, NamedTuple, Sequence, Union

import numpy as np

DENSE = 0.5  # fraction of nonzero values in floating point arrays that are not compressed


Content = Union[bytes, np.ndarray]  # of a file; a picture is uint8 [height, width], or [height, width, 3], RGB


class Results(NamedTuple):
    """The pictures and files to publish, and the text to print."""

    images: Dict[str, np.ndarray]  # tag -> uint8 [H, W] or [H, W, 3], for TensorBoard
    files: Dict[str, Content]  # file name -> content
    text: str


def write_arrays(**arrays: np.ndarray) -> bytes:
    """The .npz file of some arrays, by name. Equal arrays give equal bytes.

    Dense floating point values are stored as they are: deflate saves a fifth of their bytes, and takes as long as the
    projections of a deep layer. All other arrays are compressed, such as projections that are 0 outside a small field.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, values in arrays.items():
            values = np.asanyarray(values)
            member = zipfile.ZipInfo(name + ".npy")
            dense = values.dtype.kind == "f" and np.count_nonzero(values) > DENSE * values.size
            member.compress_type = zipfile.ZIP_STORED if dense else zipfile.ZIP_DEFLATED
            with archive.open(member, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, values, allow_pickle=False)
    return file.getvalue()


def write_table(headers: Sequence[str], rows: Iterable[Sequence]) -> bytes:
    """The .csv file of a table."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([headers, *rows])
    return file.getvalue().encode()
