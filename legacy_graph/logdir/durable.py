"""Files that survive a power cut: once a call returns, the disk holds them."""

import errno
import os

DRAFT = ".tmp"  # the ending of a file that is being written


def sync(path: str) -> None:
    """Wait until the disk holds a file's content, or the names in a directory.

    Raises:
        OSError: it does not.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot sync a directory
            raise
    finally:
        os.close(descriptor)


def read_through(path: str) -> None:
    """Read a whole file, and forget it.

    Raises:
        OSError: it cannot be read: no permission, an error of the disk.
    """
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass


def write(path: str, text: str) -> None:
    """Write a UTF-8 file. A kill or a power cut leaves the old file or the new one, whole.

    Raises:
        OSError: it cannot be written; the old file is still there.
    """
    draft = path + DRAFT
    with open(draft, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
    sync(os.path.dirname(path) or os.curdir)
