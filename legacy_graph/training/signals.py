"""Signals: after Ctrl-C, SIGTERM or SIGHUP a run finishes its step and saves; a second Ctrl-C kills it at once."""

import contextlib
import os
import signal
import threading
from typing import Iterator, List


@contextlib.contextmanager
def deferred_signals() -> Iterator[List[int]]:
    """A list that collects the numbers of SIGINT, SIGTERM and SIGHUP; a second signal kills the process at once.

    SIGHUP does not count as first or second: a closed terminal may send SIGHUP twice and then SIGTERM.
    """
    arrived = []

    def note(number, _):
        second = number != signal.SIGHUP and any(signum != signal.SIGHUP for signum in arrived)
        arrived.append(number)
        # Restore the default handler so that a second signal kills at once. A second SIGHUP is ignored.
        signal.signal(number, signal.SIG_IGN if number == signal.SIGHUP else signal.SIG_DFL)
        if second:
            os.kill(os.getpid(), number)

    # Only the main thread can set handlers. Under nohup, or in the background of a script, some signals are ignored.
    can_set = threading.current_thread() is threading.main_thread()
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if can_set else ()
    before = {signum: signal.getsignal(signum) for signum in wanted if signal.getsignal(signum) != signal.SIG_IGN}
    for signum in before:
        signal.signal(signum, note)
    try:
        yield arrived
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
