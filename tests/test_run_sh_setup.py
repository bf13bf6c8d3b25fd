"""run.sh: how it creates, updates and protects the environment."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading

import pytest

from tests.support.checkout import LIMIT, Checkout, arguments, assert_refused


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_set_up_happens_once_with_hashes(checkout):
    assert checkout.run("setup").returncode == 0
    assert checkout.calls() == [
        f"venv {checkout.environment}", f"pip install --require-hashes -r {checkout.lock}"
    ]  # fmt: skip
    assert checkout.run("train").stderr_text == ""
    assert checkout.calls() == []


def test_a_changed_lock_updates_the_environment(checkout):
    checkout.run("setup")
    checkout.calls()
    checkout.require("tensorflow==2.22.0")
    assert checkout.run("train").returncode == 0
    assert checkout.called() == ["pip"]
    assert checkout.run("train").stderr_text == ""


def test_requirements_newer_than_the_lock_are_refused(checkout):
    """They must not be ignored in silence. `lock` itself runs, since it is what updates the lock."""
    checkout.run("setup")
    checkout.requirements.write_text("tensorflow==2.22.0\n")
    assert_refused(checkout.run("train"), "requirements.txt has changed", ".lock/run.txt", "bash run.sh lock")
    assert arguments(checkout.run("lock", "--upgrade")) == ["tests.lock_requirements", "--upgrade"]


@pytest.mark.parametrize("missing", [".lock/run.txt", ".lock/tests.txt"])
def test_a_missing_requirements_file_is_told_in_one_line(checkout, missing):
    (checkout.home / missing).unlink()
    assert_refused(checkout.run("test"), f"{missing}: restore it")


def test_a_full_disk_when_the_set_up_ends(checkout):
    checkout.run("setup")
    checkout.require("tensorflow==2.22.0")
    refused = checkout.run("setup", PIP=f"rm '{checkout.mark}'; ln -s /dev/full '{checkout.mark}'")
    assert_refused(refused, "cannot write", "disk full?")


FAILS = "echo ERROR: first; echo ERROR: No matching distribution found for tensorflow; exit 1"


@pytest.mark.parametrize("variables, parts", [
    ({"PIP": "kill -9 $PPID"}, None),
    ({"PIP": FAILS}, ["no network?", "No matching distribution found for tensorflow", "/.venv/setup.log"]),
    ({"MEETS": "1"}, ["has not installed the packages", "setup.log"]),  # pip succeeds and installs nothing
])  # fmt: skip
def test_a_set_up_that_did_not_end_starts_again(checkout, variables, parts):
    failed = checkout.run("train", **variables)
    if parts:
        assert_refused(failed, *parts)
    else:
        assert failed.returncode == -signal.SIGKILL
    process = checkout.run("train")
    assert arguments(process) == ["legacy_graph", "train"], process.stderr_text
    assert checkout.called() == ["venv", "pip"] * 2


def test_an_environment_without_its_python_is_created_again(checkout):
    checkout.run("setup")
    checkout.calls()
    (checkout.environment / "bin" / "python").unlink()
    (checkout.environment / "bin" / "old").touch()
    assert checkout.run("setup").returncode == 0
    assert checkout.called() == ["venv", "pip"]
    assert os.listdir(str(checkout.environment / "bin")) == ["python"]


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("linked", [True, False])
def test_an_environment_of_someone_else_is_left_alone(checkout, whole, linked):
    own = checkout.user / "environment" if linked else checkout.environment
    (own / "bin").mkdir(parents=True)
    (own / ".unfinished").touch()
    if linked:
        checkout.environment.symlink_to(own)
    if whole:
        shutil.copy(str(checkout.bin / "python3.11"), str(own / "bin" / "python"))
    for _ in range(2):
        refused = checkout.run("train", PIP="echo ERROR: no; exit 1")
        assert_refused(refused, f"{checkout.environment} was not created by this run.sh", "activate it", "move it away")
    assert checkout.calls() == []
    assert sorted(os.listdir(str(own))) == [".unfinished", "bin"]


def test_two_starts_at_once_set_up_once(checkout):
    first, second = [checkout.start("train", PIP="sleep 1") for _ in range(2)]
    errors = [process.communicate(timeout=LIMIT)[1] for process in (first, second)]
    assert first.returncode == second.returncode == 0
    assert checkout.called() == ["venv", "pip"]
    assert sorted("waiting for another run.sh" in error for error in errors) == [False, True]


@pytest.mark.parametrize("left", ["link to a process", "plain file", "lock file"])
def test_a_lock_left_over_does_not_stop_a_set_up(checkout, left):
    """Earlier versions made a symbolic link to the number of a process, which may be another process today."""
    if left == "link to a process":
        (checkout.home / ".venv.lock").symlink_to(str(os.getpid()))
    else:
        name = ".venv.lock" if left == "plain file" else ".venv.flock"
        (checkout.home / name).write_text(f"{os.getpid()}\n")
    for process in [checkout.start("train") for _ in range(4)]:
        _, errors = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, errors
    assert checkout.called() == ["venv", "pip"]


@pytest.mark.parametrize("create", [os.mkdir, os.mkfifo, lambda path: os.symlink("elsewhere", path)])
def test_a_lock_that_cannot_be_made_is_refused(checkout, create):
    create(str(checkout.home / ".venv.flock"))
    assert_refused(checkout.run("train"), ".venv.flock: remove it")
    assert checkout.calls() == [] and not (checkout.home / "elsewhere").exists()


def take_lock(checkout, changed):
    """The status and the lines of the step that takes the lock, after a change of its module."""
    code = f"import steps; {changed}; steps.lock('.venv')"
    command = ["sh", "-c", 'exec "$0" -c "$1" 9>>../.venv.flock', sys.executable, code]
    process = subprocess.run(command, cwd=str(checkout.steps.parent), stderr=subprocess.PIPE, encoding="utf-8")
    return process.returncode, process.stderr.splitlines()


def test_waiting_for_a_lock_has_a_limit(checkout):
    with open(str(checkout.home / ".venv.flock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        status, (waiting, given_up) = take_lock(checkout, "steps.LIMIT = 0.5")
    assert status and "waiting for another run.sh" in waiting and "still being set up after" in given_up


def test_a_file_system_without_locks(checkout):
    """As some network file systems: the set-up goes on and warns."""
    status, (warning,) = take_lock(checkout, "steps.fcntl.flock = lambda *_: open('/no such file')")
    assert status == 0 and "has no locks ([Errno 2]" in warning


def test_a_lock_outlives_a_killed_shell_as_long_as_its_pip(checkout):
    """The second start waits until the first one's pip ends, and then does the set-up again."""
    first = checkout.start("train", PIP="kill -9 $PPID; sleep 1; echo end >>$CALLS")
    first.wait(timeout=LIMIT)
    assert checkout.run("train").returncode == 0
    assert checkout.called() == ["venv", "pip", "end", "venv", "pip"]
    first.communicate()


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_the_set_up(checkout, number, status):
    process = checkout.start("train", PIP="echo started; sleep 1")
    threading.Timer(0.5, process.send_signal, [number]).start()
    process.communicate(timeout=LIMIT)
    assert process.returncode == status
    assert checkout.run("train").returncode == 0


def test_a_failure_of_pip_for_the_tests_leaves_training_ready(checkout):
    checkout.run("setup")
    assert_refused(checkout.run("test", PIP="case $* in *tests.txt) echo ERROR: no; exit 1; esac"), "no network?")
    checkout.calls()
    assert checkout.run("train").returncode == 0
    assert checkout.calls() == []


def test_a_failure_while_pip_installs_starts_again(checkout):
    """As on a full disk: some packages are replaced, others are not."""
    checkout.run("setup")
    checkout.require("tensorflow==2.22.0")
    fails = "echo Installing collected packages: tensorflow; echo ERROR: No space left on device; exit 1"
    assert_refused(checkout.run("train", PIP=fails), "No space left on device")
    checkout.require("tensorflow==2.21.0")
    checkout.calls()
    assert checkout.run("train").returncode == 0
    assert checkout.called() == ["venv", "pip"]
