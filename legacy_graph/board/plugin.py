"""The DECONVNET dashboard: a plugin of TensorBoard with its routes. Does not import TensorFlow.

Requests name runs, layers, maps and methods, and only names that exist are accepted. No request contains a path.
"""

import os
import socket
import threading
from typing import Any, Callable, Dict, Optional

from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin
from werkzeug import wrappers

from legacy_graph.board import live, runs, sheet
from legacy_graph.board.answers import FORBIDDEN, NOT_FOUND, NOT_POSTED, TOO_LARGE, HttpError, find
from legacy_graph.board.open_graph import Asked, OpenGraph
from legacy_graph.data.decoder import FORMAT_NAMES
from legacy_graph.errors import UserError, reason

MAX_BYTES = 32 * 2**20  # of a posted picture; `data.decoder` limits the number of pixels
PATIENCE = 30  # seconds until a posted picture must have arrived
# This header proves that the request is from the dashboard's own page. For a page of another origin, a browser first
# asks TensorBoard for permission to send the header, and TensorBoard does not give it. A comparison of Origin and Host
# would fail behind a proxy that changes Host.
HEADER = "X-Deconvnet"
SCRIPTS = "address follow frontend help layers maps network own pad save server spots steps strip tiles"
FILES = dict.fromkeys([f"{name}.js" for name in SCRIPTS.split()], "text/javascript")
FILES.update({"style.css": "text/css", "help-en.html": "text/html", "help-zh.html": "text/html"})


class DeconvnetPlugin(base_plugin.TBPlugin):
    """Answers the requests of `frontend.js`."""

    plugin_name = "deconvnet"

    def __init__(self, context: base_plugin.TBContext, graph: Optional[OpenGraph] = None) -> None:
        self._logdir = os.path.expanduser(context.logdir or "")
        self._graph = graph
        self._reader = live.Reader(graph)
        self._known: Dict[str, runs.RunResults] = {}  # as of the last search: in a large directory it takes seconds

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """The tab. The page refreshes itself, so TensorBoard's reload button is disabled."""
        return base_plugin.FrontendMetadata(es_module_path="/frontend.js", tab_name="Deconvnet", disable_reload=True)

    def is_active(self) -> bool:
        """Whether there is a graph or a run to show. If not, TensorBoard lists the tab as inactive."""
        return self._graph is not None or bool(runs.find_runs(self._logdir))

    def get_plugin_apps(self) -> Dict[str, Callable]:
        """The route of each file and of each kind of answer."""
        answers = {
            "/runs": self._runs,
            "/maps": self._maps,
            "/map": self._map,
            "/strip": self._strip,
            "/own": self._own,
            "/heat": self._heat,
            "/network": self._network,
            "/occlusion": self._occlusion,
        }
        files = {"/" + name: _file_route(name, mimetype) for name, mimetype in FILES.items()}
        return {**files, **{route: _json_route(answer) for route, answer in answers.items()}}

    def _runs(self, request):
        """The runs, their layers, and the commands that fill what is missing; the layers of the graph of --graph."""
        self._known = runs.find_runs(self._logdir)
        found, graph = runs.describe(self._logdir, self._known), self._graph
        if graph is None:
            return {**found, "graph": None}
        layers = [{"label": layer.label, "shape": layer.shape} for layer in graph.model.layers]
        about = {"title": graph.title, "layers": layers, "method": graph.method, "input": graph.model.input_shape}
        about["pictures"] = graph.about is not None
        return {**found, "graph": about}

    def _maps(self, request):
        """All maps of a layer: run, layer, step, method."""
        return self._sheet(request).maps(request.args.get("method"))

    def _map(self, request):
        """One map with its strongest activations: run, layer, step, method, map."""
        return self._sheet(request).map(_number(request), request.args.get("method"))

    def _strip(self, request):
        """The strongest spot of one map at each step, in order of the steps: run, layer, method, map."""
        number, method = _number(request), request.args.get("method")
        columns = [_column(step, path, number, method) for step, path in self._steps(request).items()]
        single = {column["step"]: column for column in sorted(columns, key=lambda column: "error" not in column)}
        unknown = float("inf")  # results that record no step come after all others
        order = {step: unknown if step is None else step for step in single}
        return {"columns": [single[step] for step in sorted(single, key=order.get)]}

    def _own(self, request):
        """A posted picture: run, layer, method, map."""
        content = _picture(request)
        name, method = request.args.get("layer"), request.args.get("method")
        return self._reader.network("read", self._run(request).folder, content, name, _number(request), method)

    def _heat(self, request):
        """The class heat map of a posted picture: run, detail."""
        content = _picture(request)
        return self._reader.network("cover", self._run(request).folder, content, request.args.get("detail"))

    def _network(self, request):
        """A posted picture for the graph of --graph: layer, method, map, order, page."""
        return self._reader.graph("read", _picture(request), _asked(request))

    def _occlusion(self, request):
        """A posted picture for the graph of --graph: as `_network`, and detail."""
        return self._reader.graph("cover", _picture(request), _asked(request), request.args.get("detail"))

    def _sheet(self, request):
        return sheet.load(find("step", self._steps(request), request.args.get("step", "")))

    def _steps(self, request):
        run, layer, step = [request.args.get(key, "") for key in ("run", "layer", "step")]
        if step not in getattr(self._known.get(run), "sheets", {}).get(layer, {}):
            self._known = runs.find_runs(self._logdir)
        return find("layer", self._run(request).sheets, layer)

    def _run(self, request):
        name = request.args.get("run")
        if name not in self._known:
            self._known = runs.find_runs(self._logdir)
        return find("run", self._known, name)


class DeconvnetLoader(base_plugin.TBLoader):
    """Creates the plugin for TensorBoard, with the graph of --graph, which may be set later."""

    def __init__(self, graph: Optional[OpenGraph] = None) -> None:
        self.graph = graph

    def load(self, context: base_plugin.TBContext) -> DeconvnetPlugin:
        """Called by TensorBoard once, which catches all exceptions."""
        return DeconvnetPlugin(context, self.graph)


def _column(step: str, path: str, number: int, method: str) -> Dict[str, Any]:
    """One column of the film strip; an error if the results of the step are damaged, or have no such map or method."""
    try:
        loaded = sheet.load(path)
        known = loaded.step if step == "" else int(step)
        return {"step": known, "key": step, "spot": loaded.strongest(number, method)}
    except UserError as error:
        return {"step": int(step) if step else None, "key": step, "error": str(error)}


def _number(request, name: str = "map") -> int:
    text = request.args.get(name, "")
    if not (text.isdecimal() and len(text) < 10):
        raise HttpError(NOT_FOUND, name, f"the number of a {name}", repr(text), "reload the page")
    return int(text)


def _asked(request) -> Asked:
    number = None if request.args.get("map", "") == "" else _number(request)
    layer, method, order = [request.args.get(name, "") for name in ("layer", "method", "order")]
    image = _number(request, "image") if "image" in request.args else 0
    return Asked(layer, number, method, order, _number(request, "page"), image)


def _picture(request) -> bytes:
    """The posted picture of a request from the dashboard's own page. It is read only if it is small enough."""
    if request.method != "POST":
        raise HttpError(NOT_POSTED, "request", "POST with a picture", request.method, "send the picture as the body")
    if HEADER not in request.headers:
        raise HttpError(FORBIDDEN, "request", f"the header {HEADER}", "none", "send it from the dashboard's own page")
    length = request.content_length or 0
    if length > MAX_BYTES:
        raise HttpError(TOO_LARGE, "picture", f"at most {MAX_BYTES:,} bytes", f"{length:,}", "make it smaller")
    try:
        content = _read_in_time(request, length) if length else b""
    except Exception as error:  # werkzeug raises several types for a connection that ended
        raise UserError("picture", "all of its bytes", reason(error), "send it again") from error
    if len(content) < length:
        raise UserError("picture", f"{length:,} bytes within {PATIENCE} s", f"{len(content):,}", "send it again")
    if not content:
        raise UserError("picture", f"a file in {FORMAT_NAMES}", "an empty body", "send a picture with a Content-Length")
    return content


def _read_in_time(request, length: int) -> bytes:
    """At most `length` bytes of the body: those that arrive within `PATIENCE` seconds."""
    if "werkzeug.socket" not in request.environ:  # another server than TensorBoard's own
        return request.stream.read(length)
    # A timeout of the socket would begin again with each byte.
    end = threading.Timer(PATIENCE, request.environ["werkzeug.socket"].shutdown, [socket.SHUT_RD])
    end.start()
    try:
        return request.stream.read(length)
    finally:
        end.cancel()


def _json_route(answer: Callable[[wrappers.Request], Dict[str, Any]]) -> Callable:
    """The WSGI application that sends an answer as JSON; an error is {"error": one line}."""

    @wrappers.Request.application
    def respond(request):
        try:
            return http_util.Respond(request, answer(request), "application/json")
        except UserError as error:
            code = getattr(error, "code", 400)
            return http_util.Respond(request, {"error": str(error)}, "application/json", code=code)

    return respond


def _file_route(name: str, mimetype: str) -> Callable:
    @wrappers.Request.application
    def respond(request):
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), encoding="utf-8") as file:
            return http_util.Respond(request, file.read(), mimetype)

    return respond
