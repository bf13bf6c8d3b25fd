"""The parsers of option values, and the options of the fields of `Config`."""

import argparse
import dataclasses
import math
import os
import re
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

from legacy_graph.config import LAYERS, Config
from legacy_graph.errors import UserError
from legacy_graph.logdir import locate

ALL = "all"  # value of --layer
NUMBER = r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"  # without a sign


def integer(low: int, high: int) -> Callable[[str], int]:
    """A parser for an integer from `low` to `high` in the digits 0 to 9; other text is an `argparse` error.

    Python's `int` also reads 1_000, spaces and the digits of other scripts.
    """

    def parse(text: str) -> int:
        value = int(text) if re.fullmatch("[0-9]{1,30}", text) else low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"expected a whole number from {low} to {high}, found {text!r}")
        return value

    return parse


def integer_list(text: str, expected: str = "whole numbers such as 0,5,7") -> List[int]:
    """A parser for nonnegative integers, separated by commas. Another text is an error that names the `expected`."""
    try:
        return [integer(0, 10**9)(part) for part in text.split(",")]
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"expected {expected}, found {text!r}") from error


def numbers(expected: str, counts: Sequence[int]) -> Callable[[str], Tuple[float, ...]]:
    """A parser for numbers such as -1,0.5 in the digits 0 to 9, as many as one of `counts`.

    Another text, and a number that is too large, is an `argparse` error that names what is `expected`.
    """

    def parse(text: str) -> Tuple[float, ...]:
        known = all(re.fullmatch("[+-]?" + NUMBER, part) for part in text.split(","))
        values = tuple(map(float, text.split(","))) if known else ()
        if len(values) not in counts or not all(map(math.isfinite, values)):
            raise argparse.ArgumentTypeError(f"expected {expected}, found {text!r}")
        return values

    return parse


def name(text: str) -> str:
    """A parser for a name. Empty text, such as an unset variable of the shell, is an `argparse` error."""
    if not text.strip():
        raise argparse.ArgumentTypeError(f"expected a name, found {text!r}")
    return text


def step_list(text: str) -> Optional[List[int]]:
    """A parser for training steps, separated by commas; None for all."""
    return None if text == "all" else integer_list(text, "all, or training steps such as 0,200,2000")


def layer_names(text: str) -> List[str]:
    """The names in a value of --layer, separated by commas, without duplicates; none for `ALL`."""
    return [] if text == ALL else list(dict.fromkeys(text.split(",")))


def article_layers(text: Optional[str], default: Sequence[str]) -> Sequence[str]:
    """The names in a value of --layer for the article's network; `default` without the option.

    Raises:
        UserError: the network has no such layer.
    """
    names = default if text is None else layer_names(text) or LAYERS
    for name in names:
        if name not in LAYERS:
            hint = "name one of these, several separated by commas, or all"
            raise UserError("--layer", f"one of {', '.join(LAYERS)}", repr(name), hint)
    return names


def positive_float(low: float, high: float) -> Callable[[str], float]:
    """A parser for a number such as 0.5 or 1e-4, above `low` and up to `high`; other text is an `argparse` error."""

    def parse(text: str) -> float:
        value = float(text) if re.fullmatch(NUMBER, text) else math.nan
        if not low < value <= high:
            raise argparse.ArgumentTypeError(f"expected a number above {low:g} and up to {high:g}, found {text!r}")
        return value

    return parse


def local_path(text: str) -> str:
    """A parser for a path, as `locate.local_path`."""
    if not text:
        raise argparse.ArgumentTypeError("expected a path, found ''")
    try:
        return locate.local_path(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(f"expected {error.expected}, found {error.found}: {error.hint}") from error


def path(text: str) -> str:
    """A parser for a path as `local_path`, in nonempty UTF-8 text, because TensorFlow accepts no other path."""
    if re.match("[A-Za-z][A-Za-z0-9+.-]*://", text):
        raise argparse.ArgumentTypeError(f"expected a path, found the URL {text!r}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise argparse.ArgumentTypeError(f"expected a path in UTF-8, found {text!r}") from error
    if not text.strip() or "\0" in text:
        raise argparse.ArgumentTypeError(f"expected a path, found {text!r}")
    return local_path(text)


def directory(text: str) -> str:
    """A parser for the path of a directory, which need not exist."""
    folder = path(text)
    if (os.path.exists(folder) or os.path.islink(folder)) and not os.path.isdir(folder):
        found = "the file" if os.path.exists(folder) else "a link to nothing,"
        raise argparse.ArgumentTypeError(f"expected a directory, found {found} {text!r}: name another one")
    return folder


def data_directory(text: str) -> str:
    """A parser for the path of a directory that exists. The default of `Config.data_dir` need not exist."""
    folder = path(text)
    if text != Config.data_dir and not os.path.lexists(folder):
        hint = "correct the path; MNIST is downloaded into an empty directory"
        raise argparse.ArgumentTypeError(f"expected a directory that exists, found nothing at {folder!r}: {hint}")
    return folder


def refuse(options: argparse.Namespace, names: Iterable[str], expected: str, found: str, hint: str) -> None:
    """Refuse the first of the options with these names that is given.

    Raises:
        UserError: names the option.
    """
    for name in names:
        if all(getattr(options, name, None) is not missing for missing in (None, False, ())):
            raise UserError("--" + name.replace("_", "-"), expected, found, hint)


def add_options(parser: argparse.ArgumentParser, names: Optional[Tuple[str, ...]] = None) -> None:
    """Add an option to `parser` for each field of `Config`, or only for `names`: `data_dir` becomes `--data-dir`."""
    for field in dataclasses.fields(Config):
        if names is None or field.name in names:
            default = "" if field.default is None or field.default is False else " (default: %(default)s)"
            settings = {"default": field.default, "help": field.metadata["help"] + default, **_settings(field)}
            parser.add_argument("--" + field.name.replace("_", "-"), **settings)


def from_options(options: argparse.Namespace) -> Config:
    """The `Config` that parsed options describe."""
    return Config(**{field.name: getattr(options, field.name) for field in dataclasses.fields(Config)})


def _settings(field: dataclasses.Field) -> Dict[str, Any]:
    """The arguments of `add_argument` for the values that a field of `Config` takes."""
    values = field.metadata["values"]
    if field.type is bool:
        return {"action": "store_true"}
    if field.type is str:
        exists = field.name == "data_dir"
        return {"choices": values} if values else {"type": data_directory if exists else directory, "metavar": "DIR"}
    return {"type": (positive_float if field.type is float else integer)(*values), "metavar": "N"}
