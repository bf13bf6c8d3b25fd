"""Checkpoints that a power cut or an unreadable file must not cost: what is synced before what is removed."""

import os

import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.logdir import durable
from legacy_graph.training import loop
from legacy_graph.training.checkpoints import Checkpoints, make_saver
from tests.support.log_files import content

IDENTITY = {"seed": 0, "batch_size": 50, "learning_rate": 1e-4, "keep_prob": 1.0, "data_dir": "9 digits"}
BROKEN = {"empty": "", "cut": '{"seed": ', "a list": "[1]", "brackets": "[" * 200_000}


@pytest.fixture
def start(tmp_path):
    """start(fresh=False) -> the step that a run with one variable begins with, its session and its checkpoints."""
    with tf.Graph().as_default() as graph:
        variable = tf.get_variable("weight", initializer=1.0)
        saver = make_saver()
    sessions = []

    def start(fresh=False):
        session = tf.Session(graph=graph)
        sessions.append(session)
        saved = Checkpoints(str(tmp_path / "log"), saver)
        return saved.resume_or_start(session, variable.initializer, IDENTITY, 100, fresh), session, saved

    with graph.as_default():
        yield start
    for session in sessions:
        session.close()


@pytest.fixture
def calls(monkeypatch):
    """The system calls ("fsync" | "remove" | "replace", name of the file), in their order."""
    calls = []

    def record(call, name_of):
        real = getattr(os, call)

        def recorded(first, *rest):
            calls.append((call, os.path.basename(name_of(first))))
            return real(first, *rest)

        monkeypatch.setattr(os, call, recorded)

    record("fsync", lambda descriptor: os.readlink(f"/proc/self/fd/{descriptor}"))
    record("remove", str)
    record("replace", str)
    return calls


def test_a_checkpoint_is_synced_before_an_older_is_removed(start, calls):
    step, session, saved = start()
    assert step == 0
    parts = [".data-00000-of-00001", ".index"]
    synced = [("fsync", f"model.ckpt-0{part}") for part in parts] + [("fsync", "checkpoints")]
    # The options come first, and are renamed only once the disk holds them.
    options = [("fsync", "options.json.tmp"), ("replace", "options.json.tmp"), ("fsync", "checkpoints")]
    assert calls == options + [("fsync", "log")] + synced
    for step in (10, 20):
        saved.save(session, step)
    del calls[:]
    saved.save(session, 30)
    synced = [("fsync", f"model.ckpt-30{part}") for part in parts] + [("fsync", "checkpoints")]
    assert calls[:3] == synced
    assert sorted(calls[3:]) == [("remove", f"model.ckpt-0{part}") for part in parts]


def test_a_new_folder_is_synced_into_those_above_it(tmp_path, calls):
    """A file in it that is synced would otherwise be lost with the entry of its directory."""
    folder = tmp_path / "features" / "conv1-training"
    durable.make_folder(str(folder))
    assert calls == [("fsync", tmp_path.name), ("fsync", "features")]
    durable.make_folder(str(folder))
    assert folder.is_dir() and len(calls) == 2


def test_a_sync_that_fails_removes_nothing(start, monkeypatch):
    """The kernel reports here that the disk took no data."""
    _, session, saved = start()
    for step in (10, 20):
        saved.save(session, step)

    def fail(descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UserError, match="to write the checkpoint of step 30, found Input/output error"):
        saved.save(session, 30)
    monkeypatch.undo()
    steps = {name.split("-")[1].split(".")[0] for name in os.listdir(saved._folder) if name.startswith("model")}
    assert steps >= {"0", "10", "20"}
    assert start()[0] == 30  # it can be read after all; the next start goes on


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = str(tmp_path / "file")
    durable.write(path, b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        durable.write(path, b"new")
    assert (tmp_path / "file").read_text() == "old"


def spoil_with_a_directory(path):
    os.remove(path)
    os.mkdir(path)


def spoil_with_an_io_error(path):
    """Reading the first byte of one's own memory is EIO, for root too."""
    os.remove(path)
    os.symlink("/proc/self/mem", path)


@pytest.mark.parametrize("spoil", [spoil_with_a_directory, spoil_with_an_io_error])
@pytest.mark.parametrize("ending", [".index", ".data-00000-of-00001"])
def test_an_unreadable_checkpoint_is_not_a_damaged_one(start, tmp_path, spoil, ending):
    _, session, saved = start()
    saved.save(session, 10)
    spoil(str(tmp_path / "log" / "checkpoints" / f"model.ckpt-10{ending}"))
    before = sorted(os.listdir(saved._folder))
    with pytest.raises(UserError, match="model.ckpt-10: expected a readable checkpoint, found .*; fix this"):
        start()
    assert sorted(os.listdir(saved._folder)) == before
    assert os.listdir(str(tmp_path / "log")) == ["checkpoints"]


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_broken_options_beside_whole_weights_are_refused(start, tmp_path, text):
    _, session, saved = start()
    saved.save(session, 10)
    options = tmp_path / "log" / "checkpoints" / "options.json"
    whole = options.read_text()
    options.write_text(text)
    with pytest.raises(
        UserError, match="options.json: expected the options of a run as JSON, found .*--fresh"
    ) as caught:
        start()
    assert len(str(caught.value)) < 400
    assert os.listdir(str(tmp_path / "log")) == ["checkpoints"]
    options.write_text(whole)
    assert start()[0] == 10
    options.write_text(text)
    assert start(fresh=True)[0] == 0
    (shelf,) = (tmp_path / "log" / "earlier").iterdir()
    assert (shelf / "checkpoints" / "model.ckpt-10.index").exists()


def test_an_interrupted_archive_is_finished_first(start, tmp_path, capsys):
    """The checkpoints were moved, and train was not: the same command must not go on in half a run."""
    _, session, saved = start()
    saved.save(session, 10)
    (tmp_path / "log" / "train").mkdir()
    (tmp_path / "log" / "train" / "events.out.tfevents.1").write_text("old")
    (tmp_path / "log" / "earlier" / ".moving").mkdir(parents=True)
    (tmp_path / "log" / "checkpoints").rename(tmp_path / "log" / "earlier" / ".moving" / "checkpoints")
    capsys.readouterr()
    assert start()[0] == 0
    (shelf,) = (tmp_path / "log" / "earlier").iterdir()
    assert capsys.readouterr().out.endswith(f"is finished: the run is now in {shelf}\n")
    assert content(str(shelf / "train")) == {"events.out.tfevents.1": "old"}
    assert not (tmp_path / "log" / "train").exists()


def test_what_a_kill_left_in_the_checkpoints_is_removed(start):
    _, session, saved = start()
    saved.save(session, 10)
    left = ["model.ckpt-20.data-00000-of-00001", "model.ckpt-20.index.tempstate123", "checkpoint.tmp0ab"]
    for name in left + ["mine.txt"]:
        with open(os.path.join(saved._folder, name), "w"):
            pass
    assert start()[0] == 10
    assert not set(left) & set(os.listdir(saved._folder))
    assert "mine.txt" in os.listdir(saved._folder)


def test_events_are_synced_before_each_checkpoint(run, monkeypatch):
    """Otherwise a power cut could leave a checkpoint whose steps are missing in the curves."""
    calls, sync, save = [], os.fsync, loop._save

    def recorded_sync(file):
        calls.append(os.path.basename(os.path.dirname(os.readlink(f"/proc/self/fd/{file}"))))
        sync(file)

    monkeypatch.setattr(os, "fsync", recorded_sync)
    monkeypatch.setattr(loop, "_save", lambda *arguments: calls.append("save") or save(*arguments))
    run(steps=8)
    saves = [number for number, call in enumerate(calls) if call == "save"]
    assert len(saves) == 2
    for begin, end in zip([0, *saves], saves):
        assert {"train", "test"} <= set(calls[begin:end])
