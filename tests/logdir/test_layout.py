"""The log directory: one run at a time, and a run that is put aside stays whole."""

import os
import subprocess
import sys

import pytest

from legacy_graph.errors import UserError
from legacy_graph.logdir import layout
from tests.support.program import ROOT, SAMPLE, legacy_graph

HOLD = (
    "import sys; from legacy_graph.logdir import layout\n"
    "with layout.lock(sys.argv[1]): print('held', flush=True); input()"
)


@pytest.fixture
def place(tmp_path):
    return str(tmp_path / "log")


def fill(place, *parts):
    for part in parts:
        os.makedirs(os.path.join(place, part), exist_ok=True)
        with open(os.path.join(place, part, "content"), "w") as file:
            file.write(part)


def content(folder):
    """{relative path: text} of all files."""
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name)) as file:
                found[os.path.relpath(os.path.join(path, name), folder)] = file.read()
    return found


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


def test_a_run_is_moved_whole_and_nothing_else(place):
    fill(place, "train", "test", "projector", "features", "deconv", "checkpoints")
    before = content(place)
    fill(place, "notes")
    shelf = layout.archive(place)
    assert os.path.dirname(shelf) == os.path.join(place, "earlier")
    assert content(shelf) == before
    assert sorted(os.listdir(place)) == ["earlier", "notes"]
    assert layout.archive(place) is None


def test_two_runs_of_the_same_second_do_not_meet(place):
    shelves = set()
    for _ in range(3):
        fill(place, "train")
        os.utime(os.path.join(place, "train", "content"), (10**9, 10**9))
        shelves.add(layout.archive(place))
    assert len(shelves) == 3
    assert sorted(name.split("_")[2:] for name in os.listdir(os.path.join(place, "earlier"))) == [[], ["2"], ["3"]]


@pytest.mark.parametrize("moved", range(4))
def test_a_move_that_was_cut_off_is_brought_to_its_end(place, moved):
    """As a kill after `moved` of three directories leaves it."""
    parts = ["train", "test", "checkpoints"]
    fill(place, *parts)
    before = content(place)
    moving = os.path.join(place, "earlier", ".moving")
    os.makedirs(moving)
    for part in parts[:moved]:
        os.rename(os.path.join(place, part), os.path.join(moving, part))
    assert content(layout.archive(place)) == before
    assert not os.path.exists(moving)


def test_what_is_in_the_way_is_told(place):
    fill(place, "train")
    with open(os.path.join(place, "earlier"), "w") as file:
        file.write("mine")
    with pytest.raises(UserError, match=r"^--logdir: expected a writable directory, found .*; name another directory$"):
        layout.archive(place)
    assert content(place) == {"earlier": "mine", os.path.join("train", "content"): "train"}
