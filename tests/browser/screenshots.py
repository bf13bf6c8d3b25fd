"""Make the pictures in tests/screenshots from a run: bash run.sh screenshots [LOGDIR].

Each picture is a part of TensorBoard's page; `side_by_side.py` draws the two of the convolutions, `curves.py` the test
curves beside the 2018 program's.
"""

import io
import os
import re
import sys

from PIL import Image, ImageOps
from playwright.sync_api import expect

from tests.browser import curves, side_by_side
from tests.support import board

VARIABLES = "(weights|bias)/summaries/"
PANE = "tf-category-paginated-view >> nth=0"


def started(shoot):
    """TensorBoard's first page."""
    page = shoot.open("timeseries", width=1280, height=760)
    expect(page.locator("scalar-card canvas").first).to_be_visible()
    shoot.keep(page, "started")


def loss_and_accuracy(shoot):
    """损失函数和准确率的变化."""
    page = shoot.open("scalars", "^(loss|accuracy)$", "^(train|test)$", width=1060, height=900, scale=1.4)
    expect(page.locator(PANE).locator("path.line[d*=L]")).to_have_count(4)
    page.locator("#ignore-y-outlier").click()
    shoot.keep_cards(page, "tf-scalar-card", "loss_accuracy")


def max_and_min(shoot):
    """权重和偏置的最大最小值的变化."""
    page = shoot.open("scalars", VARIABLES + "(max|min)$", "^train$", width=1900, height=1700, scale=0.8)
    expect(page.locator(PANE).locator("path.line[d*=L]")).to_have_count(16)
    shoot.keep_cards(page, "tf-scalar-card", "max_min")


def input_images(shoot):
    """输入的图片."""
    page = shoot.open("images", "^input/", "^train$", width=2500, height=1750, scale=0.55)
    expect(page.locator(PANE).locator("img")).to_have_count(10)
    shoot.keep_cards(page, "tf-image-loader", "input")


def distributions(shoot):
    page = shoot.open("distributions", VARIABLES, "^train$", width=1900, height=1200, scale=0.8)
    expect(page.locator(PANE).locator("path.area[d*=L]")).to_have_count(64)
    shoot.keep_cards(page, "tf-distribution-loader", "distributions")


def histograms(shoot):
    page = shoot.open("histograms", VARIABLES, "^train$", width=1900, height=1200, scale=0.8)
    expect(page.locator(PANE).locator("tf-histogram-loader")).to_have_count(8)
    expect(page.locator(PANE).locator("path.outline[d*=L]").nth(20)).to_be_visible()
    shoot.keep_cards(page, "tf-histogram-loader", "histograms")


def graph(shoot):
    """The graph, then coloured by the compute time of a training step."""
    page = shoot.open("graphs", width=1300, height=820)
    expect(page.locator("g.node[data-name=fc2]")).to_be_visible()
    shoot.keep(page, "graph", clip={"x": 350, "y": 64, "width": 950, "height": 700})
    page.locator("tf-graph-controls .tags-row input").click()
    page.locator("tf-graph-controls .tags-row paper-item").filter(has_text=re.compile(r"\d\s*$")).last.click()
    page.locator("tf-graph-controls paper-radio-button", has_text="Compute time").click()
    page.locator("g.node[data-name=conv2]").click()
    expect(page.locator("tf-node-info")).to_contain_text("Compute Time")
    shoot.keep(page, "compute_time", clip={"x": 0, "y": 64, "width": 1300, "height": 756})


def audio(shoot):
    page = shoot.open("audio", width=1080, height=420, scale=1.2)
    expect(page.locator("tf-audio-loader audio")).to_have_js_property("readyState", 4)
    shoot.keep(page.locator("tf-audio-loader"), "audio")


def embeddings(shoot):
    """The initial view. The scene rotates, so `keep` must not wait until the page is still."""
    page = shoot.open("projector", width=1300, height=860)
    projector = page.frame_locator("iframe").frame_locator("iframe").locator("vz-projector")
    expect(projector).to_contain_text("Dimension: 1024")
    page.wait_for_timeout(8000)
    search = projector.locator("vz-projector-inspector-panel vz-projector-input input")
    search.fill("wrong")
    expect(projector).to_contain_text("matches.")
    shoot.keep(page, "embeddings", still=False, clip={"x": 313, "y": 64, "width": 987, "height": 796})


def strongest_images(shoot):
    """The DECONVNET dashboard: the nine strongest images of one feature map."""
    page = shoot.open("deconvnet&p.deconvnet.layer=conv2", width=1440, height=1120)
    expect(page.frame_locator("iframe[src*=deconvnet]").locator("#detail tr")).to_have_count(10)
    shoot.keep(page, "board")


def recorded(shoot):
    """The DECONVNET dashboard with the spots that a run records while it trains."""
    page = shoot.open("deconvnet&p.deconvnet.layer=conv2-training&p.deconvnet.map=0", width=1280, height=760)
    frame = page.frame_locator("iframe[src*=deconvnet]")
    expect(frame.locator("#detail tr")).to_have_count(2)
    expect(frame.locator("#detail .strip canvas").first).to_be_visible()
    shoot.keep(page, "board-training")


def playing(shoot):
    """The DECONVNET dashboard while the steps play: three pictures of one feature map, at the first, a middle and the
    last step.
    """
    page = shoot.open("deconvnet&p.deconvnet.layer=conv2&p.deconvnet.map=5", width=1280, height=760)
    frame = page.frame_locator("iframe[src*=deconvnet]")
    expect(frame.locator("#detail tr")).to_have_count(10)
    last = int(frame.locator("#step").get_attribute("max"))
    for name, at in (("first", 0), ("middle", last // 2), ("last", last)):
        frame.locator("#step").fill(str(at))
        expect(frame.locator("#step-text")).to_contain_text(f"({at + 1} of {last + 1})")
        shoot.keep(page, f"board-{name}")


def own_picture(shoot):
    """The DECONVNET dashboard in dark mode: a drawn seven, and the projection of one feature map."""
    view = "deconvnet&p.deconvnet.view=own&p.deconvnet.layer=conv2&p.deconvnet.map=5"
    page = shoot.open(view, query="?darkMode=true", width=1440, height=1120)
    frame = page.frame_locator("iframe[src*=deconvnet]")
    expect(frame.locator("#grid .empty")).to_be_visible()
    board.draw(page, frame, (0.25, 0.2), (0.75, 0.2), (0.45, 0.85))
    expect(frame.locator("#detail h1")).to_contain_text("Read as ")
    expect(frame.locator("#heat canvas")).to_be_visible()
    expect(frame.locator("#detail")).to_have_attribute("aria-busy", "false")
    frame.locator("aside div [role=status]").evaluate("one => one.textContent = ''")  # a time, different in each run
    shoot.keep(page, "board-dark")


class Shoot:
    """Opens pages of one TensorBoard and saves pictures of them."""

    def __init__(self, browser, address):
        self._browser, self._address = browser, address

    def open(self, dashboard, tags="", runs="", query="", **size):
        return board.open_page(self._browser, self._address + query, dashboard, tags, runs, **size)

    def keep_cards(self, page, element, name):
        """The cards that match the filter, cropped."""
        boxes = [card.bounding_box() for card in page.locator(PANE).locator(element).all()]
        left, top = min(box["x"] for box in boxes), min(box["y"] for box in boxes)
        right = max(box["x"] + box["width"] for box in boxes)
        bottom = max(box["y"] + box["height"] for box in boxes)
        self.keep(page, name, clip={"x": left, "y": top, "width": right - left, "height": bottom - top})

    def keep(self, seen, name, still=True, **options):
        """Save a picture of `seen`, a page or an element; with `still`, wait until nothing in it moves."""
        picture = board.settled(lambda: seen.screenshot(**options), pause=2) if still else seen.screenshot(**options)
        self.save(Image.open(io.BytesIO(picture)).convert("RGB"), name)

    def save(self, picture, name):
        """Save a picture, RGB, with a white border and few colours."""
        path = os.path.join(side_by_side.FOLDER, name + ".png")
        framed = ImageOps.expand(picture, border=12, fill="white")
        framed.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
        print(path)


TAKES = (
    started, loss_and_accuracy, max_and_min, input_images, graph, distributions, histograms, audio, embeddings,
    strongest_images, recorded, playing, own_picture,
)  # fmt: skip


def main(logdir):
    folder = os.path.join(logdir, "features", "conv2")
    if not os.path.isdir(folder) or not any(name.startswith("features-") for name in os.listdir(folder)):
        sys.exit(f"{folder}: expected results at several steps: run bash run.sh train, and features --steps all")
    os.environ["LEGACY_GRAPH_LAUNCHER"] = "run.sh"  # for the commands that the page shows
    side_by_side.main(logdir)
    curves.main()
    with board.tensorboard(logdir) as address, board.chromium() as browser:
        for take in TAKES:
            take(Shoot(browser, address))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "log")
