"""Check of other tasks, tested with sockets that behave like lost tasks or like a TensorFlow server."""

import contextlib
import os
import signal
import socket
import threading
import time

import pytest

from legacy_graph import tf_setup
from legacy_graph.cluster import watch
from legacy_graph.cluster.tf_config import Cluster, Task
from legacy_graph.errors import ExitStatus, Interrupted, TaskError

SETTINGS = b"\0\0\0\4\0\0\0\0\0"  # an empty frame


@contextlib.contextmanager
def listening(answer=None):
    """A task that accepts connections. With `answer`, the task reads the first bytes and sends `answer`."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(5)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    held.append(connection)
                    connection.recv(100)
                    connection.sendall(answer)
                    if not answer:
                        connection.close()

        held = []
        if answer is not None:
            threading.Thread(target=serve, daemon=True).start()
        yield Task("worker", 1, f"127.0.0.1:{server.getsockname()[1]}")
        with contextlib.suppress(OSError):  # on macOS
            server.shutdown(socket.SHUT_RDWR)  # ends `accept` in the thread
        for one in held:
            one.close()


def cluster(task, timeout=1):
    return Cluster({"worker": ["127.0.0.1:1", task.address]}, Task("worker", 0, "127.0.0.1:1"), timeout)


def free_task():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return Task("worker", 1, f"127.0.0.1:{one.getsockname()[1]}")


def test_a_server_that_sends_settings_answers():
    with listening(SETTINGS) as task:
        watch.connect(task, 5).close()
        watch.wait_for_tasks(cluster(task))


@pytest.mark.parametrize(
    "answer, found",
    [(None, "found none"), (b"HTTP/1.1 400 Bad Request", "found an answer of another program"),
     (b"", "found a closed connection")],
)  # fmt: skip
def test_a_task_that_does_not_answer_is_named(answer, found):
    with listening(answer) as task, pytest.raises(TaskError) as caught:
        watch.wait_for_tasks(cluster(task))
    assert str(caught.value).startswith(f"worker 1 at {task.address}: expected an answer within 1 seconds, {found}; ")
    assert caught.value.status == ExitStatus.TEMPORARY_FAILURE


def test_a_task_that_starts_later_is_waited_for():
    task = free_task()
    host, port = task.address.split(":")
    with socket.socket() as server:

        def start():
            time.sleep(0.5)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((host, int(port)))
            server.listen(1)
            with server.accept()[0] as connection:
                connection.sendall(SETTINGS)
                while connection.recv(100):
                    pass

        threading.Thread(target=start, daemon=True).start()
        watch.wait_for_tasks(cluster(task, timeout=30))


def test_a_task_that_never_starts_is_named():
    task = free_task()
    with pytest.raises(TaskError, match=f"worker 1 at {task.address}: .* found Connection refused; start this task"):
        watch.wait_for_tasks(cluster(task))


def test_a_deferred_signal_ends_the_wait():
    task, signals = free_task(), []
    threading.Timer(0.3, signals.append, [signal.SIGTERM]).start()
    with pytest.raises(Interrupted, match=f"stopped while it waited for worker 1 at {task.address}") as caught:
        watch.wait_for_tasks(cluster(task, timeout=600), signals)
    assert caught.value.status == 143


def test_ctrl_c_that_is_not_deferred_ends_the_wait():
    threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        watch.wait_for_tasks(cluster(free_task(), timeout=600))


@pytest.fixture
def ended(monkeypatch):
    """The messages with which `watched_tasks` would end this process. At the end, all its connections are closed."""
    messages, happened, opened, real = [], threading.Event(), [], watch.connect
    monkeypatch.setattr(watch, "PAUSE", 0.05)
    monkeypatch.setattr(watch, "_end", lambda error, _: (messages.append(str(error)), happened.set()))
    monkeypatch.setattr(watch, "connect", lambda *arguments: opened.append(real(*arguments)) or opened[-1])
    yield messages, happened
    end = time.monotonic() + 10
    while time.monotonic() < end and any(one.fileno() >= 0 for one in opened):
        time.sleep(0.02)
    assert opened and all(one.fileno() < 0 for one in opened)


def test_a_task_that_ends_is_reported(ended):
    messages, happened = ended
    with contextlib.ExitStack() as stack:
        with listening(SETTINGS) as task:
            stack.enter_context(watch.watched_tasks(cluster(task)))
            assert not happened.wait(0.5)
        assert happened.wait(10)
    assert messages[0].startswith(f"worker 1 at {task.address}: ")


def test_a_task_replaced_by_another_process_is_reported(ended):
    """The address always answers, but the first connection is closed."""
    messages, happened = ended
    with listening(SETTINGS) as task:
        real = watch.connect

        def connect(*arguments):
            real(*arguments).close()
            one, other = socket.socketpair()
            other.close()
            return one

        watch.connect = connect
        try:
            with watch.watched_tasks(cluster(task)):
                assert happened.wait(10)
        finally:
            watch.connect = real
    assert "found the end of its process" in messages[0]


def test_an_error_of_a_run_checks_the_tasks_at_once(ended, monkeypatch):
    """The threads would check in an hour."""
    messages, _ = ended
    monkeypatch.setattr(watch, "PAUSE", 3600)
    with contextlib.ExitStack() as stack:
        with listening(SETTINGS) as task:
            limited_run = stack.enter_context(watch.watched_tasks(cluster(task)))
            with pytest.raises(ZeroDivisionError), limited_run():
                raise ZeroDivisionError
            assert messages == []
        with pytest.raises(ZeroDivisionError), limited_run():
            raise ZeroDivisionError
    assert messages[0].startswith(f"worker 1 at {task.address}: ")


def test_a_task_that_ends_after_the_block_is_not_reported(ended):
    messages, happened = ended
    with listening(SETTINGS) as task, watch.watched_tasks(cluster(task)):
        pass
    assert not happened.wait(0.3) and messages == []


def test_a_check_that_fails_after_the_block_is_not_reported(ended, monkeypatch):
    messages, happened = ended
    checking, over = threading.Event(), threading.Event()

    def connect(*_):
        checking.set()
        over.wait(10)
        raise ConnectionRefusedError

    with listening(SETTINGS) as task:
        with watch.watched_tasks(cluster(task)):
            monkeypatch.setattr(watch, "connect", connect)
            assert checking.wait(10)
        over.set()
    assert not happened.wait(0.3) and messages == []


def test_the_line_is_printed_while_standard_error_is_filtered(monkeypatch, capfd):
    """During a traced step or a checkpoint, the process ends before the filter prints what it holds back. It is the
    last line, also if a thread of TensorFlow writes a warning while the process ends.
    """
    happened = threading.Event()

    def end(status):
        os.write(2, b"W0000 a warning\n")
        statuses.append(status)
        happened.set()

    monkeypatch.setattr(watch, "PAUSE", 0.05)
    monkeypatch.setattr(watch.os, "_exit", end)
    statuses = []
    with contextlib.ExitStack() as stack:
        with listening(SETTINGS) as task:
            stack.enter_context(watch.watched_tasks(cluster(task)))
            stack.enter_context(tf_setup.filter_stderr())
        assert happened.wait(10)
        assert capfd.readouterr().err.startswith(f"legacy_graph: worker 1 at {task.address}: expected an answer")
    assert (statuses, capfd.readouterr().err) == ([75], "")
