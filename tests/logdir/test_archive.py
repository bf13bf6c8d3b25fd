"""A run that is put aside stays whole, and nothing else is moved."""

import os
import subprocess
import sys

import pytest

from legacy_graph.errors import UserError
from legacy_graph.logdir import layout
from tests.support.log_files import content, fill
from tests.support.program import ROOT, SAMPLE, legacy_graph


@pytest.fixture
def place(tmp_path):
    return str(tmp_path / "log")


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
        fill(place, "train", "checkpoints")
        for name in content(place):
            os.utime(os.path.join(place, name), (10**9, 10**9))
        shelves.add(layout.archive(place))
    assert len(shelves) == 3
    assert sorted(name.split("_")[2:] for name in os.listdir(os.path.join(place, "earlier"))) == [[], ["2"], ["3"]]


KILLED = (
    "import os, signal, sys; from legacy_graph.logdir import layout\n"
    "left, move = int(sys.argv[2]), os.rename\n"
    "def rename(*names):\n"
    "    global left\n"
    "    if not left: os.kill(os.getpid(), signal.SIGKILL)\n"
    "    left -= 1; move(*names)\n"
    "os.rename = rename\n"
    "layout.archive(sys.argv[1])\n"
)


@pytest.mark.parametrize("moves", range(5))
def test_a_killed_archive_never_leaves_a_run_to_resume(place, moves):
    """Killed before each of the four renames: the checkpoints are in their place with all the rest, or gone from it."""
    fill(place, "train", "test", "checkpoints")
    before = content(place)
    run = subprocess.run([sys.executable, "-c", KILLED, place, str(moves)], env=dict(os.environ, PYTHONPATH=ROOT))
    assert run.returncode == (0 if moves == 4 else -9)
    assert os.path.exists(os.path.join(place, "checkpoints", "options.json")) == (moves == 0)
    if moves < 4:
        assert content(layout.finish_archive(place) or layout.archive(place)) == before
    assert layout.finish_archive(place) is None
    assert len(os.listdir(os.path.join(place, "earlier"))) == 1


def test_a_split_run_is_archived_with_all_its_files(place):
    """An older version resumed a run half of which was moved: both places hold train, and files of the same name."""
    fill(place, "train", "checkpoints")
    os.makedirs(os.path.join(place, "earlier", ".moving", "train"))
    for name in ("events.out.tfevents.0", "events.out.tfevents.1"):
        with open(os.path.join(place, "earlier", ".moving", "train", name), "w") as file:
            file.write("before")
    shelf = layout.finish_archive(place)
    assert content(shelf) == {
        "checkpoints/options.json": "checkpoints",
        "train/events.out.tfevents.0": "before",
        "train/events.out.tfevents.1": "before",
        "train/events.out.tfevents.1_2": "train",
    }
    assert os.listdir(place) == ["earlier"]


def test_a_dangling_link_in_a_run_moves_with_it(place):
    fill(place, "train", "checkpoints")
    os.symlink("nowhere", os.path.join(place, "train", "link"))
    assert os.readlink(os.path.join(layout.archive(place), "train", "link")) == "nowhere"


@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize("name", ["train/cat.png", "test/cats/1.png", "train"])
def test_files_of_others_under_our_names_are_refused(tmp_path, ours, name):
    """A data set's train and test directories; nothing is moved, and nothing written."""
    place = str(tmp_path)
    fill(place, *(["checkpoints", "projector"] if ours else []))
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("mine")
    before = content(place)
    run = legacy_graph("train", "--logdir", place, "--data-dir", SAMPLE, "--steps", "1")
    assert run.returncode == 2
    assert run.stderr.startswith(f"legacy_graph: {os.path.join(place, name.split('/')[0])}: expected ")
    assert run.stderr.endswith("; move it away, or name another --logdir\n")
    assert run.stderr.count("\n") == 1
    assert content(place) == before
    with pytest.raises(UserError, match="move it away"):
        layout.archive(place)
    assert content(place) == before


def test_event_files_of_another_program_are_not_moved(place):
    fill(place, "train", "test")
    before = content(place)
    with pytest.raises(UserError, match="expected a run of this program, marked by checkpoints/options.json, found "):
        layout.archive(place)
    assert content(place) == before


def test_a_run_that_wrote_nothing_but_its_mark_is_not_archived(place):
    fill(place, "checkpoints")
    assert layout.archive(place) is None
    os.rename(
        os.path.join(place, "checkpoints", "options.json"), os.path.join(place, "checkpoints", "options.json.tmp")
    )
    assert layout.archive(place) is None


def test_what_is_in_the_way_is_told(place):
    fill(place, "train", "checkpoints")
    before = content(place)
    with open(os.path.join(place, "earlier"), "w") as file:
        file.write("mine")
    with pytest.raises(UserError, match=r"^--logdir: expected a writable directory, found .*; name another directory$"):
        layout.archive(place)
    assert content(place) == dict(before, earlier="mine")
