"""The options of a training run. The command line is derived from the fields, so each default is defined once."""

import dataclasses
from typing import Any, NamedTuple, Optional, Tuple, Union

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
# How a contact sheet draws projections; the magnitude is over the colour channels.
SIGNED, MAGNITUDE = DRAWN = ("signed", "magnitude")
OCCLUSION = "occlusion"  # measured by covering patches of the image, not projected
ALL_METHODS = {**METHODS, OCCLUSION: OCCLUSION}
RANDOM = "random"  # value of --control: the layer's kernel replaced by random numbers
MEAN = "mean"  # value of --cover: the mean colour of the images
_INTERVAL = WholeNumber(1, 10**9)
EARLY = (0, 20, 50, 100, 200)  # the first image steps by default: TensorBoard shows ten pictures of a tag


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of a training run. The defaults are from the article, except the intervals."""

    logdir: str = option("log", Path(), "log directory: event files, checkpoints, pictures")
    data_dir: str = option("MNIST_data", Path(exists=True), "directory of the four IDX files; if empty, MNIST "
        "is downloaded")  # fmt: skip
    steps: int = option(2000, WholeNumber(1, 10**9), "total number of training steps")
    batch_size: int = option(50, WholeNumber(1, 10**6), "digits per step")
    learning_rate: float = option(1e-4, Number(0.0, 1e9), "learning rate of the Adam optimizer")
    keep_prob: float = option(1.0, Number(0.001, 1.0), "fraction of the units of fc1 that dropout keeps; 1: no dropout")
    seed: int = option(0, WholeNumber(0, 2**31 - 1), "seed of initial values, batches and dropout")
    summary_every: int = option(10, _INTERVAL, "steps between scalars of the training batch")
    histogram_every: int = option(100, _INTERVAL, "steps between histograms")
    image_every: Optional[int] = option(None, _INTERVAL, "steps between images, sounds and kept kernels (default: the "
        "steps 0, 20, 50, 100, 200, 400, 800, 1200, 1600 and 2000, then every 2000, from 20000 on every 20000, and so "
        "on; always the last step)")  # fmt: skip
    test_every: int = option(100, _INTERVAL, "steps between tests on 1,000 test digits")
    checkpoint_every: int = option(500, _INTERVAL, "steps between checkpoints, from which a stopped run resumes")
    task_timeout: int = option(60, WholeNumber(1, 10**6), "seconds that the chief waits for an answer of another task "
        "of TF_CONFIG, then it ends; a step may take ten times as long; only with TF_CONFIG")  # fmt: skip
    ties: str = option(SHARED, Choice(TIES), "if several maxima of a pool window are equal: first: the first one gets "
        "the signal of the deconvolution, as in tf.gradients; shared: all get equal shares")  # fmt: skip
    fresh: bool = option(False, Flag(), "start a new run instead of resuming; the old run is moved to DIR/earlier")
    beside_others: bool = option(False, Flag(), "train in a log directory that has event files of other programs")


def is_image_step(step: int, every: Optional[int]) -> bool:
    """Whether images are due at a step, by the step and the option `image_every` alone.

    By default they are due at `EARLY`, because most is learned early; then every 400 steps up to 2,000, every 2,000 up
    to 20,000, every 20,000 up to 200,000, and so on. A resumed or extended run therefore has the same image steps.
    """
    if every is not None:
        return step % every == 0
    if step < 400:
        return step in EARLY
    return step % (400 if step <= 2000 else 2 * 10 ** (len(str(step // 2)) - 1)) == 0
