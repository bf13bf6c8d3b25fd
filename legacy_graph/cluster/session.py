"""Open a session on this machine, or on the tasks of a cluster."""

import contextlib
import time
from typing import Any, Iterator, Optional

import tensorflow.compat.v1 as tf

from legacy_graph import tf_setup
from legacy_graph.cluster import watch
from legacy_graph.cluster.server import release, start_server
from legacy_graph.cluster.tf_config import VARIABLE, Cluster
from legacy_graph.errors import TaskError, reason

# TensorFlow's errors for a connection to a task that is lost, or that was replaced by another process.
_LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.UnknownError)


class _ClusterSession(tf.Session):
    """A session that raises `TaskError` for a lost connection."""

    def run(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().run(*arguments, **options)
        except tf.errors.OpError as error:
            time.sleep(3 * watch.PAUSE)  # if a task is lost, `watched_tasks` names it and ends the process here
            if isinstance(error, _LOST):
                raise TaskError(f"a task of {VARIABLE}", "an answer", reason(error), watch.RESTART) from error
            raise


@contextlib.contextmanager
def open_session(graph: tf.Graph, cluster: Optional[Cluster] = None) -> Iterator[tf.Session]:
    """A session of `graph`. With a cluster, the session runs on all tasks; they end if the block succeeds.

    If a task is lost while the block runs, this process ends, see `watched_tasks`.

    Raises:
        TaskError: a task does not answer.
        UserError: the port of this task cannot be opened.
    """
    if cluster is None:
        with tf.Session(graph=graph) as session:
            yield session
        return
    server = start_server(cluster)
    watch.wait_for_tasks(cluster)
    with watch.watched_tasks(cluster), _ClusterSession(server.target, graph) as session:
        with tf_setup.filter_stderr():
            session.run([])  # creates the session on all tasks
        yield session
    release(cluster)
