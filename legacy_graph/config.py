"""The options of a training run. The command line is derived from the fields, so each default is defined once."""

import dataclasses
from typing import Any, Optional, Sequence

CONVOLUTIONS, DENSE = ("conv1", "conv2"), ("fc1", "fc2")  # the layers of the article's network
LAYERS = (*CONVOLUTIONS, *DENSE)
TOP = 9  # default of --top, activations per map
DEFAULT_SIGNATURE = "serving_default"  # of a SavedModel


def option(default: Any, help: str, values: Sequence = ()) -> Any:
    """A field of `Config` with its help text, and the values that its option takes.

    `values` are, for a whole number, the smallest and the largest; for a float, two limits, of which only the upper one
    is allowed; for a choice, its names. A directory and a flag need none.
    """
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
_INTERVAL = 1, 10**9
EARLY = (0, 20, 200, 500, 1000)  # the image steps of the first 2,000 steps, by default


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of a training run. The defaults are from the article, except the intervals."""

    logdir: str = option("log", "log directory: event files, checkpoints, pictures")
    data_dir: str = option("MNIST_data", "directory of the four IDX files; if empty, MNIST is downloaded")
    steps: int = option(2000, "total number of training steps", (1, 10**9))
    batch_size: int = option(50, "digits per step", (1, 10**6))
    learning_rate: float = option(1e-4, "learning rate of the Adam optimizer", (0.0, 1e9))
    keep_prob: float = option(1.0, "fraction of the units of fc1 that dropout keeps; 1: no dropout", (0.001, 1.0))
    seed: int = option(0, "seed of initial values, batches and dropout", (0, 2**31 - 1))
    summary_every: int = option(10, "steps between scalars of the training batch", _INTERVAL)
    histogram_every: int = option(100, "steps between histograms", _INTERVAL)
    image_every: Optional[int] = option(None, "steps between images, sounds, kept kernels and results for DECONVNET "
        "(default: the steps 0, 20, 200, 500, 1000 and 2000, then every 2000, from 20000 on every 20000, and so "
        "on; always the last step)", _INTERVAL)  # fmt: skip
    test_every: int = option(100, "steps between tests on 1,000 test digits", _INTERVAL)
    checkpoint_every: int = option(1000, "steps between checkpoints, from which a stopped run resumes", _INTERVAL)
    task_timeout: int = option(60, "only with TF_CONFIG: the chief ends if another task does not answer for so many "
        "seconds; a step may take ten times as long", (1, 10**6))  # fmt: skip
    ties: str = option(SHARED, "if several maxima of a pool window are equal: first: the first one gets the signal of "
        "the deconvolution, as in tf.gradients; shared: all get equal shares", TIES)  # fmt: skip
    fresh: bool = option(False, "start a new run instead of resuming; the old run is moved to DIR/earlier")
    beside_others: bool = option(False, "train in a log directory that has event files of other programs")


def is_image_step(step: int, every: Optional[int]) -> bool:
    """Whether images are due at a step, by the step and the option `image_every` alone.

    By default they are due at `EARLY`, because most is learned early; then every 2,000 up to 20,000, every 20,000 up to
    200,000, and so on. A resumed or extended run therefore has the same image steps. TensorBoard's own command shows
    ten pictures of a tag, more than the default run has.
    """
    if every is not None:
        return step % every == 0
    if step < 2000:
        return step in EARLY
    return step % (2 * 10 ** (len(str(step // 2)) - 1)) == 0
