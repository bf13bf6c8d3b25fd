"""The class names of a data set."""

import os
from typing import List, Optional, Sequence

from legacy_graph.data.mnist import CLASSES
from legacy_graph.errors import UserError, explain, printable

DIGITS = tuple(str(number) for number in range(CLASSES))
NUMBERED = tuple(f"class {number}" for number in range(CLASSES))
# Source: https://github.com/zalandoresearch/fashion-mnist
FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
LONGEST, MOST = 200, 10**6  # characters of a name, and of a file
KNOWN = {"MNIST": DIGITS, "Fashion-MNIST": FASHION}


def class_names(data_name: Optional[str], path: Optional[str] = None) -> Sequence[str]:
    """The names of the ten classes: those in a file, else those of a known data set, else "class 0" and so on.

    Args:
        data_name: of a known data set, or None.
        path: of a text file with one name a line, or None.

    Raises:
        UserError: the file cannot be read, or does not hold ten names.
    """
    if path is None:
        return KNOWN.get(data_name, NUMBERED)
    return read_names(path, CLASSES)


def read_names(path: str, count: int) -> Sequence[str]:
    """The `count` class names in a text file, one a line, as in `printable`. Two classes may have the same name.

    Raises:
        UserError: the file cannot be read, does not hold this number of names, or a name is longer than `LONGEST`.
    """
    names, hint = _read_lines(path), "change the file given with --class-names"
    if len(names) != count:
        expected = f"{count:,} names, one a line, the name of class 0 first"
        raise UserError(path, expected, f"{len(names):,}", hint)
    longest = max(map(len, names))
    if longest > LONGEST:
        raise UserError(path, f"names of at most {LONGEST} characters", f"one of {longest:,}", hint)
    return names


def _read_lines(path) -> List[str]:
    """The nonblank lines of a text file."""
    expected, hint = "a text file in UTF-8 with class names", "name another file, or save it in UTF-8"
    if os.path.exists(path) and not os.path.isfile(path):  # reading a FIFO would wait for ever
        raise UserError(path, expected, "no regular file", hint)
    try:
        with explain(path, expected, hint), open(path, encoding="utf-8-sig") as file:
            return [printable(line.strip()) for line in file.read(MOST).splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise UserError(path, expected, "another encoding", hint) from error
