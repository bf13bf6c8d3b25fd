"""What a person sees in each dashboard of a `board.Look`, compared with what the event files hold."""

import io
import os
import re
import wave

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.support import board

RUNS = ("train", "test")
VARIABLES = [layer + kind for layer in ("conv1", "conv2", "fc1", "fc2") for kind in ("/weights", "/bias")]
PICTURES = ("input", "reverse_conv1", "reverse_conv2", "deconv1", "deconv2")
BOXES = ["input", "input_image", "conv1", "conv2", "fc1", "fc2", "loss", "accuracy", "deconv", "reverse_conv1"]
PIXELS = """images => Promise.all(images.map(async image => {
    await image.decode();
    const context = document.createElement("canvas").getContext("2d");
    context.drawImage(image, 0, 0);
    const {data} = context.getImageData(0, 0, image.naturalWidth, image.naturalHeight);
    return Array.from(data).filter((_, index) => index % 4 == 0);
}))"""
SAMPLES = """async element => {
    const file = await (await fetch(element.src)).arrayBuffer();
    const sound = await new OfflineAudioContext(1, 1, 8000).decodeAudioData(file);
    return Array.from(sound.getChannelData(0));
}"""


def time_series(look):
    """TensorBoard's first page: cards for loss and accuracy, with the last step and value of each run."""
    page = look.open("timeseries")
    page.get_by_role("combobox", name="Filter tags").fill("^(loss|accuracy)$")
    cards = page.locator("metrics-filtered-view scalar-card")
    expect(cards).to_have_count(2)
    for tag in ("loss", "accuracy"):
        card = cards.filter(has=page.locator(f"[title='{tag}']"))
        expect(card.locator("canvas")).to_be_visible()
        for run in RUNS:
            last = look.log[run].Scalars(tag)[-1]
            row = card.locator("tb-data-table-content-row").filter(has_text=run)
            expect(row).to_contain_text(re.compile(rf"{run}\s.*\s{last.step}\s", re.DOTALL))
            seen = [float(number) for number in re.findall(r"\d+\.\d+", row.inner_text())]
            assert min(abs(number - last.value) for number in seen) < 1e-3 * max(1, last.value)


def scalars(look):
    """Curves of loss, accuracy, and max and min of weights and biases, for both runs in their colours."""
    tags = ["loss", "accuracy"] + [f"{variable}/summaries/{end}" for variable in VARIABLES for end in ("max", "min")]
    page = look.open("scalars", "^({})$".format("|".join(tags)), height=3000)
    cards, names = _cards(page, "tf-scalar-card", len(tags))
    assert {tag for (tag,) in names} == set(tags)
    curves = cards.locator("path.line[d*=L]")
    expect(curves).to_have_count(2 * len(tags))
    drawn = iter(zip(_styles(curves, "stroke"), _paths(curves)))
    colours = {run: _styles(page.locator(f"#checkbox-{run} #checkbox"), "backgroundColor")[0] for run in RUNS}
    assert len(set(colours.values())) == 2
    for (tag,), pair in zip(names, zip(drawn, drawn)):
        _assert_drawn([(dict(pair)[colours[run]], look.log[run].Scalars(tag)) for run in RUNS])


def images(look):
    """Ten images per tag and run, with the pixels of the last step, or of the step that the slider selects."""
    page = look.open("images", "^({})/image/".format("|".join(PICTURES)), height=3000)
    tags = [f"{tag}/image/{number}" for tag in PICTURES for number in range(10)]
    cards, names = _cards(page, "tf-image-loader", len(RUNS) * len(tags))
    assert set(names) == {(tag, run) for tag in tags for run in RUNS}
    written = [_pixels(look.log[run].Images(tag)[-1]) for tag, run in names]
    board.soon(lambda: np.array_equal(cards.locator("img").evaluate_all(PIXELS), written))
    tag, run = moved = "deconv2/image/3", "test"
    card = cards.nth(names.index(moved))
    card.locator("#sliderKnob").click()
    page.keyboard.press("Home")
    expect(card).to_contain_text(re.compile(r"step\s*0\s"))
    first, last = (_pixels(look.log[run].Images(tag)[index]) for index in (0, -1))
    assert (first != last).any()
    # The page shows the step before its picture has loaded.
    board.soon(lambda: np.array_equal(card.locator("img").evaluate_all(PIXELS), [first]))


def histograms(look):
    """A ridge per step for each of the eight variables, in both runs; none of them flat."""
    page = look.open("histograms", "/summaries/histogram$", height=3000)
    cards, names = _cards(page, "tf-histogram-loader", 2 * len(VARIABLES))
    assert set(names) == {(variable + "/summaries/histogram", run) for variable in VARIABLES for run in RUNS}
    for index, (tag, run) in enumerate(names):
        ridges = cards.nth(index).locator("path.outline[d*=L]")
        expect(ridges).to_have_count(len(look.log[run].Histograms(tag)))
        assert all(np.ptp(ridge[:, 1]) > 0 for ridge in _paths(ridges))


def distributions(look):
    """Eight distinct bands over all steps for each of the eight variables, in both runs."""
    page = look.open("distributions", "/summaries/histogram$", height=3000)
    cards, names = _cards(page, "tf-distribution-loader", 2 * len(VARIABLES))
    assert set(names) == {(variable + "/summaries/histogram", run) for variable in VARIABLES for run in RUNS}
    for index, (tag, run) in enumerate(names):
        bands = cards.nth(index).locator("path.area[d*=L]")
        expect(bands).to_have_count(8)
        steps, outlines = len(look.log[run].Histograms(tag)), _paths(bands)
        # An outline follows one edge of the band and returns along the other.
        assert {len(outline) for outline in outlines} == {2 * steps}
        assert len({tuple(outline[[steps - 1, steps], 1]) for outline in outlines}) == 8


def graph(look):
    """Exactly these boxes: the network from input to loss, the deconvolutions, and the extracted training."""
    page = look.open("graphs")
    for name in BOXES + ["train"]:
        expect(page.locator(f"g.node[data-name='{name}'] > text")).to_be_visible()
    assert _names(page.locator("g.core > g.nodes > g.node"), "data-name") == set(BOXES)
    assert _names(page.locator("g.out-extract g.node, g.in-extract g.node"), "data-name") == {"train"}
    arrows = _names(page.locator("g.core > g.edges > g.edge"), "data-edge")
    chain = ["input", "input_image", "conv1", "conv2", "fc1", "fc2", "loss"]
    assert {"--".join(pair) for pair in zip(chain, chain[1:])} < arrows
    assert {"fc2--accuracy", "conv2--deconv", "conv2--reverse_conv1"} < arrows
    boxes = [page.locator(f"g.node[data-name='{name}']") for name in chain]
    heights = board.settled(lambda: [box.bounding_box()["y"] for box in boxes])
    assert heights == sorted(heights, reverse=True)


def compute_time_and_memory(look):
    """A selected session run colours the boxes by compute time and memory; a clicked box shows both."""
    page = look.open("graphs", height=1300)
    expect(page.locator("g.node[data-name='conv2']")).to_be_visible()
    page.locator("tf-graph-controls .tags-row input").click()
    tags = page.locator("tf-graph-controls .tags-row paper-item")
    traces = sorted(look.log["train"].Tags()["run_metadata"])
    assert traces and sorted(tags.all_inner_texts()) == ["Default"] + traces
    tags.filter(has_text=re.compile("pictures")).first.click()
    trace = look.log["train"].RunMetadata(next(tag for tag in traces if "pictures" in tag)).step_stats
    for choice, unit in (("Compute time", "s"), ("Memory", "B")):
        button = page.locator("tf-graph-controls paper-radio-button", has_text=choice)
        expect(button).to_have_attribute("aria-disabled", "false")
        button.click()
        expect(page.locator("tf-graph-controls")).to_contain_text(re.compile(rf"[1-9][\d.]* ?\w?{unit}\b"))
        boxes = [page.locator(f"g.node[data-name='{name}'] > .nodeshape > rect").first for name in ("deconv", "input")]
        assert _styles(boxes[0], "fill") != _styles(boxes[1], "fill")
    expect(page.locator("tf-graph-controls")).to_contain_text("CPU:0")
    page.locator("g.node[data-name='deconv']").click()
    # TensorBoard does not know nodes that TensorFlow's graph optimiser adds, and it draws constants as dots.
    drawn = {node.name for node in look.log["train"].Graph().node if node.op != "Const"}
    nodes = [node for device in trace.dev_stats for node in device.node_stats]
    nodes = [node for node in nodes if node.node_name.startswith("deconv/") and node.node_name in drawn]
    begin = min(node.all_start_micros for node in nodes)
    end = max(node.all_start_micros + node.all_end_rel_micros for node in nodes)
    units = {"µs": 1, "ms": 1e3, "s": 1e6, "B": 1, "KB": 2**10, "MB": 2**20}
    memory = sum(part.total_bytes for node in nodes for part in node.memory)
    for name, expected in (("Compute Time", end - begin), ("Memory", memory)):
        row = page.locator("tf-node-info .sub-list-table-row").filter(has_text=name)
        expect(row).to_have_text(re.compile(r"\d \S+\s*$"))
        number, unit = row.inner_text().split()[-2:]
        assert float(number) * units[unit] == pytest.approx(expected, rel=0.01)


def audio(look):
    """The last clip: its length, and the same samples as in the event file."""
    page = look.open("audio")
    card = page.locator("tf-audio-loader")
    expect(card).to_have_count(1)
    expect(card).to_contain_text("loss_sound/audio")
    written = look.log["train"].Audio("loss_sound/audio")[-1]
    player = card.locator("audio")
    expect(player).to_be_visible()
    expect(player).to_have_js_property("readyState", 4)
    assert player.evaluate("element => element.duration") == pytest.approx(3.0)
    assert (written.sample_rate, written.length_frames) == (8000, 24000)
    with wave.open(io.BytesIO(written.encoded_audio_string)) as file:
        expected = np.frombuffer(file.readframes(24000), "<i2") / 2**15
    np.testing.assert_allclose(player.evaluate(SAMPLES), expected, atol=1e-4)
    assert np.abs(expected).max() > 0.4


def projector(look):
    """All points and dimensions, the colours of the sprite, and the misread digits as search results."""
    folder = look.log["projector"].path
    with open(os.path.join(folder, "metadata.tsv"), encoding="utf-8") as file:
        wrong = [line.split("\t")[0] for line in file if "wrong" in line]
    page = look.open("projector")
    projector = page.frame_locator("iframe").frame_locator("iframe").locator("vz-projector")
    expect(projector).to_contain_text(re.compile(r"Points:\s*1000\D+Dimension:\s*1024"))
    corners = np.asarray(Image.open(os.path.join(folder, "sprite.png")))[::28, ::28].reshape(-1, 3)[:1000]
    grounds = {tuple(corner) for corner in corners.tolist()}
    assert len(grounds) == 10
    canvas = projector.locator("#scatter canvas").first
    board.soon(lambda: all(_colours(canvas.screenshot()).get(ground, 0) > 500 for ground in grounds))
    search = projector.locator("vz-projector-inspector-panel vz-projector-input input")
    search.fill("wrong")
    expect(projector).to_contain_text(f"{len(wrong)} matches.")
    shown = projector.locator("vz-projector-inspector-panel .results a.label")
    expect(shown).to_have_count(min(100, len(wrong)))
    assert sorted(shown.all_inner_texts()) == sorted(wrong[:100])
    assert all(re.fullmatch(r"\d read as \d: wrong", label) for label in wrong)


def _cards(page, element, count):
    """The cards that match the filter, and their names: (tag, run) or (tag,)."""
    cards = page.locator("tf-category-paginated-view").first.locator(element)
    expect(cards).to_have_count(count)
    labels = [cards.locator(f"[itemprop={name}]").all_inner_texts() for name in ("tag", "run")]
    names = list(zip(*filter(None, labels)))
    assert len(set(names)) == count
    return cards, names


def _colours(png):
    """Number of pixels of each colour: {(red, green, blue): pixels}."""
    return {colour: count for count, colour in Image.open(io.BytesIO(png)).convert("RGB").getcolors(2**24)}


def _names(locator, attribute):
    return set(locator.evaluate_all("(elements, name) => elements.map(each => each.getAttribute(name))", attribute))


def _styles(locator, name):
    return locator.evaluate_all("(elements, name) => elements.map(each => getComputedStyle(each)[name])", name)


def _paths(locator):
    """The points of SVG paths, each float64 [n, 2], x to the right and y downwards, in pixels."""
    outlines = locator.evaluate_all("elements => elements.map(each => each.getAttribute('d'))")
    return [np.array([pair.split(",") for pair in re.findall(r"[-\d.e]+,[-\d.e]+", each)], float) for each in outlines]


def _assert_drawn(curves):
    """Assert that all curves follow their values on one linear scale per axis, within a pixel."""
    across, values, heights = [], [], []
    for points, events in curves:
        steps = np.array([event.step for event in events], float)
        across.append(np.interp(steps, steps[[0, -1]], points[[0, -1], 0]))
        values.append([event.value for event in events])
        heights.append(np.interp(across[-1], points[:, 0], points[:, 1]))
    values, heights = np.concatenate(values), np.concatenate(heights)
    slope, offset = np.polyfit(values, heights, 1)
    assert slope < 0
    assert np.abs(slope * values + offset - heights).max() < 1
    assert {row[0] for row in across} == {across[0][0]} and {row[-1] for row in across} == {across[0][-1]}


def _pixels(written):
    """The grey values of an image event, uint8 [784]."""
    pixels = np.asarray(Image.open(io.BytesIO(written.encoded_image_string)).convert("L"))
    assert pixels.shape == (28, 28)
    return pixels.reshape(-1)
