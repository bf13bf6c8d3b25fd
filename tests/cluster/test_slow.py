"""The tables of the page, signals, and the features command, with real clusters. Takes minutes."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.cluster import tables
from tests.support import cluster_runs
from tests.support.faulty_runs import LONG, assert_same, curves
from tests.support.graph_commands import RANGE, two_layers, words, write_photos
from tests.support.graph_models import model_of
from tests.support.program import ROOT, SAMPLE, SHORT_RUN, legacy_graph

pytestmark = pytest.mark.slow


def options(logdir, **given):
    """The words of a training run."""
    found = ["train", "--logdir", logdir, "--data-dir", SAMPLE]
    for name, value in given.items():
        found += ["--" + name.replace("_", "-"), str(value)]
    return found


@pytest.mark.parametrize("table", [["equality"], ["faults", "--rounds", "20"]], ids=["equality", "faults"])
def test_tables_of_the_page(table, tmp_path):
    """Each program checks the figures that it writes, here into a copy of the page."""
    page = shutil.copy(tables.PAGE, str(tmp_path))
    command = [sys.executable, "-m", "tests.cluster." + table[0], *table[1:], "--page", page]
    assert subprocess.run(command, env=dict(os.environ, PYTHONPATH=ROOT), cwd=ROOT).returncode == 0


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_to_the_launcher_saves_and_ends_all_tasks(number, status, tmp_path):
    logdir = str(tmp_path / "log")
    with cluster_runs.running(2, True, *options(logdir, **LONG)) as launcher:
        launcher.wait_for("step ")
        launcher.process.send_signal(number)
        assert launcher.process.wait(60) == status
        assert "stopped at step" in launcher.errors()
        assert f" cluster --workers 2 --ps -- train --logdir {logdir} " in launcher.errors().partition("to resume:")[2]
    assert cluster_runs.tasks(logdir) == {}


def test_a_killed_launcher_leaves_no_task(tmp_path):
    logdir = str(tmp_path / "log")
    with cluster_runs.running(2, True, *options(logdir, **LONG)) as launcher:
        launcher.wait_for("step ")
        launcher.process.kill()
        launcher.process.wait()
        cluster_runs.wait_for_no_task(logdir)


def test_a_missing_task_is_named_within_the_time_out(tmp_path):
    logdir = str(tmp_path / "log")
    config = '{"cluster": {"worker": ["127.0.0.1:2", "127.0.0.1:1"]}, "task": {"type": "worker", "index": 0}}'
    free = config.replace("127.0.0.1:2", f"127.0.0.1:{20000 + os.getpid() % 9999}")
    begun = time.monotonic()
    ended = legacy_graph(*options(logdir, task_timeout=5), env={"TF_CONFIG": free})
    assert ended.returncode == 75
    assert ended.stderr.splitlines()[-1].startswith(
        "legacy_graph: worker 1 at 127.0.0.1:1: expected an answer within 5 "
    )
    assert time.monotonic() - begun < 60


def test_a_run_moves_to_a_cluster_and_back(trained, tmp_path):
    logdir = str(tmp_path / "log")
    shutil.copytree(trained.logdir, logdir)
    for steps, workers in ((35, 2), (40, 0), (45, 4)):
        run = list(SHORT_RUN)
        run[1] = str(steps)
        ended = cluster_runs.cluster(workers, False, "train", "--logdir", logdir, "--data-dir", SAMPLE, *run)
        assert ended.returncode == 0, ended.stderr
        assert f"Resuming at step {steps - 5} of {steps}" in ended.stdout
    assert [step for step, _ in curves(logdir)["train/loss"]] == list(range(0, 46, 5))


def test_two_runs_of_a_cluster_are_equal_bit_for_bit(cluster_run, tmp_path):
    logdir = str(tmp_path / "log")
    ended = cluster_runs.cluster(2, True, "train", "--logdir", logdir, "--data-dir", SAMPLE, *SHORT_RUN)
    assert ended.returncode == 0, ended.stderr
    assert_same(logdir, cluster_run.logdir)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_features_on_a_cluster_writes_the_same_bytes(workers, trained, tmp_path):
    folders = []
    for name, count in (("alone", 0), ("shared", workers)):
        logdir = str(tmp_path / name)
        shutil.copytree(trained.logdir, logdir)
        more = ["--data-dir", SAMPLE, "--control", "random", "--maps", "0,5,9"]
        ended = cluster_runs.cluster(count, False, "features", "--logdir", logdir, *more)
        assert ended.returncode == 0, ended.stderr
        folders.append(os.path.join(logdir, "features", "conv2-control=random-maps=0,5,9"))
    assert_same_bytes(*folders)


def test_features_of_a_loaded_graph_writes_the_same_bytes(tmp_path):
    (tmp_path / "two_layers.pb").write_bytes(model_of(two_layers, (24, 18)).graph_def.SerializeToString())
    write_photos(tmp_path)
    for logdir, count in (("alone", 0), ("shared", 2)):
        ended = cluster_runs.cluster(count, True, *words(tmp_path, logdir=logdir), *RANGE, "--top", "4")
        assert ended.returncode == 0, ended.stderr
    name = "two_layers-Conv2D_1-range=-1,1-top=4"
    assert_same_bytes(*[str(tmp_path / logdir / "graphs" / name) for logdir in ("alone", "shared")])


def assert_same_bytes(one, other):
    names = [name for name in sorted(os.listdir(one)) if name.endswith((".png", ".npz"))]
    assert len(names) >= 2
    for name in names:
        with open(os.path.join(one, name), "rb") as ours, open(os.path.join(other, name), "rb") as theirs:
            assert ours.read() == theirs.read(), name
