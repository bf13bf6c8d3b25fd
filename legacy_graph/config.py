"""The options of a training run. The command line is derived from the fields, so each default is defined once."""

import argparse
import dataclasses
import math
import os
import re
from typing import Any, Callable, List, Optional, Tuple, Union

TOP = 9  # default of --top, activations per map
DEFAULT_SIGNATURE = "serving_default"  # of a SavedModel


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


def integer_list(text: str) -> List[int]:
    """A parser for nonnegative integers, separated by commas."""
    try:
        return [integer(0, 10**9)(part) for part in text.split(",")]
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"expected whole numbers such as 0,5,7, found {text!r}") from error


def positive_float(low: float, high: float) -> Callable[[str], float]:
    """A parser for a number such as 0.5 or 1e-4, above `low` and up to `high`; other text is an `argparse` error."""

    def parse(text: str) -> float:
        number = re.fullmatch(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text)
        value = float(text) if number else math.nan
        if not low < value <= high:
            raise argparse.ArgumentTypeError(f"expected a number above {low:g} and up to {high:g}, found {text!r}")
        return value

    return parse


def path(text: str) -> str:
    """A parser for a path: nonempty UTF-8 text, because TensorFlow accepts no other path."""
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
    """A parser for the path of a directory, which need not exist."""
    if os.path.exists(path(text)) and not os.path.isdir(text):
        raise argparse.ArgumentTypeError(f"expected a directory, found the file {text!r}: name another one")
    return text


def option(default: Any, parse: Union[Callable[[str], Any], Tuple[str, ...]], help: str) -> Any:
    """A field of `Config` with the parser and the help text of its option; a tuple as parser lists the choices."""
    return dataclasses.field(default=default, metadata={"parse": parse, "help": help})


FIRST, SHARED = TIES = ("first", "shared")  # which of several equal maxima of a max pool gets the signal
# Projection methods: name on the command line, in result files and in requests -> name in full.
METHODS = {"deconvnet": "deconvnet", "gradient": "gradient", "guided": "guided backpropagation"}
DECONVNET, GRADIENT, GUIDED = METHODS
_interval = integer(1, 10**9)


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of a training run. The defaults are from the article, except the intervals."""

    logdir: str = option("log", directory, "log directory: event files, checkpoints, pictures")
    data_dir: str = option("MNIST_data", path, "directory of the four IDX files; if empty, MNIST is downloaded")
    steps: int = option(2000, integer(1, 10**9), "total number of training steps")
    batch_size: int = option(50, integer(1, 10**6), "digits per step")
    learning_rate: float = option(1e-4, positive_float(0.0, 1e9), "learning rate of the Adam optimizer")
    keep_prob: float = option(1.0, positive_float(0.001, 1.0), "fraction of fc1 that dropout keeps; 1 disables dropout")
    seed: int = option(0, integer(0, 2**31 - 1), "seed of initial values, batches and dropout")
    summary_every: int = option(10, _interval, "steps between scalars of the training batch")
    histogram_every: int = option(100, _interval, "steps between histograms")
    image_every: int = option(200, _interval, "steps between images and sound")
    test_every: int = option(100, _interval, "steps between tests on 1,000 test digits")
    checkpoint_every: int = option(500, _interval, "steps between checkpoints, from which a stopped run resumes")
    task_timeout: int = option(60, integer(1, 10**6), "seconds without an answer from another task of TF_CONFIG after "
        "which the chief ends; a step may take ten times as long; without TF_CONFIG it has no effect")  # fmt: skip
    ties: str = option(SHARED, TIES, "if several maxima of a pool window are equal, the deconvolution gives the "
        "signal to the first, as TensorFlow's gradients do, or in equal shares to all")  # fmt: skip
    fresh: bool = option(False, bool, "start a new run instead of resuming; the old run is moved to DIR/earlier")


def add_options(parser: argparse.ArgumentParser, names: Optional[Tuple[str, ...]] = None) -> None:
    """Add an option to `parser` for each field of `Config`, or only for `names`: `data_dir` becomes `--data-dir`."""
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
