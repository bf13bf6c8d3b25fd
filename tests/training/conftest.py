"""A small training run inside this process, which a test can stop at a step."""

import contextlib
import os
import shutil
import signal

import pytest

from legacy_graph.config import Config
from legacy_graph.data import mnist
from legacy_graph.errors import Interrupted
from legacy_graph.training import loop
from legacy_graph.training.signals import deferred_signals
from tests.support.faulty_runs import OPTIONS
from tests.support.program import SAMPLE


@pytest.fixture(scope="session")
def data():
    """The sample, with fewer test digits: they take most of the time."""
    whole = mnist.load(SAMPLE)
    return whole._replace(test=mnist.Digits(whole.test.images[:50], whole.test.labels[:50]))


@pytest.fixture(scope="session")
def undisturbed(data, tmp_path_factory):
    """The log directory of a run of 12 steps, with checkpoints at 0, 4, 8 and 12, of which the last three are kept."""
    folder = tmp_path_factory.mktemp("undisturbed")
    train(str(folder / "log"), data)
    yield str(folder / "log")
    shutil.rmtree(str(folder))


@pytest.fixture(scope="session")
def stopped_at_6(data, tmp_path_factory):
    """The log directory of the same run, stopped after step 5, with checkpoints at 0, 4 and 6."""
    folder = tmp_path_factory.mktemp("stopped")
    train(str(folder / "log"), data, stop_at=5)
    yield str(folder / "log")
    shutil.rmtree(str(folder))


def train(logdir, data, stop_at=None, **options):
    """Train, and send SIGTERM in step `stop_at`; returns the steps that were taken."""
    seen = []

    def show(steps, start, total):
        for step, *_ in steps:
            seen.append(step)
            if step == stop_at:
                os.kill(os.getpid(), signal.SIGTERM)
            yield step

    stop = contextlib.nullcontext() if stop_at is None else pytest.raises(Interrupted)
    with pytest.MonkeyPatch.context() as patch, stop, deferred_signals() as signals:
        patch.setattr(loop.progress, "show_progress", show)
        loop.run(Config(logdir=logdir, **dict(OPTIONS, **options)), data, signals)
    return seen


@pytest.fixture
def run(data, tmp_path, capsys):
    """run(stop_at=STEP, **options): train in `run.logdir`, keep the steps in `run.seen`, return what is printed."""

    def run(stop_at=None, **options):
        run.seen = train(run.logdir, data, stop_at, **options)
        return capsys.readouterr().out

    run.logdir = str(tmp_path / "log")
    yield run
    shutil.rmtree(str(tmp_path))  # a checkpoint is 39 MB


@pytest.fixture
def stopped(run, stopped_at_6, capsys):
    """`run`, on a copy of the run that was stopped after step 5."""
    shutil.copytree(stopped_at_6, run.logdir)
    capsys.readouterr()
    return run
