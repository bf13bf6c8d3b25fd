"""A run that is killed thirty times and resumed ends with the same files as a run that was never stopped, bit for bit.

    bash run.sh test -m slow tests/faults/test_kill.py

This is possible because batches and dropout depend only on seed and step, and TensorFlow's sums on the CPU do not
depend on the order of the threads.
"""

import os
import random
import shutil
import time

import pytest

from tests.support import faulty_runs as runs

pytestmark = pytest.mark.slow
OPTIONS = {
    "steps": 400,
    "batch_size": 10,
    "histogram_every": 10,
    "image_every": 50,
    "test_every": 50,
    "checkpoint_every": 2,
}
# The moments of the kills: any, while a checkpoint is being written, while the program is starting.
KILLS = ["any"] * 16 + ["writing"] * 8 + ["starting"] * 6


@pytest.fixture
def place(tmp_path):
    yield tmp_path
    shutil.rmtree(str(tmp_path))


def entries(logdir):
    folder = os.path.join(logdir, "checkpoints")
    return os.listdir(folder) if os.path.isdir(folder) else []


def newest(logdir):
    return max([int(name.split("-")[1][: -len(".index")]) for name in entries(logdir) if name.endswith(".index")] + [0])


def kill(process, logdir, when, chance):
    """Send SIGKILL at a random moment of that kind; returns the number of temporary checkpoint files that remain."""
    begun = newest(logdir)
    if when == "starting":
        time.sleep(chance.uniform(0, 4))
    else:
        far = begun + chance.randint(1, 8)
        runs.wait_until(lambda: process.poll() is not None or newest(logdir) >= far, 120)
        if when == "writing":
            runs.wait_until(lambda: any("tempstate" in name for name in entries(logdir)))
        time.sleep(chance.uniform(0, 0.1 if when == "any" else 0.02))
    process.kill()
    _, err = process.communicate()
    assert process.returncode == -9, err
    return sum("temp" in name for name in entries(logdir))


def test_thirty_kills(place):
    chance = random.Random(20180814)
    chance.shuffle(KILLS)
    logdir, undisturbed, half_done = str(place / "log"), str(place / "undisturbed"), 0
    for when in KILLS:
        with runs.running(logdir, **OPTIONS) as process:
            half_done += bool(kill(process, logdir, when, chance))
    assert half_done >= 3, "too few kills came while a checkpoint was being written"
    for directory in (logdir, undisturbed):
        with runs.running(directory, **OPTIONS) as process:
            out, err = process.communicate()
        assert process.returncode == 0, err
        print(out)
    print(f"{half_done} of {len(KILLS)} kills came while a checkpoint was being written")
    assert not os.path.exists(os.path.join(logdir, "earlier"))
    runs.assert_same(logdir, undisturbed)
    assert [step for step, _ in runs.curves(logdir)["train/loss"]] == list(range(401))
