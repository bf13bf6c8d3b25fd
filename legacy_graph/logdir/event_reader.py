"""Read a log directory with TensorBoard's own reader: runs, their event files, and the data for each dashboard.

TensorBoard's reader stops without a message at a truncated or damaged record. Each record takes its own length plus 16
bytes, so the file size shows how much was not read. Files that another process removes during the read are ignored.
"""

import contextlib
import os
from typing import Dict, List, NamedTuple, Optional, Set, Tuple

import tensorflow.compat.v1 as tf
from google.protobuf.message import DecodeError
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.backend.event_processing.io_wrapper import IsTensorFlowEventsFile

from legacy_graph.logdir import locate
from legacy_graph.logdir.projector_files import CONFIGURATION, Vectors, read_vectors

SCALARS, IMAGES, AUDIO, GRAPHS = "SCALARS", "IMAGES", "AUDIO", "GRAPHS"
DISTRIBUTIONS, HISTOGRAMS, PROJECTOR = "DISTRIBUTIONS", "HISTOGRAMS", "PROJECTOR"
LINKS = 2  # maximum depth of nested directory links; without a limit the search may not end
FRAME = 16  # bytes around a record: its length, and checksums of length and data
MARKS = ("file_version", "session_log")  # events at the start of a file, before any data
COMPRESSED = (".gz", ".bz2", ".xz", ".zip")  # suffixes of files that TensorBoard takes for event files
# The kind of a summary value: its field in TensorFlow 1, or the name of its plugin.
FEEDS = {
    "simple_value": (SCALARS,),
    "image": (IMAGES,),
    "audio": (AUDIO,),
    "histo": (DISTRIBUTIONS, HISTOGRAMS),
    "scalars": (SCALARS,),
    "images": (IMAGES,),
    "histograms": (DISTRIBUTIONS, HISTOGRAMS),
    "graphs": (GRAPHS,),
    "graph_keras_model": (GRAPHS,),
    "graph_run_metadata": (GRAPHS,),
    "graph_run_metadata_graph": (GRAPHS,),
}


class EventFileInfo(NamedTuple):
    """One event file."""

    name: str
    size: int  # bytes
    bytes_read: int  # bytes; less than `size` if the file is truncated or damaged
    records: int  # readable records, without `MARKS`
    continues: bool  # whether it has a SessionLog.START event, which marks a resumed run


class DashboardData(NamedTuple):
    """The data of one run for one dashboard."""

    tags: Dict[str, List[int]]  # tag -> the steps that TensorBoard shows, ascending
    size: int = 0  # bytes of the files that contain it
    replaced: int = 0  # points that TensorBoard's fast loading does not show, because later ones go back to their steps

    @property
    def steps(self) -> Set[int]:
        """The steps of all tags."""
        return {step for steps in self.tags.values() for step in steps}

    def add(self, tag: str, step: int) -> "DashboardData":
        """With one more point of a tag, which replaces the points of the tag at this step and later."""
        steps, replaced = self.tags.setdefault(tag, []), self.replaced
        while steps and steps[-1] >= step:
            steps.pop()
            replaced += 1
        steps.append(step)
        return self._replace(replaced=replaced)


class Run(NamedTuple):
    """One directory with event files."""

    name: str  # relative to the log directory, as in TensorBoard
    files: List[EventFileInfo]
    fed: Dict[str, DashboardData]  # dashboard -> its data
    traced: bool  # whether a session run was traced with compute times, for GRAPHS
    problem: Optional[str]  # why the projector cannot show the embeddings; None if it can, or if there are none
    notes: Tuple[str, ...] = ()  # what the projector shows wrongly


def read_runs(logdir: str) -> Tuple[List[Run], List[str]]:
    """All runs in a log directory, at any depth, sorted by name; and one line for each path that blocks TensorBoard.

    Raises:
        OSError, tf.errors.OpError: a file or a directory cannot be opened.
        UserError: there are too many directories.
    """
    by_folder, problems = _find_event_files(logdir)
    runs = [read_run(os.path.relpath(folder, logdir), folder, by_folder[folder]) for folder in sorted(by_folder)]
    return [run for run in runs if run.files], problems


def orphan_projectors(logdir: str) -> List[str]:
    """Directories with a projector configuration that TensorBoard ignores, because they have no event file."""
    return [
        os.path.relpath(folder, logdir)
        for folder, _, names in os.walk(logdir)
        if folder != logdir and CONFIGURATION in names and not any(map(IsTensorFlowEventsFile, names))
    ]


def event_files(folder: str) -> List[str]:
    """The names of the event files in one directory, in the order in which TensorBoard reads them."""
    names = [name for name in filter(IsTensorFlowEventsFile, _list(folder)) if not name.endswith(COMPRESSED)]
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
    fed = {dashboard: data._replace(size=size) for dashboard, data in fed.items()}
    vectors = Vectors({})
    with _unless_vanished(folder):
        vectors = read_vectors(folder)
    if vectors.tensors and not vectors.problem:
        fed[PROJECTOR] = DashboardData({name: [] for name in vectors.tensors}, vectors.size)
    traced = any(run.step_stats.dev_stats for run in metadata)
    return Run(name, files, fed, traced, vectors.problem, vectors.notes)


def _find_event_files(logdir):
    """{directory: names of its event files}, and the problems found. Follows links, but not in a cycle."""
    by_folder, problems, waiting, number = {}, [], [(logdir, frozenset(), 0)], 0
    while waiting:
        locate.check_number(logdir, number)
        number += 1
        folder, above, links = waiting.pop()
        above |= {os.path.realpath(folder)}
        names = event_files(folder)
        if names:
            by_folder[folder] = names
        for name in _list(folder):
            path = os.path.join(folder, name)
            if os.path.isdir(path):
                deeper = links + os.path.islink(path)
                if os.path.realpath(path) in above:
                    problems.append(f"{path} is a link to a directory above it, which TensorBoard follows: remove it")
                elif deeper <= LINKS:
                    waiting.append((path, above, deeper))
            elif IsTensorFlowEventsFile(name) and name.endswith(COMPRESSED):
                if not os.path.exists(os.path.splitext(path)[0]):
                    problems.append(f"{path} is compressed, and TensorBoard cannot read it: unpack it")
            elif IsTensorFlowEventsFile(name) and not os.path.isfile(path) and os.path.exists(path):
                problems.append(f"{path} is no regular file, and TensorBoard may wait for it without end: remove it")
    return by_folder, sorted(problems)


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
    """Read an event file, and add its data to `fed`, `metadata` and `plugins`."""
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
            fed[dashboard] = fed.get(dashboard, DashboardData({})).add(tag, event.step)
        if event.WhichOneof("what") == "tagged_run_metadata":
            metadata.append(tf.RunMetadata.FromString(event.tagged_run_metadata.run_metadata))
    return EventFileInfo(os.path.basename(path), os.path.getsize(path), bytes_read, records, continues)


def _tags(event, plugins):
    """(dashboard, tag) for each value of an event. Only the first value of a tag names its plugin, so it is kept."""
    kind = event.WhichOneof("what")
    if kind == "graph_def":  # TensorBoard 2 does not show a meta graph
        yield GRAPHS, "graph"
    elif kind == "tagged_run_metadata":
        yield GRAPHS, event.tagged_run_metadata.tag
    for value in event.summary.value:
        field = value.WhichOneof("value")
        if field == "tensor":
            field = plugins.setdefault(value.tag, value.metadata.plugin_data.plugin_name)
        for dashboard in FEEDS.get(field, ()):
            yield dashboard, value.tag
