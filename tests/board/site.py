"""The plugin's routes without a server, and a TensorBoard without a browser."""

import base64
import contextlib
import json
import os
import re
import subprocess
import sys

import numpy as np
from tensorboard.backend import http_util
from tensorboard.plugins.base_plugin import TBContext
from werkzeug.test import Client, EnvironBuilder
from werkzeug.wrappers import Request, Response

from legacy_graph.board.plugin import DeconvnetPlugin
from tests.support.program import ROOT


def own_headers():
    """The headers that TensorBoard adds to every answer; version 2 also forbids browsers to guess the content type."""
    answer = http_util.Respond(Request(EnvironBuilder().get_environ()), "", "text/plain")
    return {(name, value) for name, value in answer.headers.items() if not name.startswith("Content-")}


def pixels(tile):
    """The pixels of a tile in an answer, uint8 [height, width, channels]."""
    shape = (tile["height"], tile["width"], tile["channels"])
    return np.frombuffer(base64.b64decode(tile["data"]), np.uint8).reshape(shape)


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


@contextlib.contextmanager
def serving(module, logdir, *options):
    """The port of a TensorBoard on this machine, started as `python -m MODULE`."""
    command = [sys.executable, "-m", *module, "--logdir", logdir, "--host", "localhost", "--port", "0", *options]
    process = subprocess.Popen(
        command, env=dict(os.environ, PYTHONPATH=ROOT), stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True
    )
    with process.stdout as lines:
        try:
            yield next(
                int(found.group(1)) for found in (re.search(r"localhost:(\d+)/", line) for line in lines) if found
            )
        finally:
            process.terminate()
            process.wait()
