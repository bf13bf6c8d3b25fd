"""The time from a stroke to the picture in the DECONVNET dashboard.

    python -m tests.browser.latency LOGDIR [GRAPH PHOTOS]

Draws 50 strokes in Chromium, each after the answer to the one before. A time is from the pointer event to the first
frame after the page shows the answer; the heat map of the class comes twice, coarse and fine, and the next stroke waits
for both. The first picture, for which TensorFlow is loaded, is not counted. Writes the table into
legacy_graph/board/README.md. No other program should run.

With GRAPH, a graph of one input for pictures in the range -1 to 1, and PHOTOS, a folder, it measures instead the view
"Your network": the times that the page shows, from a click or a new photo to the answer, without the occlusion. Each
waits until the occlusion of the one before is drawn.
"""

import contextlib
import functools
import os
import re
import sys

import numpy as np
from playwright.sync_api import expect

from tests.benchmarks import machine
from tests.support import board, page_tables
from tests.support.program import ROOT

PAGE = os.path.join(ROOT, "legacy_graph", "board", "README.md")
METHODS = {"deconvnet": "deconvnet", "control": "random kernel (two passes)"}
HEAT = ("heat map of the class, coarse", "heat map of the class, fine")
STROKES, PHOTOS = 50, 20
WATCH = """(element) => {
  window.times = [];
  let began = null;
  document.querySelector(".pad").addEventListener("pointermove", (event) => (began = event.timeStamp), true);
  const changed = () => requestAnimationFrame(() => window.times.push(performance.now() - began));
  new MutationObserver(changed).observe(document.querySelector(element), { childList: true });
}"""


def measure(address, browser, method="deconvnet", element="#detail", changes=1):
    """Milliseconds from each stroke until each of the `changes` of an element that it causes, [STROKES, changes]."""
    view = f"deconvnet&p.deconvnet.view=own&p.deconvnet.layer=conv2&p.deconvnet.map=5&p.deconvnet.method={method}"
    page = board.open_page(browser, address, view, width=1280, height=900)
    frame = page.frame_locator("iframe[src*=deconvnet]")
    expect(frame.locator("#grid .empty")).to_be_visible()
    board.draw(page, frame, (0.5, 0.2), (0.5, 0.3))
    expect(frame.locator("#detail h1")).to_contain_text("Read as ")
    expect(frame.locator("#detail")).to_have_attribute("aria-busy", "false")
    box = frame.locator(".pad").bounding_box()
    page.mouse.move(box["x"] + 116, box["y"] + 60)
    page.mouse.down()
    expect(frame.locator("#detail")).to_have_attribute("aria-busy", "false")
    inside = next(one for one in page.frames if "plugin_entry" in one.url)
    inside.evaluate(WATCH, element)
    for stroke in range(STROKES):
        page.mouse.move(box["x"] + 116 + stroke % 7 * 6, box["y"] + 60 + 2 * stroke)
        inside.wait_for_function(f"times.length >= {(stroke + 1) * changes}")
    return np.reshape(inside.evaluate("times")[: STROKES * changes], [STROKES, changes])


def measure_network(logdir, graph, photos, browser):
    """{what was done: milliseconds, float [times]}."""
    paths = [os.path.join(photos, name) for name in sorted(os.listdir(photos))]
    with board.tensorboard(logdir, "--graph", graph, "--range", "-1,1") as address:
        page = board.open_page(browser, address, "deconvnet&p.deconvnet.view=network", width=1280, height=900)
        frame = page.frame_locator("iframe[src*=deconvnet]")
        status, busy = frame.locator("aside [role=status]").first, frame.locator("#detail")

        def time_of(act):
            status.evaluate("one => one.textContent = ''")
            act()
            expect(status).to_contain_text("Answer after ")
            expect(busy).to_have_attribute("aria-busy", "false")
            return int(re.search(r"\d+", status.inner_text()).group())

        def open_photo(number):
            frame.locator("input[type=file]").set_input_files(paths[number % len(paths)])

        expect(frame.locator("#grid .empty")).to_be_visible()
        photos = [functools.partial(open_photo, number) for number in range(PHOTOS + 1)]
        found = {"first photo of a layer": [time_of(photos[0])]}
        found["another photo"] = [time_of(photo) for photo in photos[1:]]
        maps = frame.locator("#grid .maps button")
        found["another map"] = [time_of(maps.nth(number % maps.count()).click) for number in range(1, PHOTOS + 1)]
    return {name: np.array(times) for name, times in found.items()}


def main(logdir, graph=None, photos=None):
    with contextlib.ExitStack() as stack:
        browser = stack.enter_context(board.chromium())
        if graph:
            region, heading, found = "network", "what was done", measure_network(logdir, graph, photos, browser)
        else:
            address = stack.enter_context(board.tensorboard(logdir))
            region, heading = "latency", "picture"
            found = {name: measure(address, browser, method)[:, 0] for method, name in METHODS.items()}
            found.update(zip(HEAT, measure(address, browser, element="#heat", changes=len(HEAT)).T))
    rows = []
    for name, times in found.items():
        rows.append((name, *[f"{time:.0f} ms" for time in np.percentile(times, [50, 95])]))
        print(*rows[-1], f"load {os.getloadavg()[0]:.1f}", sep=", ", flush=True)
    table = page_tables.Table((heading, "median", "95th percentile"), rows)
    page_tables.write(PAGE, "latency", {region: f"{table}\n\n{machine.conditions()}, Chromium."})


if __name__ == "__main__":
    main(*sys.argv[1:])
