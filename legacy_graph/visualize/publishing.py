"""Publish the results of `features` and `deconv`: pictures for TensorBoard and files, each replaced atomically."""

import contextlib
import fcntl
import os
import re
import shutil
import time
from typing import Dict, Iterator

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.errors import RETRY, UserError, reason
from legacy_graph.logdir import event_writer
from legacy_graph.visualize import image_grid

DRAFT = ".draft"  # has no file with "tfevents" in its name, so TensorBoard does not read it as a run
EVENTS, SOURCE = "events", "source.txt"
_EVENT_FILE = re.compile(r"events\.out\.tfevents\.\d+\..*")


def publish(directory: str, step: int, images: Dict[str, np.ndarray], files: Dict[str, bytes]) -> None:
    """Write a run for TensorBoard into `directory`, and replace what was published there before.

    Everything is written to a draft inside the directory, then each file replaces the old file of the same
    name. After a kill each file is complete, either old or new. Two processes that publish wait for each other. Other
    files in the directory stay.

    Args:
        directory: of one run; created if missing.
        step: that the pictures are shown at.
        images: tag -> uint8 [height, width], or [height, width, 3], RGB.
        files: name -> its content.

    Raises:
        UserError: the directory cannot be written.
    """
    draft = os.path.join(directory, DRAFT)
    try:
        os.makedirs(directory, exist_ok=True)
        with _locked(directory):
            shutil.rmtree(draft, ignore_errors=True)  # left by a process that was killed
            os.mkdir(draft)
            try:
                for name, content in files.items():
                    with open(os.path.join(draft, name), "wb") as file:
                        file.write(content)
                _write_events(os.path.join(draft, EVENTS), step, images)
                _replace(draft, directory, files)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    except (OSError, tf.errors.OpError) as error:
        raise UserError("--logdir", "a writable directory", f"{directory!r} ({reason(error)})", RETRY) from error


def folder_for(directory: str, source: str) -> str:
    """`directory`, or this name with a number, if the file SOURCE in it names another source.

    Args:
        directory: of one run; need not exist.
        source: what the results are made from. Publish it as the file SOURCE.
    """
    number, folder = 1, directory
    while os.path.isdir(folder) and _read_source(folder) != source:
        number += 1
        folder = f"{directory}_{number}"
    return folder


def _read_source(folder: str) -> str:
    with contextlib.suppress(OSError), open(os.path.join(folder, SOURCE), encoding="utf-8") as file:
        return file.read()
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


def _replace(draft: str, directory: str, names: Dict[str, bytes]) -> None:
    """Move the draft's files to their places. The old event files are removed last, because TensorBoard shows them."""
    old = [name for name in os.listdir(directory) if _EVENT_FILE.fullmatch(name)]
    for name in names:
        os.replace(os.path.join(draft, name), os.path.join(directory, name))
    os.replace(os.path.join(draft, EVENTS), event_writer.next_path(directory))
    for name in old:
        os.remove(os.path.join(directory, name))


def _write_events(path: str, step: int, images: Dict[str, np.ndarray]) -> None:
    """Write one image summary per picture, without `tf.summary.image`, which adds operations to the graph."""
    values = []
    for tag, picture in images.items():
        height, width, colorspace = (*picture.shape, 1)[:3]
        image = tf.Summary.Image(
            height=height, width=width, colorspace=colorspace, encoded_image_string=image_grid.encode_png(picture)
        )
        values.append(tf.Summary.Value(tag=tag, image=image))
    with tf.io.TFRecordWriter(path) as writer:
        for event in (tf.Event(file_version="brain.Event:2"), tf.Event(step=step, summary=tf.Summary(value=values))):
            event.wall_time = time.time()
            writer.write(event.SerializeToString())
