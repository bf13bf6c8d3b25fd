"""Publish the results of `features` and `deconv`: pictures for TensorBoard and files, replaced as one unit.

The new files are written to the directory `DRAFT`, which is then renamed to `READY`. A kill before this rename changes
nothing. After the rename, the files are moved to their places; if a kill interrupts this, the next command finishes.
"""

import concurrent.futures
import contextlib
import fcntl
import glob
import os
import re
import shutil
import time
from typing import Dict, Iterator, List, Optional

import numpy as np
import tensorflow.compat.v1 as tf
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader

from legacy_graph.data import npz
from legacy_graph.errors import RETRY, UserError, reason
from legacy_graph.logdir import durable, event_writer, layout
from legacy_graph.visualize import image_grid, spot_schema
from legacy_graph.visualize.array_file import Content

# Directories in that of the results. No file in them has "tfevents" in its name, so TensorBoard shows neither as a run.
DRAFT, READY = ".draft", ".ready"
EVENTS, SOURCE, STALE = "events", "source.txt", "stale.txt"
# The files of one training step. Those of a control or a check exist only if it was asked for.
BY_STEP = (
    layout.NUMBERS, "features.png", "features.csv", "control.npz", "control.png", "occlusion.npz", "occlusion.csv",
    "occlusion.png",
)  # fmt: skip
_EVENT_FILE = re.compile(r"events\.out\.tfevents\.\d+\..*")


def publish(
    directory: str,
    step: int,
    images: Dict[str, np.ndarray],
    files: Dict[str, Content],
    source: Optional[str] = None,
    keep_earlier: bool = False,
) -> str:
    """Write a run for TensorBoard into `directory`, and replace what was published there before.

    Two processes that publish wait for each other. Other files in the directory stay.

    Args:
        directory: of one run; created if missing.
        step: the step at which TensorBoard shows the pictures.
        images: tag -> uint8 [height, width], or [height, width, 3], RGB.
        files: name -> its content; a picture becomes a PNG file, encoded once if it is one of `images` as well.
        source: what the results are made from, as text for the file `SOURCE`. If the directory has results of
            another source, they stay, and the new results go to a directory with a number after its name.
        keep_earlier: keep the results of other steps: their pictures in the event file, and the files in `BY_STEP`
            with the step in their names, such as `features-<step>.npz`. Only the files of the last step have none.

    Returns:
        The directory of the results.

    Raises:
        UserError: the directory cannot be written.
    """
    number, folder = 1, directory
    files = files if source is None else dict(files, **{SOURCE: source.encode()})
    try:
        while True:
            os.makedirs(folder, exist_ok=True)
            with _locked(folder):
                _finish(folder)
                # It is free if it is new, or a kill interrupted the first call.
                if source is None or set(os.listdir(folder)) <= {DRAFT} or read_source(folder) == source:
                    if keep_earlier:
                        files = _keep_earlier(folder, step, files)
                    _replace(folder, step, images, files, keep_earlier)
                    return folder
            number += 1
            folder = f"{directory}_{number}"
    except (OSError, tf.errors.OpError) as error:
        raise UserError("--logdir", "a writable directory", f"{folder!r} ({reason(error)})", RETRY) from error


def finish_publishing(logdir: str) -> None:
    """Complete all replacements of results in a log directory that a kill interrupted.

    An error is ignored here; `publish` reports it when it replaces the same results.
    """
    for part in (layout.FEATURES, layout.DECONV, layout.GRAPHS):
        for ready in glob.glob(os.path.join(glob.escape(logdir), part, "*", READY)):
            folder = os.path.dirname(ready)
            with contextlib.suppress(OSError), _locked(folder):
                _finish(folder)


def read_source(folder: str) -> str:
    """The source of the results in a directory, as given to `publish`; empty if it has none."""
    with contextlib.suppress(OSError), durable.open_regular(os.path.join(folder, SOURCE)) as file:
        return file.read().decode(errors="replace")
    return ""


@contextlib.contextmanager
def _locked(directory: str) -> Iterator[None]:
    """Wait until no other process publishes into the directory. The lock is on the directory and needs no file."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # NFS cannot lock a directory
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _keep_earlier(directory: str, step: int, files: Dict[str, Content]) -> Dict[str, Content]:
    """Keep the files of an earlier step under names with this step.

    Returns:
        `files`, under names with `step` if those of a later step are there.
    """
    newest = os.path.join(directory, layout.NUMBERS)
    try:
        with durable.open_regular(newest) as file:
            earlier = spot_schema.read_step(file)
    except (OSError, *npz.DAMAGE):
        return files  # no file, a damaged one, or one of a version that recorded no step
    if earlier > step:
        return {layout.name_with_step(name, step) if name in BY_STEP else name: files[name] for name in files}
    for name in BY_STEP if earlier < step else ():
        _link(os.path.join(directory, name), os.path.join(directory, layout.name_with_step(name, earlier)))
    return files


def _link(newest, earlier):
    """A second name of a file, if it exists; `_replace` replaces the first."""
    if os.path.lexists(earlier) or not os.path.lexists(newest):
        return
    try:
        os.link(newest, earlier)
    except OSError:  # a file system without hard links
        shutil.copy2(newest, earlier + durable.DRAFT)
        os.replace(earlier + durable.DRAFT, earlier)


def _replace(
    directory: str, step: int, images: Dict[str, np.ndarray], files: Dict[str, Content], keep_earlier: bool = False
) -> None:
    """Write all files to `DRAFT`, wait until they are on the disk, and move them to their places."""
    stale = _find_stale(directory, step, files)
    files = {**files, STALE: "\n".join(stale).encode()} if stale else files
    draft = os.path.join(directory, DRAFT)
    shutil.rmtree(draft, ignore_errors=True)  # left by a process that was killed
    os.mkdir(draft)
    try:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:  # encoding takes most of the time
            values = list(pool.map(image_value, images, images.values()))
        events = [tf.Event(wall_time=time.time(), step=step, summary=tf.Summary(value=values))]
        encoded = {id(picture): value.image.encoded_image_string for picture, value in zip(images.values(), values)}
        for name, content in files.items():
            if isinstance(content, np.ndarray):
                content = encoded.get(id(content)) or image_grid.encode_png(content)
            with open(os.path.join(draft, name), "wb") as file:
                file.write(content)
        if keep_earlier:
            events += _other_events(directory, events[0])
        _write_events(os.path.join(draft, EVENTS), events)
        for path in [*(os.path.join(draft, name) for name in os.listdir(draft)), draft]:
            durable.sync(path)
        os.rename(draft, os.path.join(directory, READY))
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    _finish(directory)


def _find_stale(directory, step, files) -> List[str]:
    """The files in the directory that belong to results which `files` replaces, such as an earlier control."""
    stale = []
    for names in ({name: name for name in BY_STEP}, {name: layout.name_with_step(name, step) for name in BY_STEP}):
        if names[layout.NUMBERS] in files:
            stale += [name for name in names.values() if name not in files]
    return [name for name in stale if os.path.lexists(os.path.join(directory, name))]


def _finish(directory: str) -> None:
    """Move the files of `READY` to their places. Remove stale files, and old event files, which TensorBoard would show.

    The stale files go first, and then their list: a later call must not remove what this one has moved.
    """
    ready = os.path.join(directory, READY)
    if not os.path.isdir(ready):
        return
    listed = os.path.join(ready, STALE)
    if os.path.lexists(listed):
        with open(listed, encoding="utf-8") as file:
            for name in file.read().splitlines():
                with contextlib.suppress(FileNotFoundError):
                    os.remove(os.path.join(directory, name))
        os.remove(listed)
    for name in sorted(os.listdir(ready)):
        target = event_writer.next_path(directory) if name == EVENTS else os.path.join(directory, name)
        os.replace(os.path.join(ready, name), target)
    for name in sorted(name for name in os.listdir(directory) if _EVENT_FILE.fullmatch(name))[:-1]:
        os.remove(os.path.join(directory, name))
    os.rmdir(ready)


def image_value(tag: str, picture: np.ndarray) -> tf.Summary.Value:
    """The summary of a picture, uint8 [H, W] or [H, W, 3]. `tf.summary.image` would add operations to the graph."""
    height, width, colorspace = (*picture.shape, 1)[:3]
    image = tf.Summary.Image(
        height=height, width=width, colorspace=colorspace, encoded_image_string=image_grid.encode_png(picture)
    )
    return tf.Summary.Value(tag=tag, image=image)


def _other_events(directory: str, new: tf.Event) -> List[tf.Event]:
    """The published events without those that `new` replaces: of its step, with the first part of one of its tags."""
    parts, kept = _first_parts(new), []
    for name in sorted(name for name in os.listdir(directory) if _EVENT_FILE.fullmatch(name))[-1:]:
        for record in RawEventFileLoader(os.path.join(directory, name)).Load():
            event = tf.Event.FromString(record)
            if event.summary.value and not (event.step == new.step and parts & _first_parts(event)):
                kept.append(event)
    return kept


def _first_parts(event):
    """{"features"} of an event with the tag "features/sheet"."""
    return {value.tag.partition("/")[0] for value in event.summary.value}


def _write_events(path: str, events: List[tf.Event]) -> None:
    """Write an event file, in the order of the steps: TensorBoard shows the pictures in the order of the file."""
    version = tf.Event(wall_time=time.time(), file_version="brain.Event:2")
    with tf.io.TFRecordWriter(path) as writer:
        for event in [version, *sorted(events, key=lambda event: event.step)]:
            writer.write(event.SerializeToString())
