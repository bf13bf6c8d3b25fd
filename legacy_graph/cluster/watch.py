"""Check whether the other tasks of a cluster run. Does not import TensorFlow.

A TensorFlow server speaks HTTP/2: it answers a client's first bytes with a SETTINGS frame. If the process was
killed, its machine refuses or closes the connection. If the process is stopped, the kernel accepts the connection, but
nobody answers.

Source: RFC 7540, sections 3.5 and 6.5.
"""

import contextlib
import os
import queue
import socket
import sys
import threading
import time
from typing import Callable, ContextManager, Iterator, Optional, Sequence

from legacy_graph.cluster.tf_config import VARIABLE, Cluster, Task
from legacy_graph.errors import ExitStatus, Interrupted, TaskError

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"  # with an empty SETTINGS frame
ACKNOWLEDGEMENT = b"\0\0\0\4\1\0\0\0\0"  # of the SETTINGS; TensorFlow 2.21 closes a connection without one after 60 s
SETTINGS = 4  # the type of a frame is its fourth byte
PAUSE = 1.0  # seconds between two checks of a task
RUN_LIMIT = 10  # a `session.run` may take this many times the time-out of the cluster
_ENDING = threading.Lock()
RESTART = "start this task again, then run the same command again"


def connect(task: Task, seconds: float) -> socket.socket:
    """A connection to the TensorFlow server of a task.

    Raises:
        OSError: there is no server, or the server does not answer within `seconds`.
    """
    host, _, port = task.address.rpartition(":")
    connection = socket.create_connection((host.strip("[]"), int(port)), seconds)
    try:
        connection.settimeout(seconds)
        connection.sendall(PREFACE)
        answer = connection.recv(4096)
        if not answer:
            raise ConnectionResetError("a closed connection")
        if answer[3:4] != bytes([SETTINGS]):
            raise ConnectionError("an answer of another program")
        connection.sendall(ACKNOWLEDGEMENT)
    except OSError:
        connection.close()
        raise
    return connection


def wait_for_tasks(cluster: Cluster, signals: Sequence[int] = ()) -> None:
    """Wait until all other tasks answer.

    Args:
        cluster: the tasks.
        signals: as from `signals.deferred_signals`; the wait ends at the first one.

    Raises:
        Interrupted: a signal arrived.
        TaskError: a task does not answer within the time-out of the cluster.
    """
    end, answers, missing = time.monotonic() + cluster.patience, queue.Queue(), list(cluster.peers)
    for task in missing:  # daemon threads, so that the process can end while they wait
        threading.Thread(target=lambda task=task: answers.put((task, _wait_for(task, end))), daemon=True).start()
    while missing:
        if signals:
            raise Interrupted("stopped while it waited for " + " and ".join(map(str, missing)), signals[0])
        with contextlib.suppress(queue.Empty):
            task, error = answers.get(timeout=PAUSE / 10)
            if error is not None:
                raise _lost_task(cluster, task, error, "start this task, then run the same command again")
            missing.remove(task)


def _wait_for(task, end):
    """None as soon as a task answers; the last error if it does not answer before `end`."""
    while True:
        try:
            return connect(task, max(0.1, end - time.monotonic())).close()
        except OSError as error:
            if time.monotonic() + PAUSE > end:
                return error
        time.sleep(PAUSE / 4)


@contextlib.contextmanager
def watched_tasks(cluster: Cluster) -> Iterator[Callable[[], ContextManager[None]]]:
    """End this process with one line and `ExitStatus.TEMPORARY_FAILURE` as soon as another task is lost.

    A thread ends the process, because a TensorFlow call that waits for a lost task may never return. The last
    checkpoint remains, as after a kill.

    Yields:
        A function that returns a context for one `session.run`. If the run raises an error, the tasks are checked at
        once. If all tasks answer but the run takes more than `RUN_LIMIT` times the time-out of the cluster, the process
        ends in the same way.

    Raises:
        TaskError: a task does not answer at the start. If an earlier one is lost meanwhile, the process ends.
    """
    ended = threading.Event()
    terminal = os.dup(2)  # `tf_setup.filter_stderr` sometimes redirects descriptor 2; the line would then be lost
    watched = []
    try:
        for task in cluster.peers:
            watched.append(_Watched(cluster, task, terminal))
            threading.Thread(target=watched[-1].check_often, args=(ended,), daemon=True).start()
        yield lambda: _limited_run(cluster, terminal, watched)
    finally:
        ended.set()
        os.close(terminal)


@contextlib.contextmanager
def _limited_run(cluster, terminal, watched):
    seconds = RUN_LIMIT * cluster.timeout
    expected, found = f"an end of each step within {seconds} seconds", "none, although all tasks answer"
    hint = "start all tasks again, then run the same command again, with a larger --task-timeout if a step takes longer"
    timer = threading.Timer(seconds, _end, [TaskError(VARIABLE, expected, found, hint), terminal])
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception:
        for task in watched:
            task.check()
        raise
    finally:
        timer.cancel()


class _Watched:
    """A task that is checked again and again. If its process was replaced, the earlier connection is closed."""

    def __init__(self, cluster: Cluster, task: Task, terminal: int) -> None:
        self._cluster, self._task, self._terminal = cluster, task, terminal
        self._lock = threading.Lock()
        try:
            self._connection = connect(task, cluster.patience)
        except OSError as error:
            raise _lost_task(cluster, task, error, RESTART) from error

    def check_often(self, ended: threading.Event) -> None:
        while not ended.wait(PAUSE):
            self.check(ended)
        with self._lock:
            self._connection.close()

    def check(self, ended: Optional[threading.Event] = None) -> None:
        """Connect again. End this process if the task is lost, unless `ended` is set meanwhile."""
        try:
            with self._lock, self._connection as earlier:
                self._connection = connect(self._task, self._cluster.patience)
                _check_open(earlier)
        except OSError as error:
            if ended is None or not ended.is_set():
                _end(_lost_task(self._cluster, self._task, error, RESTART), self._terminal)


def _check_open(connection):
    connection.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while connection.recv(4096):
            pass
        raise ConnectionResetError("the end of its process")


def _lost_task(cluster: Cluster, task: Task, error: OSError, hint: str) -> TaskError:
    """The error that names a task."""
    found = "none" if isinstance(error, socket.timeout) else error.strerror or str(error)
    return TaskError(str(task), f"an answer within {cluster.timeout} seconds", found, hint)


def _end(error, terminal):
    """Print the error and end this process, once. The main thread may be blocked in `session.run`.

    The error is the last line: what TensorFlow's threads write meanwhile is lost.
    """
    _ENDING.acquire()  # for ever
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with contextlib.suppress(OSError):
        os.write(terminal, f"legacy_graph: {error}\n".encode())
    os._exit(ExitStatus.TEMPORARY_FAILURE)
