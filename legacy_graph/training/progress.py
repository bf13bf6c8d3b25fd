"""Progress output: a bar on a terminal, else plain lines."""

import contextlib
import sys
import time
from typing import Iterable, Iterator, Optional, Tuple

from tqdm import tqdm

LINES = 20  # per run, if the output is not a terminal


def show_progress(steps: Iterable[Tuple[int, float, Optional[float]]], start: int, total: int) -> Iterator[int]:
    """Yield the step numbers, and show step, loss, accuracy, speed and remaining time.

    Args:
        steps: (step, loss, accuracy of the batch in [0, 1] or None if it was not computed).
        start: the first step of the run.
        total: the last step of the run.
    """
    terminal, begun, accuracy = sys.stderr.isatty(), time.monotonic(), None
    every = max(1, total // LINES)
    with tqdm(total=total, initial=start, unit="step", disable=not terminal, dynamic_ncols=True) as bar:
        for step, loss, tested in steps:
            accuracy = accuracy if tested is None else tested
            if terminal:
                bar.set_postfix_str(f"loss {loss:.2f}, accuracy {accuracy or 0:.3f}", refresh=False)
                bar.update(step - bar.n)
            elif step % every == 0 and step > start:
                speed = (step - start) / max(time.monotonic() - begun, 1e-9)  # a coarse clock may not advance
                line = "step {:>{}}/{}  loss {:8.2f}  accuracy {:.3f}  {:5.1f} steps/s  {:4.0f} s left".format(
                    step, len(str(total)), total, loss, accuracy or 0, speed, (total - step) / speed
                )
                with contextlib.suppress(OSError):  # a broken pipe must not stop the run
                    print(line, file=sys.stderr, flush=True)
            yield step
