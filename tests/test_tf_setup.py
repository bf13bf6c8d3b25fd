"""Environment variables that keep TensorFlow from running."""

import os
import subprocess
import sys

import pytest

from legacy_graph import tf_setup
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


def test_messages_about_a_missing_gpu_are_dropped(capfd):
    """As TensorFlow 2.22 writes them to descriptor 2; the first line is an error of another kind."""
    error = b"E0000 00:00:1.0 1 file.cc:1] the disk is full\n"
    gpu = b"E0000 00:00:1.0 1 cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR (303)\n"
    trace = b"=== Source Location Trace: === \nexternal/xla/xla/stream_executor/cuda/cuda_status.cc:50\n"
    trace += b"external/xla/xla/tsl/lib/io/buffered_file.h:55\n"  # of a file that is too large
    with tf_setup.filter_stderr():
        os.write(2, error + gpu + trace)
    assert capfd.readouterr().err.encode() == error
