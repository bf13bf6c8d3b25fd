"""Start TensorBoard and a browser: shared by the browser tests and the screenshots."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from typing import Callable, Dict, Iterator, Sequence, Tuple
from urllib.parse import quote

from playwright.sync_api import Browser, FrameLocator, Page, expect, sync_playwright
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.browser import setup
from tests.support.program import ROOT

# The projector needs WebGL, here without a graphics card. All other browser settings are the defaults.
FLAGS = ["--enable-unsafe-swiftshader"]
EVERYTHING = dict.fromkeys(["scalars", "images", "audio", "histograms", "compressedHistograms", "tensors", "graph"], 0)
# Settings of TensorBoard's own menus: more cards per page, and curves that stay inside their frame.
SETTINGS = {"_tb_global_settings": json.dumps({"paginationSize": 100}), "_ignoreYOutliers": "false"}
PATIENCE = 90000  # milliseconds: a busy machine draws slowly
PROGRAM = ("legacy_graph", "tensorboard")  # the module to run, and its command
CONV2 = "deconvnet&p.deconvnet.layer=conv2"  # an address of the DECONVNET dashboard
expect.set_options(timeout=PATIENCE)


def read(logdir: str) -> Dict[str, EventAccumulator]:
    """The event files of each run, read by TensorBoard: {"train": ..., "test": ...}."""
    runs = {}
    for folder, _, files in os.walk(logdir):
        if any("tfevents" in name for name in files):
            runs[os.path.relpath(folder, logdir).replace(os.sep, "/")] = EventAccumulator(folder, EVERYTHING).Reload()
    return runs


@contextlib.contextmanager
def tensorboard(logdir: str, *options: str, program: Sequence[str] = PROGRAM) -> Iterator[str]:
    """Serve `logdir` on a free port; yields the address once all runs are loaded."""
    command = [sys.executable, "-m", *program, "--logdir", logdir, "--port", "0", *options]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, env=dict(os.environ, PYTHONPATH=ROOT), stdout=said, stderr=said)
        try:
            address = soon(lambda: _address(said, process))
            runs = read(logdir)
            soon(lambda: _loaded(address, runs))
            yield address
        finally:
            process.terminate()
            process.wait()
            said.seek(0)
            print(said.read())  # pytest shows it if the test fails


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium or Chrome."""
    path = setup.find()
    assert path, setup.MISSING
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def open_page(
    browser: Browser, address: str, dashboard: str, tags: str = "", runs: str = "", width=1400, height=1000, scale=1.0
) -> Page:
    """A new page on a dashboard such as "scalars", without smoothing, filtered by the regular expressions."""
    page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=scale)
    page.add_init_script(f"Object.assign(localStorage, {json.dumps(SETTINGS)})")
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda said: said.type == "error" and page.complaints.append(said.text))
    page.on("response", lambda got: got.ok or page.complaints.append(f"{got.status} {got.url}"))
    page.goto(f"{address}#{dashboard}&_smoothingWeight=0&tagFilter={quote(tags)}&regexInput={quote(runs)}")
    return page


@contextlib.contextmanager
def viewed(browser: Browser, address: str, view: str = CONV2, query: str = "") -> Iterator[Tuple[Page, FrameLocator]]:
    """(page, frame of the DECONVNET dashboard). No page may log a script error or an answer of the class 500."""
    page, complaints = browser.new_page(viewport={"width": 1280, "height": 900}), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("response", lambda got: got.status < 500 or complaints.append(f"{got.status} {got.url}"))
    page.on("console", lambda said: "Content Security" in said.text and complaints.append(said.text))
    page.goto(f"{address}{query}#{view}")
    yield page, page.frame_locator("iframe[src*=deconvnet]")
    page.close()
    assert complaints == [], complaints


def draw(page: Page, frame: FrameLocator, *points: Tuple[float, float]) -> None:
    """Draw a line on the pad of the DECONVNET dashboard, through points in fractions of its side."""
    box = frame.locator(".pad").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


def settled(look: Callable, pause: float = 0.5):
    """The value of `look()` once it no longer changes within `pause` seconds: TensorBoard animates its layout."""
    before, now = None, look()
    while before != now:
        time.sleep(pause)
        before, now = now, look()
    return now


class Look:
    """A log directory as event files (`log`) and as pages in the browser (`open`)."""

    def __init__(self, browser: Browser, address: str, log: Dict[str, EventAccumulator]):
        self.log, self.pages, self._browser, self._address = log, [], browser, address

    def open(self, dashboard: str, tags: str = "", **size: int) -> Page:
        self.pages.append(open_page(self._browser, self._address, dashboard, tags, **size))
        return self.pages[-1]


@contextlib.contextmanager
def looking(browser: Browser, address: str, log: Dict[str, EventAccumulator]) -> Iterator[Look]:
    """A `Look` whose pages are closed at the end."""
    look = Look(browser, address, log)
    yield look
    for page in look.pages:
        page.close()


def _address(said, process):
    said.seek(0)
    text = said.read()
    assert process.poll() is None, "TensorBoard ended:\n" + text
    found = re.search(r"http://localhost:\d+/", text)
    return found and found.group()


def _loaded(address, runs):
    """Whether TensorBoard serves each run at least up to the step in `runs`. A run that is training has later steps."""
    # TensorBoard searches for embeddings only after the first request, so a page that is opened at once has none.
    embeddings = any(os.path.exists(os.path.join(log.path, "projector_config.pbtxt")) for log in runs.values())
    if not set(runs) <= set(get(address + "data/runs")):
        return False
    if embeddings and not get(address + "data/plugins_listing")["projector"]["enabled"]:
        return False
    for run, log in runs.items():
        for tag in log.Tags()["scalars"][-1:]:
            query = f"data/plugin/scalars/scalars?run={quote(run)}&tag={quote(tag)}"
            try:
                loaded = get(address + query)[-1][1]
            except urllib.error.HTTPError:  # TensorBoard knows the run, but not yet its tags
                return False
            if loaded < log.Scalars(tag)[-1].step:
                return False
    return True


def get(address: str):
    """The JSON that TensorBoard answers at an address."""
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)


def soon(look: Callable, seconds: float = 60):
    """The value of `look()` once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"condition not met within {seconds} seconds")
