"""Environment variables that keep TensorFlow from running."""

import os
import subprocess
import sys

import pytest
import tensorflow.compat.v1 as tf

from legacy_graph import tf_setup
from legacy_graph.__main__ import main
from legacy_graph.errors import UserError
from tests.support.program import ROOT, legacy_graph

NAME = "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"


@pytest.mark.parametrize("value", ["cpp", "python", "other"])
@pytest.mark.parametrize("command", ["layers", "check"])
def test_an_implementation_of_protobuf_that_is_not_there(trained, command, value):
    """protobuf itself decides: version 3 of Python 3.7 has `cpp`, newer ones do not."""
    code = "from google.protobuf import descriptor_pb2"
    accepted = subprocess.call([sys.executable, "-c", code], env=dict(os.environ, **{NAME: value}), cwd=ROOT) == 0
    run = legacy_graph(command, *([trained.logdir] if command == "check" else []), env={NAME: value})
    assert run.returncode == (0 if accepted else 2), run.stderr
    if not accepted:
        assert f"unset {NAME}" in run.stderr and repr(value) in run.stderr and run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "name", ["plain", "[ab]", "a[b", "a]b", "]a[", "a\\b", "*x?", "{b}", "[[]", "[!a]", "x\\", "\u65e5 \u5fd7"]
)
def test_a_path_that_is_a_pattern_is_refused(tmp_path, monkeypatch, name):
    """TensorFlow decides: it writes each checkpoint, but does not find all of them again."""
    monkeypatch.chdir(tmp_path)
    os.mkdir(name)
    with tf.Graph().as_default(), tf.Session() as session:
        session.run(tf.get_variable("weights", [2]).initializer)
        saver, prefix = tf.train.Saver(), os.path.join(name, "model")
        saver.save(session, prefix, write_meta_graph=False)
        try:
            saver.restore(session, prefix)
        except ValueError:
            with pytest.raises(UserError, match="^--logdir: "):
                tf_setup.check_pattern("--logdir", name)
        else:
            tf_setup.check_pattern("--logdir", name)


def test_a_run_that_could_not_be_resumed_is_not_started(tmp_path, capsys):
    logdir = str(tmp_path / "log [1]")
    assert main(["train", "--logdir", logdir]) == 2
    assert logdir in capsys.readouterr().err
    assert os.listdir(str(tmp_path)) == []


def test_messages_about_a_missing_gpu_are_dropped(capfd):
    """As TensorFlow 2.22 writes them to descriptor 2; the first line is an error of another kind."""
    error = b"E0000 00:00:1.0 1 file.cc:1] the disk is full\n"
    gpu = b"E0000 00:00:1.0 1 cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR (303)\n"
    trace = b"=== Source Location Trace: === \nexternal/xla/xla/stream_executor/cuda/cuda_status.cc:50\n"
    trace += b"external/xla/xla/tsl/lib/io/buffered_file.h:55\n"  # of a file that is too large
    with tf_setup.filter_stderr():
        os.write(2, error + gpu + trace)
    assert capfd.readouterr().err.encode() == error
