"""Whether TensorBoard's projector can show the vectors of a run, and why not.

The vectors are variables of a checkpoint, or files of tab-separated values. Paths are relative to the directory of the
run, and must not leave it.
"""

import os
from typing import Dict, List, NamedTuple, Optional, Tuple

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


def read_vectors(folder: str) -> Vectors:
    """The vectors of the run in a directory; no tensors and no problem if there is neither a configuration nor a
    checkpoint."""
    try:
        config = _configuration(folder)
    except (text_format.ParseError, UnicodeDecodeError, OSError) as error:
        return Vectors({}, problem=f"{CONFIGURATION} cannot be read ({reason(error)})")
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    for path in paths:  # TensorFlow would wait for a FIFO
        if config is not None and os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
            return Vectors({}, problem=f"{os.path.basename(path)} is no regular file")
    tensors, problem = _tensors(folder, config)
    if problem or not tensors or config is None:
        return Vectors(tensors, _size(paths), problem)
    problem, notes = _assets(folder, config, tensors)
    return Vectors(tensors, _size(paths), problem, tuple(notes))


def _configuration(folder):
    path = os.path.join(folder, CONFIGURATION)
    if not os.path.isfile(path):
        return None
    with open(path, encoding="utf-8") as file:
        return text_format.Parse(file.read(), projector.ProjectorConfig())


def _tensors(folder, config) -> Tuple[Dict[str, Optional[int]], Optional[str]]:
    """({name: number of vectors}, problem or None) from the files of the configuration and from the checkpoint."""
    tensors = {}
    for info in config.embeddings if config is not None else ():
        if info.tensor_path:
            problem = _misplaced(folder, info.tensor_path)
            if problem:
                return tensors, problem
            tensors[_name(info)] = _rows(os.path.join(folder, info.tensor_path))
    checkpoint = config.model_checkpoint_path if config is not None else ""
    checkpoint = checkpoint or tf.train.latest_checkpoint(folder) or tf.train.latest_checkpoint(os.path.dirname(folder))
    if not checkpoint:
        is_complete = tensors or config is None
        return tensors, None if is_complete else "no checkpoint lies beside its configuration"
    try:
        shapes = tf.train.load_checkpoint(checkpoint).get_variable_to_shape_map()
    except (tf.errors.OpError, ValueError):
        damaged = f"its checkpoint {checkpoint} is missing or damaged"
        return tensors, None if tensors or config is None else damaged
    tables = {name: shape[0] for name, shape in shapes.items() if len(shape) == 2 and _SLOT not in name}
    return {**tables, **tensors}, None


def _assets(folder, config, tensors) -> Tuple[Optional[str], List[str]]:
    """(problem or None, notes) about the tables, labels and sprites that the configuration names."""
    notes = []
    for info in config.embeddings:
        for name in filter(None, (info.metadata_path, info.sprite.image_path)):
            problem = _misplaced(folder, name)
            if problem:
                return problem, notes
        if _name(info) not in tensors and (_name(info) or len(config.embeddings) > 1):
            return f"its checkpoint holds no table called {info.tensor_name!r}", notes
        rows, vectors = (
            info.metadata_path and _labels(os.path.join(folder, info.metadata_path)),
            tensors.get(_name(info)),
        )
        if rows and vectors and rows != vectors:
            notes.append(f"{info.metadata_path} labels {rows:,} vectors, and {_name(info)} has {vectors:,}")
    return None, notes


def _name(info) -> str:
    return info.tensor_name.split(":")[0] or os.path.basename(info.tensor_path)


def _misplaced(folder, name) -> Optional[str]:
    path = os.path.realpath(os.path.join(folder, name))
    if not path.startswith(os.path.realpath(folder) + os.sep):
        return f"{name} lies outside its directory, where TensorBoard does not look"
    return None if os.path.isfile(path) else f"{name} is missing"


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


def _size(paths) -> int:
    return sum(os.path.getsize(path) for path in paths if os.path.isfile(path))
