"""Too little memory, too few threads: one line that names what is missing, instead of a signal or a traceback."""

import subprocess
import sys

import pytest

from legacy_graph.tf_setup import ADDRESS_SPACE
from tests.support import faulty_runs as runs
from tests.support.program import SAMPLE

# Raises the error that sys.argv[1] names in place of a training run.
RAISE = """
import sys
from legacy_graph import __main__, tf_setup
from legacy_graph.commands import train
if sys.argv[1] == "TensorFlow":
    tf_setup.import_tensorflow()
    import tensorflow.compat.v1 as tf
    error = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[9,9]")
else:
    error = MemoryError()
def run(options): raise error
train.run = run
sys.exit(__main__.main(["train"]))
"""


def limited(limit, *words):
    """Run the program with a limit on its address space, in whole KiB: the next number that is not below the limit."""
    # No preexec_fn: the child of a fork can fail if this process has threads of gRPC.
    limits = ["bash", "-c", 'ulimit -v "$0" && exec "$@"', str(-(-limit // 1024))]
    command = [*limits, sys.executable, "-m", "legacy_graph", *words]
    return subprocess.run(command, env=runs.environment(), capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("limit, found", [(10**8, "0.10"), (10**9, "1.00"), (16 * 10**8, "1.60")])
@pytest.mark.parametrize("command", ["train", "layers", "check"])
def test_a_small_address_space_is_refused(tmp_path, command, limit, found):
    """Without the refusal: a wait without end, a false report of a bug, a segmentation fault or an abort."""
    run = limited(limit, command, *([] if command == "layers" else ["--logdir", str(tmp_path)]))
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        "legacy_graph: memory: expected a limit of at least 3 GB on the address space (ulimit -v), "
        f"found {found} GB; raise it: ulimit -v unlimited\n"
    )


@pytest.mark.slow
def test_the_smallest_accepted_address_space_is_enough(tmp_path):
    """More cores need more address space, so this test can fail on a large machine."""
    words = ["--logdir", str(tmp_path / "log"), "--data-dir", SAMPLE, "--steps", "3"]
    run = limited(ADDRESS_SPACE, "train", *words)
    assert run.returncode == 0, run.stderr


# Becomes another user, because the limit does not hold for root. The interpreter may lie where that user cannot read.
FEW_THREADS = """
import os, resource, sys
from legacy_graph.__main__ import main, make_parser
make_parser()  # imports all that it needs
resource.setrlimit(resource.RLIMIT_NPROC, (4, 4))
if os.geteuid() == 0:
    os.setuid(65534)
sys.exit(main(["layers"]))
"""


def test_a_small_limit_on_threads_is_refused():
    """Without the refusal, TensorFlow ends with SIGABRT and a list of addresses."""
    run = subprocess.run(
        [sys.executable, "-c", FEW_THREADS], env=runs.environment(), capture_output=True, text=True, timeout=300
    )
    assert (run.returncode, run.stdout) == (2, ""), run.stderr
    assert run.stderr.startswith("legacy_graph: threads: expected a limit that allows ") and run.stderr.count("\n") == 1


@pytest.mark.parametrize("source", ["Python", "TensorFlow"])
def test_memory_that_runs_out_is_told(source):
    command = [sys.executable, "-c", RAISE, source]
    run = subprocess.run(command, env=runs.environment(), capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr == (
        "legacy_graph: memory: expected enough for this command, found too little; "
        "close other programs, or raise the limit of this process (ulimit, container)\n"
    )
