"""Event files that cannot be made are one line; a host may have any name."""

import os
import socket

import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.logdir.event_writer import FileWriter


@pytest.mark.parametrize("host", ["a/b", "h\udcff", "中文", "plain-host.example"])
def test_a_host_of_any_name(tmp_path, monkeypatch, host):
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    with tf.Graph().as_default(), FileWriter(str(tmp_path)) as writer:
        writer.add_summary(tf.Summary(), 7)
    (name,) = os.listdir(str(tmp_path))
    assert name.encode("ascii").startswith(b"events.out.tfevents.")
    assert name.endswith("plain-host.example") == (host == "plain-host.example")
    assert [event.step for event in tf.train.summary_iterator(str(tmp_path / name))] == [0, 7]


def test_a_file_in_the_place_of_the_directory(tmp_path):
    (tmp_path / "train").write_text("mine")
    with tf.Graph().as_default(), pytest.raises(UserError, match="train: expected (a|to) w"):
        FileWriter(str(tmp_path / "train"))
    assert (tmp_path / "train").read_text() == "mine"


def test_flush_waits_for_the_disk(tmp_path, monkeypatch):
    synced = []
    real = os.fsync
    with tf.Graph().as_default(), FileWriter(str(tmp_path)) as writer:
        monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.readlink(f"/proc/self/fd/{file}")) or real(file))
        writer.flush()
    assert synced == [os.path.join(str(tmp_path), name) for name in os.listdir(str(tmp_path))]
