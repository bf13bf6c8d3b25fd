"""The plugin's routes without a browser and without a server."""

import json

from tensorboard.backend import http_util
from tensorboard.plugins.base_plugin import TBContext
from werkzeug.test import Client, EnvironBuilder
from werkzeug.wrappers import Request, Response

from legacy_graph.board.plugin import DeconvnetPlugin


def own_headers():
    """The headers that TensorBoard adds to every answer; version 2 also forbids browsers to guess the content type."""
    answer = http_util.Respond(Request(EnvironBuilder().get_environ()), "", "text/plain")
    return {(name, value) for name, value in answer.headers.items() if not name.startswith("Content-")}


class Site:
    """The plugin's routes of one log directory."""

    def __init__(self, logdir, load=DeconvnetPlugin):
        self.plugin = load(TBContext(logdir=logdir))
        self._apps = self.plugin.get_plugin_apps()

    def ask(self, route, query=(), **options):
        """(status, JSON or text) of a request; it must have TensorBoard's own headers."""
        method = "POST" if "data" in options else "GET"
        client = Client(self._apps["/" + route], Response)
        options.setdefault("headers", {"X-Deconvnet": "1"})
        answer = client.open("/", method=method, query_string=dict(query), **options)
        assert not own_headers() - set(answer.headers.items())
        text = answer.get_data(as_text=True)
        return answer.status_code, json.loads(text) if answer.mimetype == "application/json" else text
