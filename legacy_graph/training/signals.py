"""Ctrl-C, SIGTERM and a terminal that is closed: a run ends its step and saves; a second Ctrl-C ends it at once."""

import contextlib
import os
import signal
import threading
from typing import Iterator, List


class Interrupted(Exception):
    """The user stopped a run, and it can go on: the message says where."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.status = 128 + number  # as a shell tells of a program that the signal ended: 130, 143, 129


@contextlib.contextmanager
def deferred_signals() -> Iterator[List[int]]:
    """A list in which the first SIGINT, SIGTERM or SIGHUP puts its number; the next one ends the process at once.

    But SIGHUP does not count: a terminal that is closed may send one, the shell in it another, and then SIGTERM.
    """
    arrived = []

    def note(number, _):
        second = number != signal.SIGHUP and any(one != signal.SIGHUP for one in arrived)
        arrived.append(number)
        # The same one again need not wait for Python.
        signal.signal(number, signal.SIG_IGN if number == signal.SIGHUP else signal.SIG_DFL)
        if second:
            os.kill(os.getpid(), number)

    # Python lets the main thread alone set handlers; a program under nohup, or in a script's background, ignores some.
    wanted = (
        [signal.SIGINT, signal.SIGTERM, signal.SIGHUP] if threading.current_thread() is threading.main_thread() else []
    )
    before = {one: signal.getsignal(one) for one in wanted if signal.getsignal(one) != signal.SIG_IGN}
    for one in before:
        signal.signal(one, note)
    try:
        yield arrived
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
