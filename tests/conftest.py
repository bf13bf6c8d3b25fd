"""What several test files share: one short real run, on the sample that the package carries."""

import faulthandler
import os
import re
import shutil
import signal
import sys
import types

import pytest

from legacy_graph import tf_setup
from legacy_graph.__main__ import main
from tests.support import cluster_runs
from tests.support.idx_files import fashion_like_set
from tests.support.program import SAMPLE, SHORT_RUN, legacy_graph

# The numbers of this process and of the program are compared, so both use the same kernels.
tf_setup.choose_kernels()

# A background command of a script ignores SIGINT, and nohup ignores SIGHUP. The tests, and the programs
# that they start, must receive both.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A finished run of 30 steps: an object with `logdir`, `stdout`, `stderr`. Read only."""
    logdir = str(tmp_path_factory.mktemp("trained") / "log")
    run = legacy_graph("train", "--logdir", logdir, "--data-dir", SAMPLE, *SHORT_RUN)
    assert run.returncode == 0, run.stderr
    run.logdir = logdir
    return run


@pytest.fixture(scope="session")
def cluster_run(tmp_path_factory):
    """The same run as `trained`, by a chief, a worker and a parameter server: an object with `logdir`, `stdout`.

    The environment has a proxy that does not exist; the tasks must not use it for each other.
    """
    logdir = str(tmp_path_factory.mktemp("cluster") / "log")
    words = ["train", "--logdir", logdir, "--data-dir", SAMPLE, *SHORT_RUN]
    run = cluster_runs.cluster(2, True, *words, env={"http_proxy": "http://127.0.0.1:9"})
    assert run.returncode == 0, run.stderr
    run.logdir = logdir
    return run


@pytest.fixture(scope="session")
def features_run(trained, tmp_path_factory):
    """The log directory of the trained run, with results for 16 of conv2's maps, none for conv1. Read only."""
    copy = str(tmp_path_factory.mktemp("features_run") / "log")
    shutil.copytree(trained.logdir, copy)
    maps = ["--maps", ",".join(map(str, range(16))), "--order", "wins"]
    assert main(["features", "--logdir", copy, "--data-dir", SAMPLE, "--layer", "conv2", *maps]) == 0
    # Named after the options; the pages show it as conv2.
    (folder,) = [name for name in os.listdir(os.path.join(copy, "features")) if "maps" in name]
    os.rename(os.path.join(copy, "features", folder), os.path.join(copy, "features", "conv2"))
    return copy


@pytest.fixture(scope="session")
def fashion_run(tmp_path_factory):
    """A finished run over a data set that is not MNIST: an object with `logdir` and `data_dir`. Look, do not write."""
    folder = tmp_path_factory.mktemp("fashion")
    data_dir = fashion_like_set(folder / "data")
    words = ["--steps", "30", "--batch-size", "20", "--learning-rate", "1e-3", "--image-every", "100"]
    assert main(["train", "--logdir", str(folder / "log"), "--data-dir", data_dir, *words]) == 0
    return types.SimpleNamespace(logdir=str(folder / "log"), data_dir=data_dir)


@pytest.fixture
def log(trained, tmp_path):
    """A good log directory of one's own; its checkpoints are of no interest here."""
    copy = str(tmp_path / "log")
    shutil.copytree(trained.logdir, copy, ignore=shutil.ignore_patterns("checkpoints"))
    return copy


@pytest.fixture
def deadline():
    """Ends the process if a test takes two minutes: for tests in which a wrong program waits for a FIFO for ever."""
    faulthandler.dump_traceback_later(120, exit=True, file=sys.__stderr__)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def check(capsys):
    """check(WORDS) -> exit status, rows of the table by (dashboard, run), lines after it; or status and the error.

    The row of a DECONVNET without results is left out: most logs of the tests have none.
    """

    def check(*words):
        status = main(["check"] + list(words))
        told = capsys.readouterr()
        if status == 2:
            assert told.out == ""
            assert told.err.count("\n") == 1
            return status, told.err
        table, _, rest = told.out.partition("\n\n")
        rows = [re.split(r"  +", line.strip()) for line in table.splitlines()]
        assert rows[0] == ["dashboard", "run", "tags", "steps", "first", "last", "file size"]
        return (
            status,
            {(row[0], row[1]): row[2:] for row in rows[1:] if row[:2] != ["DECONVNET", "-"]},
            rest.strip().splitlines(),
        )

    return check
