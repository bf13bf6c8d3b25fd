"""`check` against TensorBoard: what its own routes answer for forty logs, with each of its loaders."""

import importlib.util
import json
import time

import pytest
from tensorboard import default, program
from werkzeug.test import Client
from werkzeug.wrappers import Response

from legacy_graph.logdir import dashboards, event_reader
from tests.support import forty_logs
from tests.support.forty_logs import LOGS

PATIENCE = 60  # seconds for a busy machine
# Plugin -> dashboard, where the route `tags` lists {run: {tag: ...}}.
TAGS = {
    "scalars": "SCALARS", "images": "IMAGES", "audio": "AUDIO", "histograms": "HISTOGRAMS",
    "distributions": "DISTRIBUTIONS",
}  # fmt: skip
BACK = {"steps that go back", "steps of one tag go back", "images that go back", "two files", "a step twice"}


class Server:
    """In place of TensorBoard's web server: keeps the application, and serves nothing."""

    def __init__(self, app, flags):
        self.app = app

    def get_url(self):
        return ""

    def serve_forever(self):
        pass


def start(logdir, *words):
    """TensorBoard's application for a log directory; the client calls it in this process."""
    servers = []
    board = program.TensorBoard(
        default.get_plugins(), server_class=lambda *given: servers.append(Server(*given)) or servers[0]
    )
    board.configure(["tensorboard", "--logdir", logdir, "--reload_interval", "0", *words])
    board.launch()
    client = Client(servers[0].app, Response)
    return lambda route, **query: client.get("/data/" + route, query_string=query)


def answers(get):
    """{(run, dashboard): {tag: steps}} of TensorBoard. Steps are None where it is not asked for them."""
    found = {}
    for plugin, dashboard in TAGS.items():
        for run, tags in json.loads(get(f"plugin/{plugin}/tags").data).items():
            steps = {tag: points(get, plugin, run, tag) for tag in tags}
            if tags:
                found[run, dashboard] = steps
    for run, graphs in json.loads(get("plugin/graphs/info").data).items():
        found[run, "GRAPHS"] = dict.fromkeys(["graph"] * graphs["run_graph"] + list(graphs["tags"]))
    projector = get("plugin/projector/runs")
    for run in json.loads(projector.data) if projector.status_code == 200 else ():
        info = json.loads(get("plugin/projector/info", run=run).data)
        names = [one["tensorName"] for one in info["embeddings"] if "tensorName" in one]
        shown = [name for name in names if get("plugin/projector/tensor", run=run, name=name).status_code == 200]
        if shown:
            found[run, "PROJECTOR"] = dict.fromkeys(shown)
    return found


def points(get, plugin, run, tag):
    if plugin == "scalars":
        return [int(point[1]) for point in json.loads(get("plugin/scalars/scalars", run=run, tag=tag).data)]
    if plugin == "images":
        listed = json.loads(get("plugin/images/images", run=run, tag=tag, sample=0).data)
        return [image["step"] for image in listed]
    return None


def ours(logdir):
    runs, _ = event_reader.read_runs(logdir)
    return {
        (run.name, dashboard): {
            tag: data.tags[tag] if dashboard in ("SCALARS", "IMAGES") else None for tag in data.tags
        }
        for run in runs
        for dashboard, data in run.fed.items()
    }


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    for name, make in LOGS.items():
        make(folder / name)
    return str(folder)


def compared(logdir, *words, left_out=()):
    """Compare once TensorBoard has loaded all; a difference that stays is an error."""
    get, expected = start(logdir, *words), ours(logdir)
    end = time.monotonic() + PATIENCE
    found = answers(get)
    while found != expected and time.monotonic() < end and words[-1] == "true":
        time.sleep(0.2)
        found = answers(get)
    unanswered = {"PROJECTOR"} if get("plugin/projector/runs").status_code != 200 else set()
    keys = sorted(key for key in {*found, *expected} if key[0] not in left_out and key[1] not in unanswered)
    assert {key: found.get(key) for key in keys} == {key: expected.get(key) for key in keys}


# Fast loading needs a package that TensorBoard 1.15 does not have. That version shows meta graphs, and starts its
# projector in another way.
LOADERS = {"slow": ["--reload_task", "blocking"]}
if importlib.util.find_spec("tensorboard_data_server"):
    LOADERS = {"slow": ["--load_fast", "false", "--reload_task", "blocking"], "fast": ["--load_fast", "true"]}
else:
    BACK.add("meta graph")


@pytest.mark.parametrize("loader", LOADERS)
def test_tensorboard_shows_what_check_says(logs, loader):
    """Slow loading also shows the points that later ones replace."""
    compared(logs, *LOADERS[loader], left_out=() if loader == "fast" else BACK)


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("count", [11, 20])
def test_check_names_the_images_that_tensorboard_drops(loader, count, tmp_path):
    """The first with fast loading; exactly those of the line with slow loading."""
    forty_logs.write(tmp_path / "log" / "run", *map(forty_logs.image, range(count)))
    get, end, shown = start(str(tmp_path / "log"), *LOADERS[loader]), time.monotonic() + PATIENCE, []
    while count - 1 not in shown and time.monotonic() < end:
        listed = get("plugin/images/images", run="run", tag="picture", sample=0)
        shown = [image["step"] for image in json.loads(listed.data)] if listed.status_code == 200 else []
    dropped = sorted(set(range(count)) - set(shown))
    line = dashboards._dropped(list(range(count)), 10)
    if loader == "fast":
        assert dropped[0] == 0 and "first drops step 0 " in line
    else:
        more = f" and {len(dropped) - 5} more" * (len(dropped) > 5)
        assert f"step {', '.join(map(str, dropped[:5]))}{more} with" in line
