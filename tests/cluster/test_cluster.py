"""Clusters of real processes on this machine, in a network namespace of their own where that is allowed."""

import os
import shutil

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from legacy_graph.__main__ import main
from legacy_graph.logdir import kept_kernels
from tests.support import cluster_runs
from tests.support.faulty_runs import curves
from tests.support.pinned import describe
from tests.support.program import SAMPLE, SHORT_RUN

DEVICES = [f"/job:{job}/replica:0/task:0/device:CPU:0" for job in ("chief", "worker", "ps")]


def test_the_losses_are_those_of_one_machine(cluster_run, trained):
    assert cluster_runs.difference(cluster_run.logdir, trained.logdir, steps=20) < 1e-5
    # On some processors a value before a ReLU has another sign after step 20. The difference then grows, to 4e-4 at
    # step 30 on TensorFlow 1.15 and AVX-512. Another batch changes the loss by several percent.
    assert cluster_runs.difference(cluster_run.logdir, trained.logdir) < 1e-2


def test_tags_and_checkpoints_are_those_of_one_machine(cluster_run, trained):
    ours, theirs = describe(cluster_run.logdir), describe(trained.logdir)
    for part in ("tags", "variables", "options"):
        assert ours[part] == theirs[part]
    assert set(theirs["nodes"]) <= set(ours["nodes"])


def test_the_files_are_those_of_one_machine(cluster_run, trained):
    for folder in ("", "checkpoints", "kernels", "projector"):
        ours, theirs = [set(os.listdir(os.path.join(run.logdir, folder))) for run in (cluster_run, trained)]
        assert {name for name in ours if "tfevents" not in name} == {name for name in theirs if "tfevents" not in name}


@pytest.mark.parametrize("part", ["train", "test"])
def test_steps_of_summaries_are_those_of_one_machine(cluster_run, trained, part):
    ours, theirs = [steps_of(os.path.join(run.logdir, part)) for run in (cluster_run, trained)]
    assert ours == theirs
    assert ("learned/conv2" in ours, "features/conv2/image" in ours) == (part == "test", part == "test")


def test_kept_kernels_are_those_of_one_machine(cluster_run, trained):
    for step in kept_kernels.kept_steps(trained.logdir):
        ours, theirs = [kept_kernels.read(run.logdir, step) for run in (cluster_run, trained)]
        assert list(ours) == list(theirs)
        for name, array in theirs.items():
            np.testing.assert_allclose(ours[name], array, atol=1e-3)


def steps_of(folder):
    """{tag: the steps of its summaries}."""
    events = EventAccumulator(folder, dict.fromkeys(["scalars", "images", "histograms", "audio"], 0)).Reload()
    found = {"scalars": events.Scalars, "images": events.Images, "histograms": events.Histograms, "audio": events.Audio}
    return {tag: [event.step for event in read(tag)] for kind, read in found.items() for tag in events.Tags()[kind]}


def test_every_task_prints_that_its_port_is_open(cluster_run):
    lines = [line for line in cluster_run.stdout.splitlines() if line.startswith("Serving ")]
    assert sorted(line.split(" at ")[0] for line in lines) == [
        "Serving chief 0",
        "Serving ps 0",
        "Serving worker 0",
    ]
    assert all(line.endswith(": open on all network interfaces, without authentication") for line in lines)


def test_all_tasks_end_with_the_command(cluster_run):
    assert cluster_runs.tasks(cluster_run.logdir) == {}


def test_a_traced_step_has_times_and_memory_of_every_task(cluster_run):
    events = EventAccumulator(os.path.join(cluster_run.logdir, "train")).Reload()
    stats = events.RunMetadata("step 15").step_stats.dev_stats
    for name in DEVICES:
        nodes = [node for device in stats if device.device == name for node in device.node_stats]
        outputs = [output.tensor_description.allocation_description for node in nodes for output in node.output]
        assert sum(node.all_end_rel_micros for node in nodes) > 0, name
        assert sum(output.requested_bytes for output in outputs) > 0, name
        # The parameter server sums and updates in memory that is already allocated.
        assert "ps" in name or sum(memory.total_bytes for node in nodes for memory in node.memory) > 0, name


def test_the_run_continues_on_one_machine(cluster_run, tmp_path, capsys):
    logdir = str(tmp_path / "log")
    shutil.copytree(cluster_run.logdir, logdir)
    words = ["--logdir", logdir, "--data-dir", SAMPLE, *SHORT_RUN]
    words[words.index("--steps") + 1] = "35"
    assert main(["train", *words]) == 0
    assert "Resuming at step 30 of 35" in capsys.readouterr().out
    assert [step for step, _ in curves(logdir)["train/loss"]] == list(range(0, 36, 5))
    shutil.rmtree(logdir)


def test_a_killed_worker_ends_the_chief_with_one_line(tmp_path):
    logdir = str(tmp_path / "log")
    words = ["train", "--logdir", logdir, "--data-dir", SAMPLE, "--steps", "400", "--batch-size", "2"]
    with cluster_runs.running(2, False, *words, "--image-every", "100000") as launcher:
        launcher.wait_for("step ")
        cluster_runs.kill(logdir, "worker 0")
        assert launcher.process.wait(60) == 75
        line = launcher.errors().splitlines()[-1]
    assert line.startswith("legacy_graph: worker 0 at 127.0.0.1:")
    assert "expected an answer within 60 seconds, found" in line
    assert cluster_runs.tasks(logdir) == {}
    shutil.rmtree(logdir)
