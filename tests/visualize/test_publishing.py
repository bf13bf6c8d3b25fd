"""What features and deconv publish survives a kill, two publishers at once, and results of another source."""

import io
import itertools
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

from legacy_graph.errors import UserError
from legacy_graph.visualize import publishing
from tests.support.program import ROOT
from tests.support.published import events_of, images_of, read_npz

FILES = ("features.npz", "features.png")
# The system calls of a publication into a directory that exists, in their order.
CALLS = ["mkdir"] * 2 + ["fsync"] * 4 + ["rename"] + ["replace"] * 3 + ["remove", "rmdir"]
COMMIT = CALLS.index("rename") + 1
# Publishes a number as the step and as the content of the files.
PUBLISH = """
import os, signal, sys
import numpy as np
from legacy_graph.visualize import publishing
def publish(folder, step, source=None):
    files = {name: str(step).encode() for name in ("features.npz", "features.png")}
    return publishing.publish(folder, step, {"sheet": np.full([2, 2], step, np.uint8)}, files, source)
"""
# Publishes 1 in the directory sys.argv[1]/K/features/conv2 for each K, then 2 in a child that is killed before call K.
KILLED = (
    PUBLISH
    + """
calls = []
def count(name):
    real = getattr(os, name)
    def counted(*words, **options):
        calls.append(name)
        if len(calls) == killed_at: os.kill(os.getpid(), signal.SIGKILL)
        return real(*words, **options)
    setattr(os, name, counted)
for killed_at in range(1, int(sys.argv[2]) + 2):
    folder = os.path.join(sys.argv[1], str(killed_at), "features", "conv2")
    publish(folder, 1)
    with open(os.path.join(folder, "mine.txt"), "w") as file: file.write("mine")
    child = os.fork()
    if not child:
        for name in ("mkdir", "fsync", "rename", "replace", "remove", "rmdir"): count(name)
        publish(folder, 2)
        print(*calls, flush=True)
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)
"""
)
# Four children publish in sys.argv[1]; the source of the first and the last is the same.
WAITING = (
    PUBLISH
    + """
started = []
for step, source in enumerate("abca"):
    started.append(os.fork())
    if not started[-1]:
        os.write(1, b"started\\n")
        publish(sys.argv[1], step, source)
        os._exit(0)
for child in started: print(os.waitpid(child, 0)[1], flush=True)
"""
)


def start(code, *words):
    command = [sys.executable, "-c", code, *map(str, words)]
    environment = dict(os.environ, PYTHONPATH=ROOT)
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def publish(folder, step, source=None):
    files = {name: str(step).encode() for name in FILES}
    return publishing.publish(str(folder), step, {"sheet": np.full([2, 2], step, np.uint8)}, files, source)


def read(folder):
    """The content of the two files, and the step of the event file."""
    texts = []
    for name in FILES:
        with open(os.path.join(str(folder), name)) as file:
            texts.append(file.read())
    return (*texts, images_of(str(folder))["sheet"][0])


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The directory in which `KILLED` ran, and the lines that it printed."""
    place = tmp_path_factory.mktemp("killed")
    out, err = start(KILLED, place, len(CALLS)).communicate()
    return place, out.decode().splitlines(), err


def test_a_publication_makes_the_expected_calls(killed):
    """Each file is on the disk before the rename that decides, and all files move after it."""
    assert killed[1] == [str(int(signal.SIGKILL))] * len(CALLS) + [" ".join(CALLS), "0"], killed[2]


@pytest.mark.parametrize("call", range(1, len(CALLS) + 1))
def test_a_killed_publisher_leaves_one_set_of_results(killed, call):
    """Before the rename all results are old. After it the next command makes all of them new."""
    place = killed[0] / str(call)
    folder = place / "features" / "conv2"
    if call <= COMMIT:
        assert read(folder) == ("1", "1", 1)
    assert list(EventMultiplexer().AddRunsFromDirectory(str(place)).Runs()) == ["features/conv2"]  # no draft
    publishing.finish_publishing(str(place))
    assert read(folder) == (("1", "1", 1) if call <= COMMIT else ("2", "2", 2))
    assert publish(folder, 3) == str(folder)
    assert read(folder) == ("3", "3", 3)
    names = sorted(name for name in os.listdir(str(folder)) if "tfevents" not in name)
    assert names == ["features.npz", "features.png", "mine.txt"]
    assert os.listdir(str(place / "features")) == ["conv2"]


def test_a_kill_before_the_first_results_leaves_the_name_free(tmp_path):
    (tmp_path / "one" / publishing.DRAFT).mkdir(parents=True)
    assert publish(tmp_path / "one", 1, "a") == str(tmp_path / "one")


def test_a_draft_that_fails_leaves_the_old_results(tmp_path):
    publish(tmp_path / "one", 1)
    with pytest.raises(UserError, match="No such file or directory"):
        publishing.publish(str(tmp_path / "one"), 2, {}, {"no/such/directory": b""})
    assert read(tmp_path / "one") == ("1", "1", 1)
    assert publishing.DRAFT not in os.listdir(str(tmp_path / "one"))


def test_results_of_another_source_get_a_number(tmp_path):
    """Also beside results that name no source, as earlier versions wrote them."""
    places = [publish(tmp_path / "one", step, source) for step, source in enumerate("abacb")]
    assert [os.path.basename(place) for place in places] == ["one", "one_2", "one", "one_3", "one_2"]
    assert [read(tmp_path / name)[2] for name in ("one", "one_2", "one_3")] == [2, 4, 3]
    publish(tmp_path / "old", 7)
    assert publish(tmp_path / "old", 8, "a") == str(tmp_path / "old_2")
    assert read(tmp_path / "old") == ("7", "7", 7)


def test_names_that_run_into_each_other_lose_nothing(tmp_path):
    """`digit_2` is the name of a picture, and what a second `digit` would be called."""
    sources = ["digit", "more/digit", "digit_2", "digit_2_2"]
    for number, order in enumerate(itertools.permutations(sources)):
        place = tmp_path / str(number)
        places = [publish(place / os.path.basename(source), step, source) for step, source in enumerate(order)]
        assert [read(one)[2] for one in places] == [0, 1, 2, 3]


def test_publishers_wait_for_each_other(tmp_path):
    """Four processes; two of them publish results of the same source, and no other results are replaced."""
    folder = str(tmp_path / "conv2")
    os.mkdir(folder)
    with publishing._locked(folder):
        process = start(WAITING, folder)
        assert [process.stdout.readline() for _ in range(4)] == [b"started\n"] * 4
        time.sleep(0.5)
        assert os.listdir(folder) == []
    out, err = process.communicate(timeout=60)
    assert out == b"0\n" * 4, err
    found = {name: read(tmp_path / name) for name in os.listdir(str(tmp_path))}
    assert sorted(found) == ["conv2", "conv2_2", "conv2_3"]
    for *texts, step in found.values():
        assert texts == [str(step)] * 2  # all files of the same publisher
    assert {step % 3 for *_, step in found.values()} == {0, 1, 2}


def numbers(step):
    file = io.BytesIO()
    np.savez(file, step=step)
    return {"features.npz": file.getvalue()}


def kept(folder):
    return [name for name in sorted(os.listdir(str(folder))) if name.endswith(".npz")]


def test_numbers_published_during_the_wait_are_kept(tmp_path):
    publishing.publish(str(tmp_path), 10, {}, numbers(10))
    with publishing._locked(str(tmp_path)):
        options = {"step": 30, "images": {}, "files": numbers(30), "keep_earlier": True}
        waiting = threading.Thread(target=publishing.publish, args=[str(tmp_path)], kwargs=options, daemon=True)
        waiting.start()
        time.sleep(0.3)
        assert kept(tmp_path) == ["features.npz"]
        publishing._replace(str(tmp_path), 20, {}, numbers(20))
    waiting.join(60)
    assert kept(tmp_path) == ["features-20.npz", "features.npz"]


def test_numbers_of_another_step_are_kept(tmp_path):
    folder = str(tmp_path / "conv2")
    for step in (10, 10, 20, 30):
        publishing.publish(folder, step, {}, numbers(step), keep_earlier=True)
    names = kept(folder)
    assert names == ["features-10.npz", "features-20.npz", "features.npz"]
    steps = []
    for name in names:
        file = read_npz(folder, name)
        steps.append(int(file["step"]))
    assert steps == [10, 20, 30]
    for content in (b"", b"damaged", numbers([40, 50])["features.npz"]):
        (tmp_path / "conv2" / "features.npz").write_bytes(content)
        publishing.publish(folder, 40, {}, {}, keep_earlier=True)
    assert len(os.listdir(folder)) == 4


def test_a_failed_copy_is_not_taken_for_earlier_numbers(tmp_path, monkeypatch):
    """On a file system without hard links, whose disk is full at the first attempt."""

    def fail(source, target):
        with open(target, "wb") as file:
            file.write(b"part")
        raise OSError("disk full")

    np.savez(str(tmp_path / "features.npz"), step=100)
    complete = (tmp_path / "features.npz").read_bytes()
    monkeypatch.setattr(os, "link", lambda source, target: fail(source, os.devnull))
    with monkeypatch.context() as full:
        full.setattr(publishing.shutil, "copy2", fail)
        with pytest.raises(UserError, match="disk full"):
            publishing.publish(str(tmp_path), 200, {}, {"features.npz": b"new"}, keep_earlier=True)
    publishing.publish(str(tmp_path), 200, {}, {"features.npz": b"new"}, keep_earlier=True)
    assert (tmp_path / "features-100.npz").read_bytes() == complete


def sheet(step, value):
    return {"features/sheet": np.full([2, 2], value, np.uint8)}, {"features.npz": numbers(step)["features.npz"]}


def test_pictures_of_other_steps_stay(tmp_path):
    """In the order of the steps, whatever the order in which they were published; of the same step the last counts."""
    folder = str(tmp_path / "conv2")
    for step, value in ((20, 1), (10, 2), (30, 3), (10, 4)):
        publishing.publish(folder, step, *sheet(step, value), keep_earlier=True)
    publishing.publish(folder, 30, {"evolution/sheet": np.zeros([2, 2], np.uint8)}, {}, keep_earlier=True)
    found = events_of(folder)
    assert [(step, picture[0, 0]) for step, picture in found["features/sheet"]] == [(10, 4), (20, 1), (30, 3)]
    assert [step for step, _ in found["evolution/sheet"]] == [30]
    assert kept(folder) == ["features-10.npz", "features-20.npz", "features.npz"]
    file = read_npz(folder, "features.npz")
    assert file["step"] == 30
