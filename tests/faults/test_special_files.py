"""FIFOs, sockets and devices with the names of files that a command opens: one line, and no command waits for ever."""

import os
import shutil
import socket

import numpy as np
import pytest
from PIL import Image

from legacy_graph.__main__ import main
from legacy_graph.errors import UserError
from legacy_graph.logdir import layout
from legacy_graph.visualize import publishing
from tests.support import faulty_runs as runs
from tests.support.log_files import fill
from tests.support.program import SAMPLE, legacy_graph

LINE = "expected a regular file, found a FIFO, a socket or a device; move it away, or name another --logdir\n"
NAMES = [
    "train/events.out.tfevents.9", "test/events.out.tfevents.9", "checkpoints/options.json",
    "checkpoints/options.json.tmp", "checkpoints/model.ckpt-9.index", "checkpoints/model.ckpt-9.data-00000-of-00001",
    "checkpoints/checkpoint", "projector/sprite.png", "projector/projector_config.pbtxt",
]  # fmt: skip


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path)


def link_to_a_device(path):
    os.symlink("/dev/zero", path)


def replace_by_fifo(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        os.remove(path)
    os.mkfifo(path)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_refuses_a_fifo_among_its_files(tmp_path, name):
    """A run of this program has used the directory: it has a lock file."""
    place = str(tmp_path)
    fill(place, "train", "test", "checkpoints", "projector")
    (tmp_path / ".lock").touch()
    replace_by_fifo(os.path.join(place, name))
    run = legacy_graph("train", "--logdir", place, "--data-dir", SAMPLE)
    assert (run.returncode, run.stderr) == (2, f"legacy_graph: {os.path.join(place, name)}: {LINE}")


@pytest.mark.parametrize("make", [make_socket, link_to_a_device])
def test_sockets_and_devices_are_refused_too(tmp_path, monkeypatch, make):
    fill(str(tmp_path), "train", "checkpoints")
    (tmp_path / ".lock").touch()
    monkeypatch.chdir(str(tmp_path / "train"))  # the path of a socket has at most 107 bytes
    make("events.out.tfevents.9")
    with pytest.raises(UserError, match="tfevents.9: expected a regular file"), layout.lock(str(tmp_path)):
        pass


def test_a_fifo_as_lock_file(tmp_path):
    os.mkfifo(str(tmp_path / ".lock"))
    run = legacy_graph("train", "--logdir", str(tmp_path), "--data-dir", SAMPLE)
    assert run.returncode == 2
    assert run.stderr.startswith("legacy_graph: --logdir: expected a writable directory, found ")
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["options.json", "model.ckpt-30.index", "model.ckpt-30.data-00000-of-00001"])
def test_deconv_refuses_a_fifo_in_the_checkpoints(trained, tmp_path, name, capsys, deadline):
    place, picture = str(tmp_path / "log"), str(tmp_path / "picture.png")
    shutil.copytree(trained.logdir, place)
    path = os.path.join(place, "checkpoints", name)
    replace_by_fifo(path)
    Image.fromarray(np.tri(40, 30, -5, np.uint8) * 255).save(picture)
    assert main(["deconv", picture, "--logdir", place]) == 2
    (line,) = runs.lines(capsys.readouterr().err)
    assert line.startswith(f"legacy_graph: {os.path.splitext(path)[0]}")
    assert "found not a regular file; " in line
    shutil.rmtree(place)


def test_source_txt_as_a_fifo_gets_another_directory(tmp_path, deadline):
    os.mkdir(str(tmp_path / "one"))
    os.mkfifo(str(tmp_path / "one" / "source.txt"))
    assert publishing.publish(str(tmp_path / "one"), 1, {}, {}, "a") == str(tmp_path / "one_2")
