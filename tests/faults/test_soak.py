"""A long run: memory stays flat, the log grows linearly, and every dashboard has data at the end.

bash run.sh test -m slow -s tests/faults/test_soak.py
SOAK_STEPS=2000 bash run.sh test -m slow -s tests/faults/test_soak.py
"""

import os
import shutil

import numpy as np
import pytest

from tests.support import faulty_runs as runs
from tests.support.program import legacy_graph

pytestmark = pytest.mark.slow
STEPS = int(os.environ.get("SOAK_STEPS", "20000"))
# The default intervals.
OPTIONS = {
    "steps": STEPS, "batch_size": 50, "learning_rate": 1e-4, "summary_every": 10, "histogram_every": 100,
    "image_every": 200, "test_every": 100, "checkpoint_every": 200,
}  # fmt: skip


def memory(process):
    """Resident memory of the process in megabytes."""
    with open(f"/proc/{process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def written(logdir):
    """Size of the event files in megabytes."""
    folders = [os.path.join(logdir, part) for part in ("train", "test")]
    return sum(os.path.getsize(os.path.join(folder, name)) for folder in folders for name in os.listdir(folder)) / 1e6


def test_a_long_run(tmp_path):
    logdir, seen = str(tmp_path / "log"), []
    with runs.running(logdir, **OPTIONS) as process:
        for line in process.stderr:
            if line.startswith("step ") and process.poll() is None:
                seen.append((int(line.split()[1].split("/")[0]), memory(process), written(logdir)))
                print("step {:6}  memory {:7.1f} MB  log {:7.2f} MB".format(*seen[-1]))
        process.wait()
    assert process.returncode == 0
    step, held, log = np.array(seen[1:-1]).T  # the last sample is taken while the program ends
    half = len(held) // 2
    assert held[half:].max() < held[:half].max() * 1.05 + 10
    a, b = np.polyfit(step, log, 1)
    assert np.abs(a * step + b - log).max() < 0.05 * log[-1] + 0.5
    checked = legacy_graph("check", logdir)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert len([name for name in os.listdir(os.path.join(logdir, "checkpoints")) if name.endswith(".index")]) == 3
    shutil.rmtree(logdir)
