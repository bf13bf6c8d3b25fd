"""Open a session on this machine, or on the tasks of a cluster."""

import contextlib
from typing import Any, Callable, ContextManager, Iterator, Optional, Sequence

import tensorflow.compat.v1 as tf

from legacy_graph import tf_setup
from legacy_graph.cluster import watch
from legacy_graph.cluster.server import check_tasks, release, start_server
from legacy_graph.cluster.tf_config import VARIABLE, Cluster
from legacy_graph.errors import TaskError, reason

# TensorFlow's errors for a connection to a task that is lost, or that was replaced by another process.
_LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.UnknownError)


class _ClusterSession(tf.Session):
    """A session that raises `TaskError` for a lost connection, and ends this process if a run takes too long."""

    def __init__(self, target: str, graph: tf.Graph, limited_run: Callable[[], ContextManager[None]]) -> None:
        super().__init__(target, graph)
        self._limited_run = limited_run

    def run(self, *arguments: Any, **options: Any) -> Any:
        try:
            with self._limited_run():  # names a task that is lost
                return super().run(*arguments, **options)
        except _LOST as error:
            raise TaskError(f"a task of {VARIABLE}", "an answer", reason(error), watch.RESTART) from error


@contextlib.contextmanager
def open_session(
    graph: tf.Graph, cluster: Optional[Cluster] = None, signals: Sequence[int] = ()
) -> Iterator[tf.Session]:
    """A session of `graph`. With a cluster, the session runs on all tasks; they end if the block succeeds.

    If a task is lost while the block runs, this process ends, see `watched_tasks`.

    Args:
        graph: to run.
        cluster: its tasks; None for this machine.
        signals: as from `signals.deferred_signals`; one of them ends the wait for a missing task.

    Raises:
        Interrupted: a signal arrived before all tasks answered.
        TaskError: a task does not answer.
        UserError: the port of this task cannot be opened, or another task is not the one that `TF_CONFIG` names.
    """
    if cluster is None:
        with tf.Session(graph=graph) as session:
            yield session
        return
    server = start_server(cluster)
    watch.wait_for_tasks(cluster, signals)
    check_tasks(cluster)
    with watch.watched_tasks(cluster) as limited_run, _ClusterSession(server.target, graph, limited_run) as session:
        with tf_setup.filter_stderr():
            session.run([])  # creates the session on all tasks
        yield session
    release(cluster)
