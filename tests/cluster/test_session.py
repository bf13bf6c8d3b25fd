"""Sessions on servers that do not answer, and the namespace of the command cluster, with real processes."""

import os
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from legacy_graph.cluster import namespace, server
from legacy_graph.cluster.tf_config import Cluster, Task
from legacy_graph.commands.cluster import start_task, task_configurations
from tests.support import faulty_runs
from tests.support.program import ROOT

# Both servers are in this process, so all tasks answer; the dequeue on worker 1 never ends.
BLOCKED = """
import tensorflow.compat.v1 as tf
from legacy_graph.cluster import server, session, tf_config, watch

watch.RUN_LIMIT = 1
one, other = [tf_config.read_cluster(2)._replace(task=task) for task in tf_config.read_cluster(2).tasks]
held = server.start_server(other)
with tf.Graph().as_default() as graph, tf.device(other.task.device):
    blocked = tf.FIFOQueue(1, tf.bool, [[]]).dequeue()
with session.open_session(graph, one) as opened:
    print("opened", flush=True)
    opened.run(blocked)
"""


def started(words, configuration):
    return start_task(words, configuration, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)


def test_a_step_that_never_ends_while_all_tasks_answer(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", ROOT)
    process = started([sys.executable, "-c", BLOCKED], task_configurations(2, False)[-1])
    out, err = process.communicate(timeout=120)
    assert process.returncode == 75 and "opened" in out
    assert err.splitlines()[-1] == (
        "legacy_graph: TF_CONFIG: expected an end of each step within 2 seconds, found none, although all tasks "
        "answer; start all tasks again, then run the same command again, "
        "with a larger --task-timeout if a step takes longer"
    )


# The server at the address of a worker is a task of another cluster, of the job and the addresses of the arguments.
# Both are in this process.
MIXED = """
import sys
import tensorflow.compat.v1 as tf
from legacy_graph import errors
from legacy_graph.cluster import server, session, tf_config

mine = tf_config.read_cluster(10)
address = mine.peers[0].address
theirs = tf_config.Cluster({sys.argv[1]: [address, *sys.argv[2:]]}, tf_config.Task(sys.argv[1], 0, address), 10)
held = server.start_server(theirs)
server.JOIN = 0.5
try:
    with session.open_session(tf.Graph(), mine):
        pass
except errors.UserError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("job, others", [("ps", []), ("worker", []), ("worker", ["127.0.0.1:9"])])
def test_a_task_of_another_cluster_is_named(monkeypatch, job, others):
    """In the last two cases, job and index are as expected, but the cluster has other addresses."""
    monkeypatch.setenv("PYTHONPATH", ROOT)
    configuration = task_configurations(2, False)[-1]
    process = started([sys.executable, "-c", MIXED, job, *others], configuration)
    err = process.communicate(timeout=120)[1]
    (address,) = configuration["cluster"]["worker"]
    assert process.returncode == 1
    assert err.splitlines()[-1] == (
        f"TF_CONFIG: expected worker 0 at {address}, found {job} 0 of another cluster; "
        "give every task the same cluster in TF_CONFIG, or end the other program"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_a_chief_that_waits_for_a_task(number, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", ROOT)
    words = faulty_runs.words(str(tmp_path / "log"), task_timeout=600)
    process = started(words, task_configurations(2, False)[-1])
    try:
        while not process.stdout.readline().startswith("Serving"):
            assert process.poll() is None
        process.send_signal(number)
        err = process.communicate(timeout=60)[1]
    finally:
        process.kill()
    assert process.returncode == 128 + number
    assert err.startswith("legacy_graph: stopped while it waited for worker 0 at 127.0.0.1:") and err.count("\n") == 1
    assert "; to resume: " in err


def test_release_does_not_wait_for_a_silent_server(monkeypatch, capsys):
    """The kernel accepts the connection, as for a stopped process. Without a time-out, opening a session never ends."""
    monkeypatch.setattr(server, "PATIENCE", 500)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        addresses = ["127.0.0.1:1", f"127.0.0.1:{silent.getsockname()[1]}"]
        server.release(Cluster({"worker": addresses}, Task("worker", 0, addresses[0]), 60))
    assert capsys.readouterr().out.startswith(f"worker 1 at {addresses[1]} did not confirm its end: ")


def test_no_namespace_is_entered_where_loopback_does_not_start(tmp_path, monkeypatch):
    """A container may allow `unshare` but lack the capability to start the loopback interface."""
    drop = "setpriv --bounding-set -net_admin --inh-caps -net_admin" if os.geteuid() == 0 else ""
    (tmp_path / "unshare").write_text(f'#!/bin/bash\nwhile [[ $1 == --* ]]; do shift; done\nexec {drop} "$@"\n')
    (tmp_path / "unshare").chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(tmp_path / name))
    monkeypatch.setattr(os, "execve", lambda *_: pytest.fail("entered"))
    assert namespace.enter(["true"]) == "the loopback interface does not start: Operation not permitted"
