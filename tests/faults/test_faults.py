"""Real training processes that are interrupted or run out of resources: one line of output, and the run can resume."""

import fcntl
import os
import pty
import re
import resource
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import termios

import pytest

from legacy_graph.__main__ import main
from tests.support import faulty_runs as runs
from tests.support.faulty_runs import LONG, lines, newest
from tests.support.program import SAMPLE, SHORT_RUN, STEPS


@pytest.fixture
def place(tmp_path):
    """The log directory of a run."""
    yield str(tmp_path / "log")
    shutil.rmtree(str(tmp_path))  # a checkpoint is 39 MB


def test_a_signal_ends_the_step_and_prints_how_to_resume(place):
    """A run that is stopped by each signal in turn, and resumed each time. The next test sends SIGHUP."""
    step, resuming = 0, {"fresh": True}
    for by, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        code, out, err = runs.stopped(place, step=step + 50, by=by, **LONG, **resuming)
        assert code == status
        (line,) = lines(err)
        told, command = line.split("; to resume: ")
        # The printed command resumes: it has no --fresh.
        assert shlex.split(command)[1:] == runs.words(place, **LONG)[1:]
        assert (f"Resuming at step {step} of 1000 " in out) == (not resuming)
        assert newest(place) >= step + 50
        step, resuming = newest(place), {}
        assert told == f"legacy_graph: stopped at step {step} of 1000"
    assert main(runs.words(place, **dict(LONG, steps=step + 2))[3:]) == 0
    losses = [at for at, _ in runs.curves(place)["train/loss"]]
    assert losses == list(range(step + 3))


def test_a_terminal_that_is_closed_ends_the_step_and_saves(place):
    """A real terminal with a moving progress bar. After it is closed, nothing can be written to it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))  # a terminal of size 0 gets no bar
    # The terminal that the first process of a session opens becomes its own.
    own = ["bash", "-c", 'exec "$@" <"$0"', os.ttyname(theirs)]
    terminal = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    # Long steps, so that the bar is drawn once more in the step in which the terminal is closed.
    words = runs.words(place, **dict(LONG, batch_size=200, steps=200))
    with subprocess.Popen([*own, *words], env=runs.environment(), start_new_session=True, **terminal) as process:
        os.close(theirs)
        seen = b""
        while not re.search(rb" ([5-9]|[1-9]\d)%\|", seen):
            seen = seen[-1000:] + os.read(ours, 1000)
        os.close(ours)
        status = process.wait(timeout=60)
    assert 0 < newest(place) < 200
    assert status == 129


# A program that waits for signals as a training step does.
WAITS = """
import time
from legacy_graph.training import signals as deferred
with deferred.deferred_signals() as signals:
    print("ready", flush=True)
    while not signals: time.sleep(0.01)
    print(sorted(signals), flush=True)
    while True: time.sleep(0.01)
"""


@pytest.fixture
def waiting():
    """The stopped process of `WAITS`, which gets all signals at once when it continues."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", WAITS], env=runs.environment(), **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGSTOP)
        yield process
        process.kill()


def test_sigterm_and_sighup_together_count_as_one_signal(waiting):
    """A session that ends sends both at once; Python handles SIGHUP first."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCONT):
        waiting.send_signal(number)
    assert waiting.stdout.readline() == "[1, 15]\n"
    assert waiting.poll() is None


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_leaves_at_once(waiting, second):
    """The second signal kills the process, which a shell reports as 130 or 143."""
    waiting.send_signal(signal.SIGINT)
    if second == signal.SIGINT:  # two pending signals of one kind are delivered once
        waiting.send_signal(signal.SIGCONT)
        assert waiting.stdout.readline() == "[2]\n"
    waiting.send_signal(second)
    waiting.send_signal(signal.SIGCONT)
    assert waiting.wait(60) == -second


def test_a_signal_before_the_first_step(place):
    """While TensorFlow is still being imported."""
    with runs.running(place, **LONG) as process:
        runs.wait_until(lambda: os.path.exists(os.path.join(place, ".lock")))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("legacy_graph: stopped")
    assert "Traceback" not in err


def test_a_log_directory_that_is_removed(place):
    with runs.running(place, **LONG) as process:
        told = runs.wait_for_step(process, 50)
        shutil.rmtree(place)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    (line,) = lines("".join(told) + err)
    assert line.startswith(f"legacy_graph: {place}/train/events.out.tfevents.")
    assert "expected to write an event, found No such file or directory; fix this" in line
    os.makedirs(place)  # the fixture removes it


@pytest.mark.parametrize("limit, thing", [(1000, "an event"), (10**7, "the checkpoint of step 35")])
def test_no_more_room_for_a_file(place, trained, capsys, limit, thing):
    """A limit on file sizes while a run is resumed: events do not fit, or checkpoints do not."""
    shutil.copytree(trained.logdir, place)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        assert main(["train", "--logdir", place, "--data-dir", SAMPLE, *SHORT_RUN, "--steps", str(STEPS + 5)]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    (line,) = lines(capsys.readouterr().err)
    assert f"expected to write {thing}" in line
    assert "found File too large; fix this" in line
    assert newest(place) == STEPS
    assert not [name for name in os.listdir(os.path.join(place, "checkpoints")) if "temp" in name]
