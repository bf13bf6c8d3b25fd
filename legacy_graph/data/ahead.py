"""Run calls in threads, ahead of the use of their results."""

import collections
import concurrent.futures
import itertools
from typing import Any, Callable, Iterable, Iterator, List


def run_ahead(calls: Iterable[Callable], workers: int, count: int) -> Iterator:
    """The results of calls, in order. Threads run the calls ahead of their use.

    Args:
        calls: functions without arguments. The iterable is read only as far as `count` allows.
        workers: the number of threads.
        count: maximum number of calls that wait for a thread, run, or have a result that is not yet used.
    """
    calls = iter(calls)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        futures = collections.deque(map(pool.submit, itertools.islice(calls, count)))
        try:
            while futures:
                yield futures[0].result()
                futures.popleft()
                futures.extend(map(pool.submit, itertools.islice(calls, 1)))
        finally:
            for future in futures:
                future.cancel()


def run_together(calls: Iterable[Callable]) -> List[Any]:
    """The results of calls, in order. Two threads run them: one computes while a session run of the other waits."""
    return list(run_ahead(calls, 2, 2))
