"""Run networks on the user's pictures, in one thread. Importing this module does not import TensorFlow."""

import collections
import concurrent.futures
import threading
from typing import Any, Callable, Deque, Dict, Optional

from legacy_graph import tf_setup
from legacy_graph.board.answers import BUSY, NOT_FOUND, HttpError
from legacy_graph.board.open_graph import OpenGraph

WAITING = 8  # maximum number of pictures that wait; if one more arrives, the oldest is dropped


class Worker:
    """One thread that runs functions in turn."""

    def __init__(self) -> None:
        self._pool = concurrent.futures.ThreadPoolExecutor(1)
        self._lock = threading.Lock()
        self._waiting: Deque[concurrent.futures.Future] = collections.deque()

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a function in the thread, wait for it, and return its value.

        Raises:
            HttpError: 503; `WAITING` newer calls arrived before the function was run.
        """
        with self._lock:
            self._waiting = collections.deque(task for task in self._waiting if not (task.running() or task.done()))
            if len(self._waiting) >= WAITING:
                self._waiting.popleft().cancel()
            future = self._pool.submit(function, *arguments)
            self._waiting.append(future)
        try:
            return future.result()
        except concurrent.futures.CancelledError as error:
            raise HttpError(BUSY, "picture", "a place in the queue", "newer pictures", "send it again") from error


class Reader:
    """Runs the article's network, with the newest intact checkpoint of a run, or `graph` on pictures."""

    def __init__(self, graph: Optional[OpenGraph] = None) -> None:
        self._worker, self._graph, self._opened = Worker(), graph, {}

    def network(self, method: str, *request: Any) -> Dict[str, Any]:
        """What a method of `network.LiveNetwork` returns, which is called in the thread; also its errors.

        Raises:
            HttpError: too many requests.
        """
        return self._worker.run(self._call, _open_network, method, request)

    def graph(self, method: str, *request: Any) -> Dict[str, Any]:
        """What a method of `graph_network.GraphNetwork` returns, as `network`.

        Raises:
            HttpError: no graph was opened; too many requests.
        """
        return self._worker.run(self._call, _open_graph, method, request)

    def _call(self, open_once, method, request):
        if open_once not in self._opened:
            self._opened[open_once] = open_once(self._graph)
        return getattr(self._opened[open_once], method)(*request)


def _open_graph(graph):
    if graph is None:
        hint = "start TensorBoard by this program, with --graph PATH"
        raise HttpError(NOT_FOUND, "graph", "a graph named by --graph", "none", hint)
    from legacy_graph.board.graph_network import GraphNetwork

    return GraphNetwork(graph)


def _open_network(_):
    tf_setup.import_tensorflow()
    from legacy_graph.board.network import LiveNetwork

    return LiveNetwork()
