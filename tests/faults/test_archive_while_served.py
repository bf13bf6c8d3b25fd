"""A run is moved to `earlier` while TensorBoard serves the log directory."""

import contextlib
import os
import shutil
import subprocess
from urllib.error import HTTPError
from urllib.parse import quote

import pytest

from tests.support import board
from tests.support import faulty_runs as runs

pytestmark = pytest.mark.slow


def train(logdir, **options):
    subprocess.run(runs.words(logdir, **options), env=runs.environment(), stdout=subprocess.DEVNULL, check=True)


def served(address):
    """{run: [(step, loss), ...]}, as TensorBoard serves it."""
    found = {}
    for run in board.get(address + "data/runs"):
        if not run.endswith("projector"):
            with contextlib.suppress(HTTPError):  # the run is known, but its events are not read yet
                answer = board.get(f"{address}data/plugin/scalars/scalars?run={quote(run, safe='')}&tag=loss")
                found[run] = [(step, pytest.approx(value)) for _, step, value in answer]
    return found


def on_disk(logdir, name=""):
    """The same of the run in a directory, as the event files have it."""
    found = runs.curves(os.path.join(logdir, name))
    return {os.path.join(name, part): found[f"{part}/loss"] for part in ("train", "test")}


def test_tensorboard_shows_the_old_and_the_new_run(tmp_path):
    logdir = str(tmp_path / "log")
    train(logdir)
    old = list(on_disk(logdir).values())
    with board.tensorboard(logdir, "--reload_interval", "1") as address:
        assert served(address) == on_disk(logdir)
        train(logdir, seed=9)
        (when,) = runs.earlier(logdir)
        earlier, new = on_disk(logdir, os.path.join("earlier", when)), on_disk(logdir)
        assert list(earlier.values()) == old != list(new.values())
        board.soon(lambda: served(address) == dict(new, **earlier))
    shutil.rmtree(logdir)
