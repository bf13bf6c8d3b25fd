"""Check the arguments of the Python interface. A value of another kind is refused by name, not converted."""

import collections.abc
import os
from typing import Dict, Iterable, List, Optional, Sequence, Tuple, Union

import numpy as np

from legacy_graph.errors import UserError


def text(name: str, value: object, expected: str, hint: str) -> str:
    """`value`, which must be a string that is not empty.

    Args:
        name: of the argument.
        value: of the argument.
        expected, hint: of the `UserError`.
    """
    if not isinstance(value, str) or not value:
        raise UserError(name, expected, _shown(value), hint)
    return value


def file_path(name: str, value: object) -> str:
    """`value` as text, which must be a string or a `pathlib.Path`."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    path = text(name, value, "a path, as text or pathlib.Path", "give the path of a file or directory")
    if "\0" in path:
        raise UserError(name, "a path", repr(path), "remove the null character")
    return path


def boolean(name: str, value: object) -> bool:
    """`value`, which must be True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise UserError(name, "True or False", _shown(value), "give one of these")
    return bool(value)


def integer(name: str, value: object, low: int = 0) -> int:
    """`value`, which must be an integer of at least `low`; neither a bool nor a float."""
    return int(_checked(name, value, f"a whole number from {low}", "iu", low, ndim=0))


def integers(name: str, values: object, low: int = 0, ndim: int = 1) -> np.ndarray:
    """`values` as an int64 array of at most `ndim` axes; a value below `low`, a bool or a float is refused."""
    array = np.atleast_1d(_checked(name, values, f"whole numbers from {low}", "iu", low))
    if not array.size or array.ndim > ndim:
        raise UserError(name, f"whole numbers from {low}", _shown(values), "give at least one, in a flat list")
    return array.astype(np.int64)


def numbers(name: str, values: object, counts: Sequence[int]) -> Tuple[float, ...]:
    """`values`, one number or a sequence of them, which must be finite and as many as one of `counts`."""
    some = " or ".join("one number" if count == 1 else f"{count} numbers" for count in counts)
    array = np.atleast_1d(_checked(name, values, some, "iuf", None))
    if array.shape not in [(count,) for count in counts] or not np.isfinite(array).all():
        raise UserError(name, f"{some}, finite", _shown(values), f"give {some}")
    return tuple(map(float, array))


def switches(name: str, values: object) -> Optional[Dict[str, bool]]:
    """`values`, which must be a dictionary of text and bool, or None."""
    known = values is None or (
        isinstance(values, dict)
        and all(isinstance(key, str) and isinstance(value, (bool, np.bool_)) for key, value in values.items())
    )
    if not known:
        raise UserError(name, 'a dictionary such as {"is_training": False}', _shown(values), "give names and bools")
    return values


def labels(name: str, values: object) -> List[str]:
    """`values`, which must be a list of strings, at least one."""
    listed = list(values) if isinstance(values, collections.abc.Iterable) and not isinstance(values, str) else []
    if not listed or not all(isinstance(value, str) for value in listed):
        raise UserError(
            name, "a list of labels of layers, or None", _shown(values), "give at least one label, in a list"
        )
    return listed


def choice(name: str, value: object, names: Iterable[str]) -> Optional[str]:
    """`value`, which must be one of the names, or None."""
    names = list(names)
    if value is not None and value not in names:
        raise UserError(name, f"one of {', '.join(names)}", _shown(value), "choose one of these")
    return value


def paths(name: str, values: Iterable[Union[str, os.PathLike]], expected: str) -> Sequence[str]:
    """`values` as text: an iterable of paths, at least one."""
    known = isinstance(values, (list, tuple, collections.abc.Set, collections.abc.Iterator))
    listed = list(values) if known else []
    if not listed or not all(isinstance(path, (str, os.PathLike)) for path in listed):
        raise UserError(name, expected, _shown(values), "stack arrays by numpy.stack; give files by their paths")
    return [file_path(name, path) for path in listed]


def _checked(name, values, expected, kinds, low, ndim=None):
    """`values` as an array of one of the dtype `kinds`, at least `low` everywhere, if given."""
    if isinstance(values, (collections.abc.Iterator, collections.abc.Set)):
        values = list(values)
    try:
        array = np.asarray(values)
    except ValueError:  # lists of different lengths
        array = np.array(None)
    empty = array.shape == (0,)  # its dtype is float64
    known = (array.dtype.kind in kinds or empty) and array.dtype != np.uint64 and ndim in (None, array.ndim)
    if not known or (low is not None and (array < low).any()):
        raise UserError(name, expected, _shown(values), f"give {expected}")
    return array


def _shown(value) -> str:
    """The value in few words."""
    words = repr(value)
    short = len(words) <= 60 and not isinstance(value, np.ndarray)
    return words if short else f"{type(value).__name__} {words[:40]}..."
