"""Own pictures in the DECONVNET dashboard: drawings and files, in a browser."""

import os
import shutil

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.support import board
from tests.support.own_pictures import ONE, encoded


def test_a_drawing_is_read_and_its_maps_follow(visit):
    page, frame = visit("deconvnet&p.deconvnet.view=own&p.deconvnet.layer=conv2&p.deconvnet.map=3")
    expect(frame.locator("#grid .empty")).to_contain_text("Draw a digit")
    board.draw(page, frame, (0.5, 0.15), (0.52, 0.85))
    expect(frame.locator("#detail h1")).to_contain_text("Read as ")
    expect(frame.locator("#grid button")).to_have_count(32 + 64 + 32 + 10)
    expect(frame.locator("#heat figcaption")).to_contain_text("black patch of 4 x 4 pixels")
    expect(frame.locator("#detail h2")).to_have_text("Map 3 of conv2, deconvnet")
    expect(frame.locator("aside [role=status]").first).to_contain_text("Answer after ")
    expect(frame.locator("#detail")).to_have_attribute("aria-busy", "false")
    pixels = "one => one.getContext('2d').getImageData(0, 0, 28, 28).data.join()"
    projection = frame.locator("#detail .row canvas").first
    before = projection.evaluate(pixels)
    frame.locator("#grid button[aria-label='map 7 of conv1']").click()
    expect(frame.locator("#detail h2")).to_have_text("Map 7 of conv1, deconvnet")
    assert projection.evaluate(pixels) != before
    expect(frame.locator("#detail")).to_have_attribute("aria-busy", "false")
    unit = frame.locator("#grid button[aria-label$=fc1]").nth(3).inner_text().strip()
    frame.locator("#grid button[aria-label$=fc1]").nth(3).click()
    expect(frame.locator("#detail h2")).to_have_text(f"Map {unit} of fc1, deconvnet")
    frame.locator("#grid button[aria-label='map 7 of conv1']").click()
    frame.locator("#method").select_option("control")
    expect(frame.locator("#detail h2")).to_have_text("Map 7 of conv1, random kernel (control)")
    frame.get_by_role("button", name="Clear").click()
    expect(frame.locator("#grid .empty")).to_contain_text("Draw a digit")


def test_a_drawing_survives_a_reload(open_view):
    page, frame = open_view("deconvnet&p.deconvnet.view=own")
    board.draw(page, frame, (0.5, 0.15), (0.52, 0.85))
    expect(frame.locator("#detail h1")).to_contain_text("Read as ")
    expect(frame.locator("#detail")).to_have_attribute("aria-busy", "false")
    before = frame.locator("#detail").inner_text()
    page.reload()
    expect(frame.locator("#heat canvas")).to_be_visible()
    expect(frame.locator("#detail")).to_have_attribute("aria-busy", "false")
    assert frame.locator("#detail").inner_text() == before
    expect(frame.locator("#grid button[data-map='63'][aria-label$=conv2]")).to_be_attached()


def test_a_map_of_another_graph_is_not_asked_for(visit):
    """As after a look at a layer with more maps, of a graph that someone else trained."""
    page, frame = visit("deconvnet&p.deconvnet.view=own&p.deconvnet.layer=Conv2D_1&p.deconvnet.map=500")
    board.draw(page, frame, (0.5, 0.15), (0.52, 0.85))
    expect(frame.locator("#detail h2")).to_have_text("Map 0 of conv2, deconvnet")


def test_a_run_that_is_deleted_is_named(open_view, features_log):
    """While its answers are shown: another run then answers the next strokes."""
    copies = [os.path.join(features_log[0], name) for name in ("a", "b")]
    for copy in copies:
        shutil.copytree(os.path.join(features_log[0], "checkpoints"), os.path.join(copy, "checkpoints"))
    try:
        page, frame = open_view("deconvnet&p.deconvnet.view=own&p.deconvnet.run=a")
        board.draw(page, frame, (0.5, 0.15), (0.52, 0.85))
        expect(frame.locator("#heat figcaption")).to_be_visible()
        for copy, lost in zip(copies, ("checkpoints", "")):
            shutil.rmtree(os.path.join(copy, lost))
            page.evaluate("window.dispatchEvent(new Event('focus'))")
            expect(frame.locator("aside .empty").first).to_contain_text(f"The run {os.path.basename(copy)} ")
            expect(frame.locator("#detail h1")).to_contain_text("Read as ")
            frame.locator("#run").select_option("b" if lost else ".")
            expect(frame.locator("aside .empty")).to_have_count(0)
    finally:
        for copy in copies:
            shutil.rmtree(copy, ignore_errors=True)


def test_a_file_that_is_no_picture_gets_one_line(visit):
    page, frame = visit("deconvnet&p.deconvnet.view=own")
    chooser = frame.locator("input[type=file]")
    chooser.set_input_files({"name": "notes.txt", "mimeType": "image/png", "buffer": b"no picture"})
    expect(frame.locator("#detail [role=alert]")).to_contain_text("picture: expected a picture in PNG")
    picture = Image.fromarray(np.tri(40, 30, -5, np.uint8) * 255)
    chooser.set_input_files({"name": "good.jpg", "mimeType": "image/jpeg", "buffer": encoded(picture, "JPEG")})
    expect(frame.locator("#detail h1")).to_contain_text("Read as ")


OWN = "deconvnet&p.deconvnet.view=own"


def test_a_picture_is_dropped_on_the_pad_or_beside_it(open_view, tmp_path):
    """With drag events of Chromium, which replaces the page with the file if no handler accepts the drop."""
    path = str(tmp_path / "one.png")
    with open(path, "wb") as file:
        file.write(ONE)
    page, frame = open_view(OWN)
    box = frame.locator(".pad").bounding_box()
    mouse = page.context.new_cdp_session(page)

    def drop(x, y):
        data = {"items": [], "files": [path], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            mouse.send("Input.dispatchDragEvent", {"type": kind, "x": x, "y": y, "data": data})

    drop(box["x"] + 50, box["y"] + 50)
    expect(frame.locator("#detail h1")).to_contain_text("Read as ")
    address = page.url
    frame.get_by_role("tab", name="Strongest images").click()
    expect(frame.locator("#detail h1")).to_contain_text("Map ")
    for x, y in [(400, 30), (box["x"] + 500, box["y"] + 300)]:  # TensorBoard's header, the grid of maps
        drop(x, y)
    page.wait_for_timeout(500)
    assert page.url.partition("#")[0] == address.partition("#")[0]
    expect(frame.locator("#detail h1")).to_contain_text("Map ")


def test_a_finger_draws_and_does_not_scroll_the_page(browser, features_log):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{features_log[1]}#{OWN}")
    frame = page.frame_locator("iframe[src*=deconvnet]")
    box = frame.locator(".pad").bounding_box()
    finger = context.new_cdp_session(page)
    points = [(box["x"] + 115 + step, box["y"] + 30 + 17 * step) for step in range(10)]
    for kind, place in zip(["touchStart"] + ["touchMove"] * 9, points):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": place[0], "y": place[1]}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(frame.locator("aside [role=status]").first).to_contain_text("Read as ")
    pixel = "(one, at) => one.getContext('2d').getImageData(at[0], at[1], 1, 1).data[0]"
    scale = 280 / box["width"]
    for x, y in points:
        assert frame.locator(".pad").evaluate(pixel, [(x - box["x"]) * scale, (y - box["y"]) * scale]) == 255
    assert frame.locator(".pad").bounding_box() == box
    context.close()


def test_a_pen_draws(visit):
    page, frame = visit(OWN)
    frame.get_by_role("button", name="Clear").click()
    box = frame.locator(".pad").bounding_box()
    pen = page.context.new_cdp_session(page)
    for kind, y in [("mousePressed", 30), ("mouseMoved", 100), ("mouseMoved", 200), ("mouseReleased", 200)]:
        place = {"x": box["x"] + 115, "y": box["y"] + y, "button": "left", "buttons": 1, "clickCount": 1}
        pen.send("Input.dispatchMouseEvent", {"type": kind, "pointerType": "pen", **place})
    expect(frame.locator("#detail h1")).to_contain_text("Read as ")
    frame.get_by_role("button", name="Clear").click()
