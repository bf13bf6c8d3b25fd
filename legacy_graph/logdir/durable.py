"""File writes that survive a power cut: they are on the disk when the call returns. File reads that always end."""

import errno
import fcntl
import os
import stat
import sys
from typing import IO, BinaryIO

from legacy_graph.errors import reason

DRAFT = ".tmp"  # suffix of a file that is being written


def sync(path: str) -> None:
    """Wait until the content of a file, or the entries of a directory, are on the disk (fsync).

    Raises:
        OSError: the sync failed.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot sync a directory
            raise
    finally:
        os.close(descriptor)


def make_folder(path: str) -> None:
    """Create a directory if it is missing, and those above it. They are on the disk when the call returns.

    Raises:
        OSError: a directory cannot be created.
    """
    if not os.path.isdir(path):
        parent = os.path.dirname(os.path.abspath(path))
        make_folder(parent)
        os.makedirs(path, exist_ok=True)  # another thread may have created it
        sync(parent)


def open_regular(path: str) -> BinaryIO:
    """Open a regular file for reading. A FIFO, a socket or a device is refused: reading it may wait for ever.

    Raises:
        OSError: the file cannot be opened, or is not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return open(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, "not a regular file", path)


def write(path: str, content: bytes) -> None:
    """Write a file. After a kill or a power cut the file is complete, either old or new.

    Raises:
        OSError: the file cannot be written; the old file is unchanged.
    """
    draft = path + DRAFT
    with open(draft, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
    sync(os.path.dirname(path) or os.curdir)


def lock_file(file: IO, name: str) -> None:
    """Lock an open file for this process, or warn if its file system has no locks, as some network file systems.

    Args:
        file: open for writing.
        name: of its place, for the warning.

    Raises:
        BlockingIOError: another process has the lock.
        OSError: the file cannot be locked for another reason.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):
            raise
        message = f"its file system has no locks ({reason(error)}): do not start a second run there"
        print(f"legacy_graph: {name}: {message}", file=sys.stderr)
