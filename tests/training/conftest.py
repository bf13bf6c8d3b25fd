"""A small training run inside this process, which a test can stop at a step."""

import contextlib
import os
import shutil
import signal

import pytest

from legacy_graph.config import Config
from legacy_graph.data import mnist
from legacy_graph.training import loop
from legacy_graph.training.signals import Interrupted, deferred_signals
from tests.support.faulty_runs import OPTIONS
from tests.support.program import SAMPLE


@pytest.fixture(scope="module")
def data():
    """The sample, with fewer test digits: they take most of the time."""
    whole = mnist.load(SAMPLE)
    return whole._replace(test=mnist.Digits(whole.test.images[:50], whole.test.labels[:50]))


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    """The log directory of a run of 12 steps, with checkpoints at 0, 4, 8 and 12, of which the last three are kept."""
    folder = tmp_path_factory.mktemp("undisturbed")
    loop.run(Config(logdir=str(folder / "log"), **OPTIONS), data)
    yield str(folder / "log")
    shutil.rmtree(str(folder))


@pytest.fixture
def run(data, tmp_path, monkeypatch, capsys):
    """run(stop_at=STEP, **options): train in `run.logdir`, and return what is printed."""

    def run(stop_at=None, **options):
        def show(steps, start, total):
            for step, *_ in steps:
                run.seen.append(step)
                if step == stop_at:
                    os.kill(os.getpid(), signal.SIGTERM)
                yield step

        run.seen = []
        monkeypatch.setattr(loop.progress, "show_progress", show)
        stop = pytest.raises(Interrupted) if stop_at else contextlib.nullcontext()
        with stop, deferred_signals() as signals:
            loop.run(Config(logdir=run.logdir, **dict(OPTIONS, **options)), data, signals)
        return capsys.readouterr().out

    run.logdir = str(tmp_path / "log")
    yield run
    shutil.rmtree(str(tmp_path))  # a checkpoint is 39 MB
