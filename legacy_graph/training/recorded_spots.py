"""The strongest spot of each feature map at the image steps of a run, as results for the DECONVNET dashboard.

`train` writes them, so that the dashboard shows the steps of a run while it trains: one file a step and layer, such as
`features/conv2-training/features-200.npz`, with arrays as in `spot_schema.SCHEMA`. They have one spot a map, over the
tested digits, projected by the deconvnet. The command `features` finds more spots, over all test digits.
"""

import os
import re
from typing import Sequence

import numpy as np

from legacy_graph.config import CONVOLUTIONS, DECONVNET
from legacy_graph.data import mnist
from legacy_graph.errors import RESUME, explain
from legacy_graph.logdir import durable, kept_kernels, layout
from legacy_graph.training import nan_guard
from legacy_graph.visualize.array_file import write_arrays
from legacy_graph.visualize.probe import Probe

_FILE = re.compile(r"features-(\d+)\.npz")


def folder(logdir: str, layer: str) -> str:
    """The directory for the files of a layer."""
    return os.path.join(logdir, layout.FEATURES, layer + layout.TRAINED)


def pack(
    step: int,
    digits: mnist.Digits,
    class_names: Sequence[str],
    probe: Probe,
    strongest: np.ndarray,
    places: np.ndarray,
    projections: np.ndarray,
) -> bytes:
    """The content of the file of a step for one layer.

    Args:
        step: training steps taken.
        digits: N tested digits.
        class_names: of the ten classes.
        probe: of the layer, with C maps.
        strongest: float32 [N, C], the largest activation of each map in each digit.
        places: int64 [C, 2], (y, x) of the strongest activation of each map in the layer's output.
        projections: float32 [C, 28, 28], these activations projected to the pixels.

    Raises:
        UserError: an activation or a projection is not finite.
    """
    for kind, values in (("activations", strongest), ("projections", projections)):
        nan_guard.check_finite(f"{probe.layer.name}/{kind}", float(np.abs(values).max()), step)
    numbers, activations = strongest.argmax(0), strongest.max(0)
    alive = activations > 0
    shown = np.unique(numbers[alive])
    return write_arrays(
        step=step,
        maps=np.arange(len(numbers)),
        images=np.where(alive, numbers, -1)[:, None],
        places=np.where(alive[:, None], places, 0)[:, None],
        activations=activations[:, None],
        projections=projections[:, None],
        receptive_field=probe.fields,
        method=DECONVNET,
        channels=len(numbers),
        inputs=digits.images[shown].reshape(-1, mnist.SIDE, mnist.SIDE),
        input_numbers=shown,
        labels=digits.labels,
        class_names=class_names,
    )


def write(logdir: str, step: int, layer: str, content: bytes) -> None:
    """Write the file of a step for one layer. After a kill or a power cut it is complete or absent.

    Raises:
        UserError: the file cannot be written.
    """
    target = folder(logdir, layer)
    with explain(target, f"to write the spots of step {step}", RESUME):
        durable.make_folder(target)
        durable.write(os.path.join(target, layout.name_with_step(layout.NUMBERS, step)), content)


def remove_from(logdir: str, step: int) -> None:
    """Remove the files of `step` and later steps, as `kept_kernels.remove_steps`."""
    for layer in CONVOLUTIONS:
        kept_kernels.remove_steps(folder(logdir, layer), _FILE, step)
