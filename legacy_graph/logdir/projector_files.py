"""Whether TensorBoard's projector can show the vectors of a run, and why not.

The vectors are variables of a checkpoint, or files of tab-separated values. Paths are relative to the directory of the
run, and must not leave it.
"""

import os
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

import tensorflow.compat.v1 as tf
from google.protobuf import text_format
from tensorboard.plugins import projector

from legacy_graph.errors import reason
from legacy_graph.logdir.durable import open_regular

CONFIGURATION = "projector_config.pbtxt"
_SLOT = ".OPTIMIZER_SLOT"  # in the name of a variable of an optimizer, which the projector leaves out


class Vectors(NamedTuple):
    """The vectors of one run."""

    tensors: Dict[str, Optional[int]]  # name -> number of vectors; None if only the numbers in a binary file tell
    size: int = 0  # bytes of the files of the directory
    problem: Optional[str] = None  # why the projector cannot show the vectors
    notes: Tuple[str, ...] = ()  # what it shows wrongly


class _NotShown(Exception):
    """Why the projector cannot show the vectors."""


def read_vectors(folder: str) -> Vectors:
    """The vectors of the run in a directory; no tensors and no problem if there is neither a configuration nor a
    checkpoint."""
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    try:
        config = _configuration(folder, paths)
        tensors = _tensors(folder, config)
        notes = tuple(_assets(folder, config, tensors)) if tensors and config is not None else ()
    except _NotShown as problem:
        return Vectors({}, problem=str(problem))
    return Vectors(tensors, sum(os.path.getsize(path) for path in paths if os.path.isfile(path)), notes=notes)


def _configuration(folder, paths):
    """The configuration of the projector; None if there is none."""
    path = os.path.join(folder, CONFIGURATION)
    if not os.path.isfile(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            config = text_format.Parse(file.read(), projector.ProjectorConfig())
    except (text_format.ParseError, UnicodeDecodeError, OSError) as error:
        raise _NotShown(f"{CONFIGURATION} cannot be read ({reason(error)})") from error
    for other in paths:  # TensorFlow would wait for a FIFO
        if os.path.exists(other) and not os.path.isfile(other) and not os.path.isdir(other):
            raise _NotShown(f"{os.path.basename(other)} is no regular file")
    return config


def _tensors(folder, config) -> Dict[str, Optional[int]]:
    """{name: number of vectors} from the files of the configuration and from the checkpoint."""
    named = [] if config is None else [info for info in config.embeddings if info.tensor_path]
    tensors = {_name(info): _rows(_file(folder, info.tensor_path)) for info in named}
    checkpoint = config.model_checkpoint_path if config is not None else ""
    checkpoint = checkpoint or tf.train.latest_checkpoint(folder) or tf.train.latest_checkpoint(os.path.dirname(folder))
    problem = "no checkpoint lies beside its configuration"
    if checkpoint:
        try:
            shapes = tf.train.load_checkpoint(checkpoint).get_variable_to_shape_map()
            tables = {name: shape[0] for name, shape in shapes.items() if len(shape) == 2 and _SLOT not in name}
            return {**tables, **tensors}
        except (tf.errors.OpError, ValueError):
            problem = f"its checkpoint {checkpoint} is missing or damaged"
    if config is not None and not tensors:
        raise _NotShown(problem)
    return tensors


def _assets(folder, config, tensors) -> Iterator[str]:
    """Notes about the tables, labels and sprites that the configuration names."""
    for info in config.embeddings:
        labels, _ = [name and _file(folder, name) for name in (info.metadata_path, info.sprite.image_path)]
        if _name(info) not in tensors and (_name(info) or len(config.embeddings) > 1):
            raise _NotShown(f"its checkpoint holds no table called {info.tensor_name!r}")
        rows, vectors = labels and _labels(labels), tensors.get(_name(info))
        if rows and vectors and rows != vectors:
            yield f"{info.metadata_path} labels {rows:,} vectors, and {_name(info)} has {vectors:,}"


def _name(info) -> str:
    return info.tensor_name.split(":")[0] or os.path.basename(info.tensor_path)


def _file(folder, name) -> str:
    """The path of a file that the configuration names."""
    path = os.path.realpath(os.path.join(folder, name))
    if not path.startswith(os.path.realpath(folder) + os.sep):
        raise _NotShown(f"{name} lies outside its directory, where TensorBoard does not look")
    if not os.path.isfile(path):
        raise _NotShown(f"{name} is missing")
    return path


def _lines(path) -> List[bytes]:
    with open_regular(path) as file:
        return [line for line in file.read().splitlines() if line.strip()]


def _rows(path) -> Optional[int]:
    """The number of vectors in a file; None in a binary file."""
    lines = _lines(path)
    return None if any(b"\0" in line for line in lines) else len(lines)


def _labels(path) -> int:
    """The number of labels in a file. With several columns, the first line is a header."""
    lines = _lines(path)
    return len(lines) - (bool(lines) and b"\t" in lines[0])
