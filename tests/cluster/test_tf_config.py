"""TF_CONFIG: the cluster that is read from it, and the values that are refused in one line."""

import json

import pytest

from legacy_graph.cluster.tf_config import check_batch, read_cluster
from legacy_graph.errors import UserError
from tests.support.program import SAMPLE, legacy_graph

TWO = ["a:1", "b:2"]


def config(jobs, job="worker", index=0):
    return {"cluster": jobs, "task": {"type": job, "index": index}}


@pytest.fixture
def read(monkeypatch):
    def read(value, timeout=60):
        monkeypatch.setenv("TF_CONFIG", value if isinstance(value, str) else json.dumps(value))
        return read_cluster(timeout)

    return read


def test_without_the_variable_there_is_no_cluster(read, monkeypatch):
    assert read("") is None
    monkeypatch.delenv("TF_CONFIG")
    assert read_cluster(60) is None


def test_without_a_chief_worker_0_is_the_chief(read):
    cluster = read(config({"worker": TWO, "ps": ["c:3"]}), timeout=7)
    assert cluster.is_chief and cluster.timeout == 7
    assert [str(task) for task in cluster.workers] == ["worker 0 at a:1", "worker 1 at b:2"]
    assert [task.device for task in cluster.peers] == ["/job:worker/task:1/device:CPU:0", "/job:ps/task:0/device:CPU:0"]
    assert not read(config({"worker": TWO}, index=1)).is_chief


def test_the_chief_is_the_first_worker(read):
    cluster = read(config({"worker": TWO, "chief": ["[::1]:9"]}, index="1"))
    assert str(cluster.chief) == "chief 0 at [::1]:9"
    assert len(cluster.workers) == 3
    assert (cluster.task.index, cluster.is_chief) == (1, False)


def test_empty_jobs_and_unknown_keys_are_accepted(read):
    assert read(dict(config({"worker": TWO, "ps": []}), environment="cloud")).jobs == {"worker": TWO}


@pytest.mark.parametrize(
    "value, expected",
    [
        ("{", "expected JSON such as {"),
        ("[1]", 'expected "cluster"'),
        ("{}", 'expected "cluster"'),
        ({"cluster": {"worker": TWO}}, 'expected "task"'),
        (config({"worker": TWO}, "ps"), 'expected "task" with a "type" among worker'),
        (config({"worker": TWO}, ["worker"]), 'expected "task" with a "type" among worker'),
        (config({"worker": TWO}, index=2), 'expected an "index" from 0 to 1'),
        (config({"worker": TWO}, index=-1), 'expected an "index" from 0 to 1'),
        (config({"worker": TWO}, index=True), 'expected an "index" from 0 to 1'),
        (config({"worker": TWO, "evaluator": ["c:3"]}), "expected the jobs chief, worker, ps, found 'evaluator'"),
        (config({"worker": {"0": "a:1"}}), 'expected a list of "host:port"'),
        (config({"worker": ["a"]}), 'expected "host:port" for each task'),
        (config({"worker": ["a:0"]}), 'expected "host:port" for each task'),
        (config({"worker": ["a:65536"]}), 'expected "host:port" for each task'),
        (config({"worker": [7]}), 'expected "host:port" for each task'),
        (config({"worker": ["a,b:1"]}), 'expected "host:port" for each task'),
        (config({"worker": ["a..b:1"]}), 'expected "host:port" for each task'),
        (config({"worker": [64 * "a" + ":1"]}), 'expected "host:port" for each task'),
        (config({"worker": ["a:1", "a:1"]}), "expected a different address for each task, found a:1 twice"),
        (config({"worker": TWO, "ps": ["c:3", "d:4"]}), "expected at most one task of the job ps, found 2"),
        (config({"worker": TWO, "chief": ["c:3", "d:4"]}), "expected at most one task of the job chief, found 2"),
        (config({"ps": ["c:3"]}, "ps"), "expected a chief or a worker, found none"),
    ],
)
def test_a_malformed_value_is_refused(read, value, expected):
    with pytest.raises(UserError) as caught:
        read(value)
    assert expected in str(caught.value)
    assert str(caught.value).startswith("TF_CONFIG: ") and "\n" not in str(caught.value)


def test_a_batch_needs_a_digit_for_each_worker(read):
    cluster = read(config({"worker": TWO}))
    check_batch(cluster, 2)
    with pytest.raises(UserError, match="--batch-size: expected at least 2, a digit for each worker, found 1"):
        check_batch(cluster, 1)


@pytest.mark.parametrize("command", ["train", "features"])
def test_commands_refuse_a_malformed_value_before_they_write(command, tmp_path):
    logdir = tmp_path / "log"
    ended = legacy_graph(command, "--logdir", str(logdir), "--data-dir", SAMPLE, env={"TF_CONFIG": "{"})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("legacy_graph: TF_CONFIG: expected JSON") and ended.stderr.count("\n") == 1
    assert not logdir.exists()
