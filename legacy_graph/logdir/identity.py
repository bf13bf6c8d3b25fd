"""The identity of a run: the options and the data that decide its results. Does not import TensorFlow.

The file `options.json` in the directory of the checkpoints stores both. Files of earlier versions are also read: they
have only a checksum of the training images, and no folder of the data.
"""

import contextlib
import json
import os
import zlib
from typing import Any, Dict, List, NamedTuple, Optional

from legacy_graph.config import Config
from legacy_graph.data import files
from legacy_graph.data.mnist import SAMPLE_DIR, Dataset
from legacy_graph.errors import explain
from legacy_graph.logdir import durable, layout

DECISIVE = ("seed", "batch_size", "learning_rate", "keep_prob")  # options that change the results of a run
MNIST, FASHION = "MNIST", "Fashion-MNIST"
# Training images of the complete set (without the validation images), and of the sample in this package.
MNIST_IMAGES = ("55,000 digits with the checksum 4cfa7a5c", "9,000 digits with the checksum 236c9301")
# Bytes and MD5 of train-images-idx3-ubyte.gz, as published at https://github.com/zalandoresearch/fashion-mnist
FASHION_FILE = (26421880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d")


class RunData(NamedTuple):
    """The data of a run."""

    text: str  # as from `describe`, or the beginning of it; "" if unknown
    folder: Optional[str]  # that held the data; None if unknown
    name: Optional[str]  # of the data set; None if it is not a known one

    @property
    def known_name(self) -> Optional[str]:
        """The name of the data set; `MNIST` also for a run without options.json."""
        return self.name if self.text else MNIST


def describe(data: Dataset) -> str:
    """Describe the data: number of training digits, checksum of their images, checksum of all other arrays."""
    images = zlib.crc32(data.train.images)
    others = zlib.crc32(data.test.labels, zlib.crc32(data.test.images, zlib.crc32(data.train.labels)))
    return f"{len(data.train.labels):,} digits with the checksum {images:08x}, labels and test digits {others:08x}"


def same_data(first: str, second: str) -> bool:
    """Whether two descriptions match. Earlier versions wrote only the first half: then only this half is compared."""
    return bool(first and second) and (first.startswith(second) or second.startswith(first))


def run_identity(config: Config, data: Dataset) -> Dict[str, Any]:
    """The content of `options.json`: the options and data that decide the results, then folder and name of the data."""
    decisive = {name: getattr(config, name) for name in DECISIVE}
    source = {"data_folder": os.path.abspath(data.folder), "data_name": _set_name(data)}
    return dict(decisive, data_dir=describe(data), **source)


def differences(recorded: Dict[str, Any], identity: Dict[str, Any]) -> List[str]:
    """The names of the options that differ between two contents of `options.json`; empty for the same run.

    The folder and the name of the data do not count: a run can resume with the same data in another folder.
    """
    different = [name for name in DECISIVE if recorded.get(name) != identity[name]]
    return different + ([] if same_data(_text(recorded), _text(identity)) else ["data_dir"])


def read_options(logdir: str) -> Dict[str, Any]:
    """The content of the `options.json` of a run; empty if there is no such file.

    Raises:
        UserError: the file exists and cannot be read.
    """
    path = os.path.join(logdir, layout.CHECKPOINTS, layout.OPTIONS)
    hint = "restore the file, or start a new run with --fresh, which keeps this one"
    problems = explain(path, "the options of a run as JSON", hint, (OSError, ValueError, TypeError, RecursionError))
    with problems, contextlib.suppress(FileNotFoundError), durable.open_regular(path) as file:
        return dict(json.loads(file.read().decode()))
    return {}


def run_data(logdir: str) -> RunData:
    """The data that the run in a log directory was trained on; all empty if the directory has no run.

    Raises:
        UserError: `options.json` exists and cannot be read.
    """
    recorded = read_options(logdir)
    text, folder, name = _text(recorded), recorded.get("data_folder"), recorded.get("data_name")
    if any(same_data(text, images) for images in MNIST_IMAGES):
        name = MNIST
    return RunData(text, *(value if isinstance(value, str) else None for value in (folder, name)))


def _text(recorded) -> str:
    text = recorded.get("data_dir")
    return text if isinstance(text, str) else ""


def _set_name(data: Dataset) -> Optional[str]:
    """The name of a known data set, else None. Fashion-MNIST is recognised by its published file."""
    if data.folder == SAMPLE_DIR or any(same_data(describe(data), images) for images in MNIST_IMAGES):
        return MNIST
    path = os.path.join(data.folder, "train-images-idx3-ubyte.gz")
    size, md5 = FASHION_FILE
    known = os.path.isfile(path) and os.path.getsize(path) == size and files.digest(path, "md5") == md5
    return FASHION if known else None
