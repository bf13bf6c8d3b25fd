"""The view "Your network" in a browser: a photo through the graph of --graph."""

import io

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image
from playwright.sync_api import expect

from tests.support import board
from tests.support.graph_commands import RANGE, SIDES, write_graph_and_photos
from tests.support.graph_files import constant, write_frozen

VIEW = "deconvnet&p.deconvnet.view=network&p.deconvnet.layer=Conv2D_1"


@pytest.fixture(scope="module")
def graph_address(tmp_path_factory):
    folder = write_graph_and_photos(tmp_path_factory.mktemp("graph"))
    with board.tensorboard(str(folder / "nolog"), "--graph", str(folder / "two_layers.pb"), *RANGE) as address:
        yield address


def photo(seed):
    pixels = np.random.RandomState(seed).randint(0, 256, (*SIDES, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return {"name": f"{seed}.png", "mimeType": "image/png", "buffer": file.getvalue()}


def test_a_photo_is_shown_and_a_map_is_chosen(open_view, graph_address):
    page, frame = open_view("deconvnet", address=graph_address)  # without a run, the graph is what there is to show
    expect(frame.locator("#grid .empty")).to_contain_text("Drop a photo")
    expect(frame.locator("#layer option")).to_have_count(2)
    frame.locator("input[type=file]").set_input_files(photo(1))
    expect(frame.locator("#detail h2")).to_contain_text("of Conv2D, deconvnet")
    expect(frame.locator("#grid button")).to_have_count(6)
    first = frame.locator("#detail .row canvas").first
    pixels = "one => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.join()"
    before = first.evaluate(pixels)
    frame.locator("#grid button[aria-pressed=false]").first.click()
    expect(frame.locator("#detail")).to_have_attribute("aria-busy", "false")
    assert first.evaluate(pixels) != before
    expect(frame.locator("#heat figcaption")).to_contain_text("covering lowers the activation")
    frame.locator("#layer").select_option("Conv2D_1")
    expect(frame.locator("#detail h2")).to_contain_text("of Conv2D_1, deconvnet")
    frame.locator("#method").select_option("guided")
    expect(frame.locator("#detail h2")).to_contain_text("of Conv2D_1, guided backpropagation")
    assert "view=network" in page.url and "layer=Conv2D_1" in page.url and "method=guided" in page.url


def row(x):
    return tf.nn.relu(tf.nn.conv1d(x, constant([3, 1, 4]), 1, "SAME", name="row"))


def test_a_signal_is_chosen_and_drawn_as_curves(open_view, tmp_path):
    path, file = write_frozen(tmp_path / "row.pb", row, shape=(None, 40, 1)), io.BytesIO()
    np.save(file, np.random.RandomState(1).normal(size=[3, 40]))
    with board.tensorboard(str(tmp_path / "nolog"), "--graph", path) as address:
        page, frame = open_view("deconvnet", address=address)
        expect(frame.locator("#grid .empty")).to_contain_text("one array of 1 x 40 x 1 values")
        expect(frame.locator(".pad")).to_be_hidden()
        frame.locator("input[type=file]").set_input_files(
            {"name": "three.npy", "mimeType": "", "buffer": file.getvalue()}
        )
        expect(frame.locator("#heat figcaption")).to_contain_text("with 0 in the middle")
        sides = "all => all.map(one => [one.clientWidth, one.clientHeight])"
        assert frame.locator("#grid canvas").evaluate_all(sides) == [[126, 42]] * 4
        assert frame.locator("#detail canvas").evaluate_all(sides) == [[252, 84]] * 3  # projection, occlusion, signal
        frame.locator("#images button").last.focus()
        for number in (2, 3):  # the button keeps the focus
            page.keyboard.press("Enter")
            expect(frame.locator("#images span")).to_have_text(f"signal {number} of 3")


def test_without_a_graph_the_view_is_not_offered(visit):
    _, frame = visit(VIEW)
    expect(frame.locator("#detail h1")).to_contain_text("Map ")
    expect(frame.get_by_role("tab", name="Your network")).to_be_hidden()
