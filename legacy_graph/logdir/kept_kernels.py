"""The convolution weights of single training steps, as files. Does not import TensorFlow.

`train` keeps those of each image step, so that any of these steps can be looked at later. One file a step,
`kernels/step-000200.npz` in the log directory, 0.2 MB; a checkpoint has 39 MB. Its arrays, for each convolution layer:

    step            int64 [], training steps taken
    conv1/weights   float32 [height, width, C_in, C]
    conv1/bias      float32 [C]

The weights of the fully connected layers are not kept: the projections of a convolution layer do not need them, class
probabilities do. The zip format stores a checksum of each array, so damage is detected on reading.
"""

import contextlib
import io
import os
import re
from typing import Dict, List, Pattern

import numpy as np

from legacy_graph.data import npz
from legacy_graph.errors import RESUME, RETRY, UserError, explain, reason
from legacy_graph.logdir import durable, layout

KEPT_FILE = re.compile(r"step-(\d{6,})\.npz")


def kept_steps(logdir: str) -> List[int]:
    """The steps whose convolution weights a run has kept, ascending; none if there is no such run.

    Raises:
        UserError: the directory cannot be read.
    """
    names = layout.list_folder(os.path.join(logdir, layout.KERNELS), "kernels")
    return sorted(int(match.group(1)) for match in map(KEPT_FILE.fullmatch, names) if match)


def path(logdir: str, step: int) -> str:
    """The file of a step."""
    return os.path.join(logdir, layout.KERNELS, f"step-{step:06d}.npz")


def write(logdir: str, step: int, arrays: Dict[str, np.ndarray]) -> None:
    """Write the file of a step. After a kill or a power cut it is complete or absent.

    Args:
        logdir: the run's log directory.
        step: training steps taken.
        arrays: name -> weights, see above.

    Raises:
        UserError: the file cannot be written.
    """
    file = io.BytesIO()
    np.savez(file, step=np.array(step), **arrays)
    target = path(logdir, step)
    with explain(target, f"to write the kernels of step {step}", RESUME):
        durable.make_folder(os.path.dirname(target))
        durable.write(target, file.getvalue())


def read(logdir: str, step: int) -> Dict[str, np.ndarray]:
    """The arrays of a step, without `step`.

    Raises:
        UserError: the step was not kept, or its file is damaged or cannot be read.
    """
    source = path(logdir, step)
    try:
        with durable.open_regular(source) as file:
            kernels = npz.read(file)
    except FileNotFoundError as error:
        kept = ", ".join(map(str, kept_steps(logdir)))
        expected, hint = f"a step whose kernels the run has kept: {kept or 'none'}", "name one of these"
        raise UserError("--step", expected, step, hint if kept else "leave --step out, or train a new run") from error
    except OSError as error:
        raise UserError(source, "a readable file", reason(error), RETRY) from error
    except npz.DAMAGE as error:
        raise _damaged(source, "an intact file of kernels", "a damaged one") from error
    if not np.array_equal(kernels.pop("step", None), step):
        raise _damaged(source, f"the kernels of step {step}", "another step or none")
    return kernels


def remove_from(logdir: str, step: int) -> None:
    """Remove the files of `step` and later steps, as `remove_steps`."""
    remove_steps(os.path.join(logdir, layout.KERNELS), KEPT_FILE, step)


def remove_steps(folder: str, pattern: Pattern, step: int) -> None:
    """Remove the files of `step` and later steps, and drafts: a run that continues at `step` writes them again.

    Args:
        folder: may be missing.
        pattern: of the names of the files; its group is the step.
        step: training steps taken.

    Raises:
        UserError: the directory cannot be read.
    """
    for name in layout.list_folder(folder, "files of single steps"):
        match = pattern.fullmatch(name)
        if name.endswith(durable.DRAFT) or (match and int(match.group(1)) >= step):
            with contextlib.suppress(OSError):  # the run replaces it
                os.remove(os.path.join(folder, name))


def _damaged(source, expected, found):
    return UserError(source, expected, found, "remove the file: the other steps can then be read")
