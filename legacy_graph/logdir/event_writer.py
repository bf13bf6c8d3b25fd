"""FileWriter: what is added to it is on the disk when the call returns, or is an error in one line.

TensorFlow's own hands each event to a thread, which flushes every two minutes. Where the disk is full it drops events
without a word (1.15 always, 2.21 nearly always), and where the file has been removed it goes on writing to nothing.
Written at once, an event costs some ten microseconds more, a run that is killed loses none, and TensorBoard is live.
"""

import os
import re
import socket
import time

import tensorflow.compat.v1 as tf

from legacy_graph.errors import RETRY, UserError, reason
from legacy_graph.logdir import durable


class FileWriter(tf.summary.FileWriter):
    """`tf.summary.FileWriter` on an event file of ours.

    Raises:
        UserError: the directory cannot be made, or an event cannot be written.
    """

    def __init__(self, folder: str) -> None:
        try:
            super().__init__(folder)
        except (OSError, tf.errors.OpError) as error:
            raise UserError(folder, "a writable directory", reason(error), RETRY) from error
        self.event_writer.close()  # It has written nothing, so there is no file of its own.
        self.event_writer = EventFileWriter(folder)


class EventFileWriter:
    """One event file, with the methods that a `FileWriter` calls.

    Raises:
        UserError: an event cannot be written: no space, no permission, the directory is gone.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.reopen()

    def reopen(self) -> None:
        """Begin a file that comes after all others in the directory, since TensorBoard reads them by name."""
        try:
            self._path = next_path(self._folder)
            self._file = tf.io.TFRecordWriter(self._path)
        except (OSError, tf.errors.OpError) as error:
            raise UserError(self._folder, "to write an event file", reason(error), RETRY) from error
        self.add_event(tf.Event(wall_time=time.time(), file_version="brain.Event:2"))

    def add_event(self, event: tf.Event) -> None:
        """Write one event."""
        try:
            self._file.write(event.SerializeToString())
            self._file.flush()
            os.stat(self._path)  # Linux lets a program write to a file that has been removed.
        except (OSError, tf.errors.OpError) as error:
            raise UserError(self._path, "to write an event", reason(error), RETRY) from error

    def flush(self) -> None:
        """Wait until the disk holds all events, so that a power cut loses none of them."""
        try:
            durable.sync(self._path)
        except OSError as error:
            raise UserError(self._path, "to write an event", reason(error), RETRY) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def get_logdir(self) -> str:
        """The directory of the file."""
        return self._folder


def next_path(folder: str) -> str:
    """The path of an event file that comes after all others in a directory.

    Raises:
        OSError: the directory cannot be listed.
    """
    taken = [int(number) for name in os.listdir(folder) for number in re.findall(r"tfevents\.(\d+)", name)]
    number = max([int(time.time())] + [earlier + 1 for earlier in taken])
    host = re.sub(r"[^A-Za-z0-9._-]", "_", socket.gethostname())  # Linux allows any bytes, "/" among them
    return os.path.join(folder, f"events.out.tfevents.{number:010d}.{host}")
