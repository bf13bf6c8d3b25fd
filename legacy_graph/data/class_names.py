"""The class names of a data set."""

from typing import List, Optional, Sequence

from legacy_graph.data.mnist import CLASSES
from legacy_graph.errors import UserError, reason

DIGITS = tuple(str(number) for number in range(CLASSES))
NUMBERED = tuple(f"class {number}" for number in range(CLASSES))
# Source: https://github.com/zalandoresearch/fashion-mnist
FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
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
    """The `count` class names in a text file, one a line.

    Raises:
        UserError: the file cannot be read, or does not hold this number of names.
    """
    lines = _read_lines(path)
    if len(lines) != count:
        expected = f"{count:,} names, one a line, the name of class 0 first"
        raise UserError(path, expected, f"{len(lines):,}", "change the file given with --class-names")
    return lines


def _read_lines(path) -> List[str]:
    """The nonblank lines of a text file. Reads at most 100,000 characters."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            return [line.strip() for line in file.read(100000).splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise UserError(path, "a UTF-8 text file with class names", reason(error), "name another file") from error
