"""What is in a log directory, as TensorBoard's own reader finds it: runs, their event files, and what feeds what.

TensorBoard's reader ends without a message where a file is cut short or damaged. A record takes up its own bytes and 16
around them, so the file's size shows what was not read. Other processes may write while this one reads: what vanishes
on the way is left out.
"""

import contextlib
import os
from typing import Dict, List, NamedTuple, Optional, Set, Tuple

import tensorflow.compat.v1 as tf
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.backend.event_processing.io_wrapper import IsTensorFlowEventsFile
from tensorboard.plugins import projector

from legacy_graph.errors import reason

SCALARS, IMAGES, AUDIO, GRAPHS = "SCALARS", "IMAGES", "AUDIO", "GRAPHS"
DISTRIBUTIONS, HISTOGRAMS, EMBEDDINGS = "DISTRIBUTIONS", "HISTOGRAMS", "EMBEDDINGS"
LINKS = 2  # to directories that are followed one inside the other; more of them can make the search endless
FRAME = 16  # bytes around a record: its length, and a checksum of either
MARKS = ("file_version", "session_log")  # what a file begins with, before anything is recorded
CONFIGURATION = "projector_config.pbtxt"
# How a value says what it is: by its field, as TensorFlow 1 wrote it, or by the plugin that it is meant for.
FEEDS = {
    "simple_value": (SCALARS,),
    "image": (IMAGES,),
    "audio": (AUDIO,),
    "histo": (DISTRIBUTIONS, HISTOGRAMS),
    "scalars": (SCALARS,),
    "images": (IMAGES,),
    "histograms": (DISTRIBUTIONS, HISTOGRAMS),
}


class EventFileInfo(NamedTuple):
    """One event file."""

    name: str
    size: int  # bytes
    bytes_read: int  # bytes; less than `size` where it is cut short or damaged
    records: int  # that can be read and are no `MARKS`
    continues: bool  # whether it says at which step it takes over from the file before


class DashboardData(NamedTuple):
    """What one run gives to one dashboard."""

    tags: Set[str]
    steps: Set[int]
    size: int = 0  # bytes of the files it stands in


class Run(NamedTuple):
    """One directory with event files."""

    name: str  # relative to the log directory, as in TensorBoard
    files: List[EventFileInfo]
    fed: Dict[str, DashboardData]  # dashboard -> what feeds it
    traced: bool  # whether a session run was traced with its times, for GRAPHS
    problem: Optional[str]  # what keeps the projector from showing what is meant for it


def read_runs(logdir: str) -> Tuple[List[Run], List[str]]:
    """All runs in a log directory, at any depth, by name; and what TensorBoard cannot read in it, one line each.

    Raises:
        OSError, tf.errors.OpError: a file or a directory cannot be opened.
    """
    found, problems = _find_event_files(logdir)
    runs = [read_run(os.path.relpath(folder, logdir), folder, found[folder]) for folder in sorted(found)]
    return [run for run in runs if run.files], problems


def orphan_projectors(logdir: str) -> List[str]:
    """Directories with a projector's configuration that TensorBoard will not look at, since they are no run."""
    return [
        os.path.relpath(folder, logdir)
        for folder, _, names in os.walk(logdir)
        if folder != logdir and CONFIGURATION in names and not any(map(IsTensorFlowEventsFile, names))
    ]


def event_files(folder: str) -> List[str]:
    """The names of the event files in one directory, in the order in which TensorBoard reads them."""
    names = filter(IsTensorFlowEventsFile, _list(folder))
    return [name for name in names if os.path.isfile(os.path.join(folder, name))]


def read_run(name: str, folder: str, names: List[str]) -> Run:
    """Read the named event files of one directory.

    Raises:
        OSError, tf.errors.OpError: a file cannot be opened.
    """
    fed, metadata, plugins, files = {}, [], {}, []
    for path in [os.path.join(folder, file) for file in names]:
        with _unless_vanished(path):
            files.append(_file(path, fed, metadata, plugins))
    size = sum(file.size for file in files)
    fed = {dashboard: found._replace(size=size) for dashboard, found in fed.items()}
    problem = None
    if os.path.isfile(os.path.join(folder, CONFIGURATION)):
        tensors, bytes_, problem = _projector(folder)
        if tensors and not problem:
            fed[EMBEDDINGS] = DashboardData(tensors, set(), bytes_)
    return Run(name, files, fed, any(one.step_stats.dev_stats for one in metadata), problem)


def _find_event_files(logdir):
    """{directory: names of its event files}, and what is in the way. Links are followed, but in no circle."""
    found, problems, waiting = {}, [], [(logdir, frozenset(), 0)]
    while waiting:
        folder, above, links = waiting.pop()
        above |= {os.path.realpath(folder)}
        names = event_files(folder)
        if names:
            found[folder] = names
        for name in _list(folder):
            path = os.path.join(folder, name)
            if os.path.isdir(path):
                deeper = links + os.path.islink(path)
                if os.path.realpath(path) in above:
                    problems.append(f"{path} is a link to a directory above it, which TensorBoard follows: remove it")
                elif deeper <= LINKS:
                    waiting.append((path, above, deeper))
            elif IsTensorFlowEventsFile(name) and not os.path.isfile(path) and os.path.exists(path):
                problems.append(f"{path} is no regular file, and TensorBoard may wait for it without end: remove it")
    return found, sorted(problems)


@contextlib.contextmanager
def _unless_vanished(path):
    """Ignore the errors of reading a file that another process has removed in the meantime."""
    try:
        yield
    except (OSError, tf.errors.OpError):
        if os.path.lexists(path):
            raise


def _list(folder):
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def _file(path, fed, metadata, plugins):
    """Read an event file, and note in the other three what is found in it."""
    bytes_read = records = 0
    continues = False
    for record in RawEventFileLoader(path).Load():
        try:
            event = tf.Event.FromString(record)
        except DecodeError:
            break
        bytes_read += len(record) + FRAME
        records += event.WhichOneof("what") not in MARKS
        continues = continues or event.session_log.status == tf.SessionLog.START
        for dashboard, tag in _tags(event, plugins):
            found = fed.setdefault(dashboard, DashboardData(set(), set()))
            found.tags.add(tag)
            found.steps.add(event.step)
        if event.WhichOneof("what") == "tagged_run_metadata":
            metadata.append(tf.RunMetadata.FromString(event.tagged_run_metadata.run_metadata))
    return EventFileInfo(os.path.basename(path), os.path.getsize(path), bytes_read, records, continues)


def _tags(event, plugins):
    """(dashboard, tag) for all that an event brings; a tag's plugin is named where it first occurs, and kept."""
    kind = event.WhichOneof("what")
    if kind in ("graph_def", "meta_graph_def"):
        yield GRAPHS, "graph"
    elif kind == "tagged_run_metadata":
        yield GRAPHS, event.tagged_run_metadata.tag
    for value in event.summary.value:
        field = value.WhichOneof("value")
        if field == "tensor":
            field = plugins.setdefault(value.tag, value.metadata.plugin_data.plugin_name)
        for dashboard in FEEDS.get(field, ()):
            yield dashboard, value.tag


def _projector(folder):
    """The tensors that the projector shows of a directory, the bytes of their files, and what is wrong, if anything."""
    try:
        with open(os.path.join(folder, CONFIGURATION), encoding="utf-8") as file:
            config = text_format.Parse(file.read(), projector.ProjectorConfig())
    except (text_format.ParseError, UnicodeDecodeError, OSError) as error:
        return set(), 0, f"{CONFIGURATION} cannot be read ({reason(error)})"
    checkpoint = config.model_checkpoint_path or tf.train.latest_checkpoint(folder)
    if not checkpoint:
        return set(), 0, "no checkpoint lies beside its configuration"
    try:
        shapes = tf.train.load_checkpoint(checkpoint).get_variable_to_shape_map()
    except (tf.errors.OpError, ValueError):
        return set(), 0, f"its checkpoint {checkpoint} is missing or damaged"
    tensors = {name for name, shape in shapes.items() if len(shape) == 2}
    for info in config.embeddings:
        for name in filter(None, (info.metadata_path, info.sprite.image_path)):
            path = os.path.realpath(os.path.join(folder, name))
            if not path.startswith(os.path.realpath(folder) + os.sep):
                return tensors, 0, f"{name} lies outside its directory, where TensorBoard does not look"
            if not os.path.isfile(path):
                return tensors, 0, f"{name} is missing"
        if info.tensor_name.split(":")[0] not in tensors:
            return tensors, 0, f"its checkpoint holds no table called {info.tensor_name!r}"
    paths = [os.path.join(folder, name) for name in _list(folder)]
    return tensors, sum(os.path.getsize(path) for path in paths if os.path.isfile(path)), None
