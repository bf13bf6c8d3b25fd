"""Environment variables that keep TensorFlow from running."""

import os
import subprocess
import sys

import pytest

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
