"""The log directory: one run at a time, and a run that is put aside stays whole."""

import errno
import fcntl
import os
import shlex
import subprocess
import sys

import pytest

from legacy_graph.errors import UserError
from legacy_graph.logdir import layout
from tests.support.log_files import content
from tests.support.program import ROOT, SAMPLE, legacy_graph

HOLD = (
    "import sys; from legacy_graph.logdir import layout\n"
    "with layout.lock(sys.argv[1]): print('held', flush=True); input()"
)


@pytest.fixture
def place(tmp_path):
    return str(tmp_path / "log")


def test_a_second_run_is_refused_and_a_dead_one_is_no_obstacle(place):
    command = [sys.executable, "-c", HOLD, place]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as holder:
        assert holder.stdout.readline() == b"held\n"
        run = legacy_graph("train", "--logdir", place, "--data-dir", SAMPLE, "--steps", "1")
        holder.kill()
    assert run.returncode == 2
    assert run.stderr == (
        f"legacy_graph: --logdir: expected a directory that no other run is using, found process {holder.pid} "
        f"writing to {place!r}; wait for it, or name another directory\n"
    )
    assert content(place) == {".lock": f"{holder.pid}\n"}  # the second has touched nothing
    with layout.lock(place):  # the lock has died with its process
        assert content(place) == {".lock": f"{os.getpid()}\n"}


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
def test_a_file_system_without_locks_gets_a_warning(place, monkeypatch, capsys, number):
    """Some Lustre, NFS and FUSE mounts. Other errors are refused, because they mean a damaged file system."""

    def flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    if number == errno.EIO:
        with pytest.raises(UserError, match="writable"):
            layout.lock(place).__enter__()
        return
    with layout.lock(place):
        assert content(place) == {".lock": f"{os.getpid()}\n"}
    error = capsys.readouterr().err
    assert repr(place) in error and os.strerror(number) in error and error.count("\n") == 1


def test_the_lock_ends_with_its_block(place):
    """Another process is refused inside the block, and takes the lock after it, while this process goes on."""
    other = [sys.executable, "-c", HOLD, place]
    with layout.lock(place):
        assert subprocess.run(other, input=b"\n", stderr=subprocess.PIPE, cwd=ROOT).returncode == 1
    assert subprocess.run(other, input=b"\n", stdout=subprocess.PIPE, cwd=ROOT).stdout == b"held\n"


def test_a_place_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("mine")
    place = str(tmp_path / "file" / "log")
    run = legacy_graph("train", "--logdir", place, "--data-dir", SAMPLE)
    assert run.returncode == 2
    assert run.stderr == (
        f"legacy_graph: --logdir: expected a writable directory, found {place!r} (Not a directory); "
        "name another directory\n"
    )
    assert (tmp_path / "file").read_text() == "mine"


def test_the_root_directory_is_no_log_directory(tmp_path):
    os.symlink("/", str(tmp_path / "link"))
    before = sorted(os.listdir("/"))
    for root in ("/", "//", str(tmp_path / "link")):
        with pytest.raises(UserError, match="^--logdir: expected a directory for training runs, found the root"):
            layout.lock(root).__enter__()
    assert sorted(os.listdir("/")) == before


def test_a_lock_that_is_a_link_leaves_its_target_alone(tmp_path, place):
    (tmp_path / "mine").write_text("mine")
    os.mkdir(place)
    os.symlink(str(tmp_path / "mine"), os.path.join(place, ".lock"))
    with pytest.raises(UserError, match="^--logdir: expected a writable directory, found .*symbolic links"):
        layout.lock(place).__enter__()
    assert (tmp_path / "mine").read_text() == "mine"


def test_the_holder_of_a_lock_is_named_though_it_writes_late(place):
    """A process that took the lock, and writes its number only later; an old number is in the file until then."""
    code = (
        "import fcntl, os, sys, time\n"
        "file = open(sys.argv[1], 'w'); fcntl.flock(file, fcntl.LOCK_EX); print('held', flush=True)\n"
        "time.sleep(0.3); print(os.getpid(), file=file, flush=True); input()\n"
    )
    os.mkdir(place)
    command = [sys.executable, "-c", code, os.path.join(place, ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match=f"found process {holder.pid} writing"):
            layout.lock(place).__enter__()
        holder.kill()


def test_the_printed_command_is_called_like_this_one(place, monkeypatch):
    """tests/training/test_projector.py runs it."""
    monkeypatch.delenv("LEGACY_GRAPH_LAUNCHER", raising=False)
    words = shlex.split(layout.tensorboard_command(place))
    assert words == [sys.executable, "-m", "legacy_graph", "tensorboard", "--logdir", place]
    monkeypatch.setenv("LEGACY_GRAPH_LAUNCHER", "a b/run.sh")
    monkeypatch.delenv("PYTHON", raising=False)
    assert shlex.split(layout.tensorboard_command(place))[:3] == ["bash", "a b/run.sh", "tensorboard"]
    monkeypatch.setenv("PYTHON", "python3")
    assert shlex.split(layout.tensorboard_command(place))[:3] == ["PYTHON=python3", "bash", "a b/run.sh"]
