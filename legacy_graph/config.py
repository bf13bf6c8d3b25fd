"""One frozen set of options; the command line is derived from its fields, so that a default stands once."""

import argparse
import dataclasses
import math
import os
import re
from typing import Any, Callable, List, Optional, Tuple, Union

DEFAULT_SIGNATURE = "serving_default"  # of a SavedModel


def integer(low: int, high: int) -> Callable[[str], int]:
    """A parser for a whole number from `low` to `high` in the digits 0 to 9; all else is an `argparse` error.

    Python's `int` also reads 1_000, spaces and the digits of other scripts.
    """

    def parse(text: str) -> int:
        value = int(text) if re.fullmatch("[0-9]{1,30}", text) else low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"expected a whole number from {low} to {high}, found {text!r}")
        return value

    return parse


def integer_list(text: str) -> List[int]:
    """A parser for whole numbers from 0 up, with commas between them."""
    try:
        return [integer(0, 10**9)(part) for part in text.split(",")]
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"expected whole numbers such as 0,5,7, found {text!r}") from error


def positive_float(low: float, high: float) -> Callable[[str], float]:
    """A parser for a number such as 0.5 or 1e-4, above `low` and up to `high`; all else is an `argparse` error."""

    def parse(text: str) -> float:
        number = re.fullmatch(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text)
        value = float(text) if number else math.nan
        if not low < value <= high:
            raise argparse.ArgumentTypeError(f"expected a number above {low:g} and up to {high:g}, found {text!r}")
        return value

    return parse


def path(text: str) -> str:
    """A parser for a path: any UTF-8 text but an empty one. TensorFlow takes no other path."""
    if re.match("[A-Za-z][A-Za-z0-9+.-]*://", text):
        raise argparse.ArgumentTypeError(f"expected a path, found the URL {text!r}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise argparse.ArgumentTypeError(f"expected a path in UTF-8, found {text!r}") from error
    if not text.strip() or "\0" in text:
        raise argparse.ArgumentTypeError(f"expected a path, found {text!r}")
    return text


def directory(text: str) -> str:
    """A parser for the path of a directory, which need not be there yet."""
    if os.path.exists(path(text)) and not os.path.isdir(text):
        raise argparse.ArgumentTypeError(f"expected a directory, found the file {text!r}: name another one")
    return text


def option(default: Any, parse: Union[Callable[[str], Any], Tuple[str, ...]], help: str) -> Any:
    """A field of `Config` that knows how its option is read, by a function or as one of some words, and explained."""
    return dataclasses.field(default=default, metadata={"parse": parse, "help": help})


FIRST, SHARED = TIES = ("first", "shared")  # who gets a max pool's signal where its maximum stands at several places
_interval = integer(1, 10**9)


@dataclasses.dataclass(frozen=True)
class Config:
    """What a training run is made of. The defaults are the article's, the intervals are ours."""

    logdir: str = option("log", directory, "where the event files go, for tensorboard --logdir")
    data_dir: str = option("MNIST_data", path, "the four IDX files, gzipped or not; an empty one gets MNIST")
    steps: int = option(2000, integer(1, 10**9), "training steps in all")
    batch_size: int = option(50, integer(1, 10**6), "digits a step")
    learning_rate: float = option(1e-4, positive_float(0.0, 1e9), "of the Adam optimizer")
    keep_prob: float = option(1.0, positive_float(0.001, 1.0), "part of fc1 that dropout keeps; 1 switches it off")
    seed: int = option(0, integer(0, 2**31 - 1), "of initial values, batches and dropout")
    summary_every: int = option(10, _interval, "steps between scalars of the training batch")
    histogram_every: int = option(100, _interval, "steps between histograms")
    image_every: int = option(200, _interval, "steps between images and sound")
    test_every: int = option(100, _interval, "steps between tests on 1,000 test digits")
    checkpoint_every: int = option(200, _interval, "steps between checkpoints, from which a stopped run goes on")
    ties: str = option(SHARED, TIES, "where maxima of a pool are equal, the deconvolution gives the signal to the "
        "first of them, as TensorFlow's gradients do, or in equal shares to all")  # fmt: skip
    fresh: bool = option(False, bool, "start anew, though the run in DIR could go on; that one moves to DIR/earlier")


def add_options(parser: argparse.ArgumentParser, names: Optional[Tuple[str, ...]] = None) -> None:
    """Give `parser` one option for each field of `Config`, or for those named: `data_dir` becomes `--data-dir`."""
    for field in dataclasses.fields(Config):
        if names is not None and field.name not in names:
            continue
        parse, help = field.metadata["parse"], field.metadata["help"]
        name = "--" + field.name.replace("_", "-")
        if parse is bool:
            parser.add_argument(name, action="store_true", help=help)
        elif isinstance(parse, tuple):
            help += " (default: %(default)s)"
            parser.add_argument(name, choices=parse, default=field.default, help=help)
        else:
            metavar = "DIR" if parse in (path, directory) else "N"
            help += " (default: %(default)s)"
            parser.add_argument(name, type=parse, default=field.default, metavar=metavar, help=help)


def from_options(options: argparse.Namespace) -> Config:
    """The `Config` that parsed options describe."""
    names: Tuple[str, ...] = tuple(field.name for field in dataclasses.fields(Config))
    return Config(**{name: getattr(options, name) for name in names})
