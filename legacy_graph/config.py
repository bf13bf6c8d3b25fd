"""The options of a training run. The command line is derived from the fields, so each default is defined once."""

import dataclasses
from typing import Any, NamedTuple, Tuple, Union

TOP = 9  # default of --top, activations per map
DEFAULT_SIGNATURE = "serving_default"  # of a SavedModel


class WholeNumber(NamedTuple):
    """The values of an option: an integer from `low` to `high`."""

    low: int
    high: int


class Number(NamedTuple):
    """The values of an option: a number above `low` and up to `high`."""

    low: float
    high: float


class Choice(NamedTuple):
    """The values of an option: one of the names."""

    names: Tuple[str, ...]


class Path(NamedTuple):
    """The values of an option: the path of a directory. With `exists`, a path other than the default must exist."""

    exists: bool = False


class Flag(NamedTuple):
    """An option without a value."""


Values = Union[WholeNumber, Number, Choice, Path, Flag]


def option(default: Any, values: Values, help: str) -> Any:
    """A field of `Config` with the values that its option takes, and its help text."""
    return dataclasses.field(default=default, metadata={"values": values, "help": help})


FIRST, SHARED = TIES = ("first", "shared")  # which of several equal maxima of a max pool gets the signal
# Projection methods: name on the command line, in result files and in requests -> name in full.
METHODS = {"deconvnet": "deconvnet", "gradient": "gradient", "guided": "guided backpropagation"}
DECONVNET, GRADIENT, GUIDED = METHODS
_INTERVAL = WholeNumber(1, 10**9)


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of a training run. The defaults are from the article, except the intervals."""

    logdir: str = option("log", Path(), "log directory: event files, checkpoints, pictures")
    data_dir: str = option("MNIST_data", Path(exists=True), "directory of the four IDX files; if empty, MNIST "
        "is downloaded")  # fmt: skip
    steps: int = option(2000, WholeNumber(1, 10**9), "total number of training steps")
    batch_size: int = option(50, WholeNumber(1, 10**6), "digits per step")
    learning_rate: float = option(1e-4, Number(0.0, 1e9), "learning rate of the Adam optimizer")
    keep_prob: float = option(1.0, Number(0.001, 1.0), "fraction of fc1 that dropout keeps; 1 disables dropout")
    seed: int = option(0, WholeNumber(0, 2**31 - 1), "seed of initial values, batches and dropout")
    summary_every: int = option(10, _INTERVAL, "steps between scalars of the training batch")
    histogram_every: int = option(100, _INTERVAL, "steps between histograms")
    image_every: int = option(200, _INTERVAL, "steps between images and sound")
    test_every: int = option(100, _INTERVAL, "steps between tests on 1,000 test digits")
    checkpoint_every: int = option(500, _INTERVAL, "steps between checkpoints, from which a stopped run resumes")
    task_timeout: int = option(60, WholeNumber(1, 10**6), "seconds without an answer from another task of TF_CONFIG "
        "after which the chief ends; a step may take ten times as long; only with TF_CONFIG")  # fmt: skip
    ties: str = option(SHARED, Choice(TIES), "if several maxima of a pool window are equal, the deconvolution gives "
        "the signal to the first, as TensorFlow's gradients do, or in equal shares to all")  # fmt: skip
    fresh: bool = option(False, Flag(), "start a new run instead of resuming; the old run is moved to DIR/earlier")
    beside_others: bool = option(False, Flag(), "train in a log directory that has event files of other programs")
