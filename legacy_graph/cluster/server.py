"""The server of a task. To end the server, the chief puts a token into a queue on the task."""

import json
import os
import re
import sys
import time
import zlib

import tensorflow.compat.v1 as tf

from legacy_graph import tf_setup
from legacy_graph.cluster.tf_config import VARIABLE, Cluster, Task
from legacy_graph.cluster.watch import RESTART
from legacy_graph.errors import TaskError, UserError, explain, reason

NO_PROXY = ("no_grpc_proxy", "no_proxy")  # lower case, as gRPC reads them; TensorFlow 1.15's gRPC knows the second only
POLL = 0.2  # seconds
PATIENCE = 10000  # milliseconds for a server to take the token; one that was stopped never does
JOIN = 10.0  # seconds from the start of a server to its mark, at most
GRACE = 1.0  # seconds that a server runs on after the token, so that the chief can close its session


def start_server(cluster: Cluster) -> tf.train.Server:
    """Start the server of this task, and print its address.

    TensorFlow's server listens on all network interfaces, whatever its address is, and has no authentication.

    Raises:
        UserError: the port cannot be opened.
    """
    task = cluster.task
    bypass_proxy(cluster)
    expected = f"a free port of this machine for {task}"
    hint = f"end the program that uses the port, or correct the address in {VARIABLE}"
    with explain(VARIABLE, expected, hint, tf.errors.OpError), tf_setup.filter_stderr():
        server = tf.train.Server(tf.train.ClusterSpec(cluster.jobs), task.job, task.index)
    with tf.Graph().as_default() as graph, tf.device(task.device):
        mark = _mark(cluster).close()
    with tf.Session(server.target, graph, only(task)) as session:
        session.run(mark)
    # One write: with PYTHONUNBUFFERED, `print` writes the end of the line apart, and the tasks share the output.
    sys.stdout.write(f"Serving {task}: open on all network interfaces, without authentication\n")
    sys.stdout.flush()
    return server


def bypass_proxy(cluster: Cluster) -> None:
    """Connect to the tasks directly: gRPC would use the HTTP proxy of the environment, even on one machine.

    The hosts of the tasks are added to those that the user excludes.

    Source: gRPC Core, "Environment variables".
    """
    users = next(filter(None, map(os.environ.get, NO_PROXY)), "")
    hosts = {task.address.rpartition(":")[0].strip("[]") for task in cluster.tasks}
    os.environ.update(dict.fromkeys(NO_PROXY, ",".join(filter(None, [users, *sorted(hosts)]))))


def check_tasks(cluster: Cluster) -> None:
    """Ask the servers of all other tasks, which answer, who they are.

    Raises:
        TaskError: a server does not answer this question.
        UserError: a server has another job or index than `TF_CONFIG` gives it, or other addresses of the tasks, so it
            belongs to another cluster.
    """
    for task in cluster.peers:
        with tf.Graph().as_default() as graph, tf.device(task.device):
            marked = _mark(cluster).is_closed()
        try:
            with tf_setup.filter_stderr(), tf.Session("grpc://" + task.address, graph, only(task, PATIENCE)) as session:
                others = [" ".join(re.findall("/(?:job|task):([^/]+)", each.name)) for each in session.list_devices()]
                known = f"{task.job} {task.index}" in others and _wait_for_mark(session, marked)
        except tf.errors.OpError as error:
            raise TaskError(str(task), "its name", reason(error), RESTART) from error
        if not known:
            hint = f"give every task the same cluster in {VARIABLE}, or end the other program"
            raise UserError(VARIABLE, str(task), f"{' and '.join(sorted(set(others)))} of another cluster", hint)


def _mark(cluster):
    """A queue, closed on each task of the cluster. The name of the queue depends on all addresses."""
    checksum = zlib.crc32(json.dumps(cluster.jobs, sort_keys=True).encode())
    return tf.FIFOQueue(1, tf.bool, [[]], shared_name=f"cluster {checksum:08x}")


def _wait_for_mark(session, marked):
    """Whether a task has the mark. It gets the mark just after its server has started, so wait for it."""
    end = time.monotonic() + JOIN
    while not session.run(marked):
        if time.monotonic() > end:
            return False
        time.sleep(POLL)
    return True


def serve(cluster: Cluster) -> None:
    """Serve until a chief has finished its command. If a chief is lost, serve the next one.

    Raises:
        UserError: as in `start_server`.
    """
    server = start_server(cluster)
    with tf.Graph().as_default() as graph, tf.device(cluster.task.device):
        finished = _queue().size()
    with tf.Session(server.target, graph, only(cluster.task)) as session:
        while not session.run(finished):
            time.sleep(POLL)
    time.sleep(GRACE)


def release(cluster: Cluster) -> None:
    """End the servers of all other tasks. A server that has already ended is not an error."""
    for task in cluster.peers:
        with tf.Graph().as_default() as graph, tf.device(task.device):
            token = _queue().enqueue(True)
        try:
            with tf_setup.filter_stderr(), tf.Session("grpc://" + task.address, graph, only(task, PATIENCE)) as session:
                session.run(token)
        except tf.errors.OpError as error:
            print(f"{task} did not confirm its end: {reason(error)}")


def only(task: Task, timeout: int = 0) -> tf.ConfigProto:
    """Settings of a session that uses only this task and does not wait for others.

    Each call (open the session, run, close it) fails after `timeout` milliseconds. With 0 there is no time-out.
    """
    return tf.ConfigProto(device_filters=[f"/job:{task.job}/task:{task.index}"], operation_timeout_in_ms=timeout)


def _queue() -> tf.FIFOQueue:
    return tf.FIFOQueue(1, tf.bool, [[]], shared_name="finished")
