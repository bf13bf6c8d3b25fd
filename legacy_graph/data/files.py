"""Find the four IDX files of a data set in a folder, under the usual spellings of MNIST's file names.

The mirror's spelling is `train-images-idx3-ubyte.gz`. Also accepted: `train-images.idx3-ubyte`, upper case, files
without gzip, and torchvision's folders `MNIST/raw` and `FashionMNIST/raw`.
"""

import hashlib
import os
import re
from typing import Dict, List, NamedTuple

from legacy_graph.errors import UserError, explain

SUBFOLDERS = ("raw", os.path.join("MNIST", "raw"), os.path.join("FashionMNIST", "raw"))
WANTED = "the four IDX files of a data set (train-images-idx3-ubyte and so on, gzipped or not), or an empty directory"
_NAME = re.compile(r"(train|t10k)-(images[-.]idx3|labels[-.]idx1)-ubyte(\.gz)?")
_LISTED = 5  # maximum number of names in a message


class Found(NamedTuple):
    """The data files in a data directory."""

    folder: str  # where the files are: the data directory or a subfolder
    files: Dict[str, str]  # the mirror's name of a file -> its path


def find_files(data_dir: str) -> Found:
    """Find those of the four files that exist; none if the directory is missing or empty. Ignores hidden files.

    Raises:
        UserError: the directory has only other files, has two data sets, cannot be read, or is a file.
    """
    if os.path.lexists(data_dir) and not os.path.isdir(data_dir):
        raise UserError(data_dir, "a directory with MNIST's four files", "a file", "name a directory")
    with explain(data_dir, "a directory that can be read", "change its permissions"):
        own = Found(data_dir, _files(data_dir))
        below = [os.path.join(data_dir, name) for name in SUBFOLDERS]
        sets = [own] if own.files else [Found(folder, _files(folder)) for folder in below if os.path.isdir(folder)]
        sets = [data_set for data_set in sets if data_set.files]
        others = _visible(data_dir)
    if len(sets) > 1:
        folders = " and ".join(data_set.folder for data_set in sets)
        raise UserError(data_dir, "one data set", f"two in {folders}", "name one of them")
    if not sets and others:
        more = f" and {len(others) - _LISTED:,} more" if len(others) > _LISTED else ""
        listed = ", ".join(others[:_LISTED]) + more
        raise UserError(data_dir, WANTED, f"only {listed}", "name another directory with --data-dir")
    return sets[0] if sets else own


def digest(path: str, algorithm: str) -> str:
    """The hexadecimal hash of a file, by an algorithm of hashlib such as "sha256".

    Raises:
        OSError: the file cannot be read.
    """
    state = hashlib.new(algorithm)
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            state.update(chunk)
    return state.hexdigest()


def _files(folder) -> Dict[str, str]:
    """The mirror's name -> path. If a file exists twice, prefers regular files, then gzipped ones."""
    paths = {}
    for entry in _visible(folder):
        match = _NAME.fullmatch(entry.lower())
        if match:
            name = f"{match.group(1)}-{match.group(2).replace('.', '-')}-ubyte.gz"
            paths.setdefault(name, []).append(os.path.join(folder, entry))
    return {name: min(copies, key=lambda path: (not os.path.isfile(path), path[-3:].lower() != ".gz", path))
            for name, copies in paths.items()}  # fmt: skip


def _visible(folder) -> List[str]:
    return sorted(name for name in os.listdir(folder) if name[0] != ".") if os.path.isdir(folder) else []
