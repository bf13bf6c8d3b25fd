"""The DECONVNET dashboard in a browser: every control, the drawing, keyboard, dark mode, addresses and empty states."""

import glob
import os
import re
import shutil

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.support import board


def names(maps):
    """The texts of the buttons of live maps."""
    return list(map(str, maps.tolist()))


def test_the_chosen_map_is_shown_with_its_numbers(visit, arrays):
    page, frame = visit()
    expect(frame.locator("#grid h1")).to_have_text("conv2: 16 of its 64 maps")
    expect(frame.locator("#grid button")).to_have_text(names(arrays["maps"]))
    row = 3
    chosen = frame.locator(f"#grid button[data-map='{arrays['maps'][row]}']")
    chosen.hover()
    expect(frame.locator("#grid p")).to_contain_text(f"strongest activation {arrays['activations'][row, 0]:#.3g}")
    chosen.click()
    expect(frame.locator("#detail h1")).to_have_text(f"Map {arrays['maps'][row]} of conv2")
    cells = frame.locator("#detail tr td:last-child")
    expect(cells).to_have_count(9)
    for text, activation, place, image in zip(
        cells.all_inner_texts(), arrays["activations"][row], arrays["places"][row], arrays["images"][row]
    ):
        answer = int(np.argmax(arrays["answers"][arrays["input_numbers"].tolist().index(image)]))
        label = int(arrays["labels"][image])
        place = f"at row {place[0]}, column {place[1]}"
        lines = [f"activation {activation:#.3g}", place, f"image {image:,}: {label}", f"read as {answer} ("]
        assert text.startswith("\n".join(lines)), text
        assert (", wrong" in text) == (answer != label)
        assert "rank correlation " in text
    expect(frame.locator("#detail tr").nth(1).locator("canvas")).to_have_count(4)


def test_the_projection_is_drawn_as_recorded(visit, arrays):
    """The pixels of the first projection on the page, read back from the canvas."""
    page, frame = visit()
    expect(frame.locator("#detail h1")).to_have_text(f"Map {arrays['maps'][0]} of conv2")
    canvas = frame.locator("#detail tr td:nth-child(2) canvas").first
    shown = canvas.evaluate("one => [...one.getContext('2d').getImageData(0, 0, one.width, one.height).data]")
    grey = np.array(shown).reshape(16, 16, 4)[..., 0]
    y, x = 4 * arrays["places"][0, 0] - 6 + 16
    values = np.pad(arrays["projections"][0, 0], 16, "constant")[y : y + 16, x : x + 16]
    assert np.abs(values).max() > 0
    assert np.corrcoef(np.clip(grey, 1, 253).ravel(), values.ravel())[0, 1] > 0.9
    assert set(grey[values == 0].tolist()) <= {127}


def test_projection_and_order_can_be_chosen(visit, arrays):
    page, frame = visit()
    expect(frame.locator("#grid button")).to_have_count(16)
    orders = {"number": arrays["maps"], "activation": -arrays["activations"][:, 0], "wins": -arrays["wins"]}
    for name, key in orders.items():
        frame.locator("#order").select_option(name)
        expect(frame.locator("#grid button")).to_have_text(names(arrays["maps"][np.argsort(key, kind="stable")]))
    for name, heading in [("gradient", "gradient"), ("guided", "guided backpropagation"),
                          ("control", "random kernel (control)")]:  # fmt: skip
        frame.locator("#method").select_option(name)
        expect(frame.locator("#detail th").nth(1)).to_have_text(heading)
    expect(frame.locator("#step-text")).to_have_text("30")
    expect(frame.locator("#run option")).to_have_text(["log"])


def test_arrow_keys_choose_and_tab_reaches_all_controls(visit, arrays):
    page, frame = visit()
    first, second = frame.locator("#grid button").nth(0), frame.locator("#grid button").nth(1)
    expect(first).to_have_attribute("aria-pressed", "true")
    expect(first).to_have_attribute("data-map", str(arrays["maps"][0]))
    frame.locator("[role=tab]").first.focus()
    reached = []
    for _ in range(8):  # one step: its slider and the button that plays are disabled
        reached.append(frame.locator(":focus").evaluate("one => one.id || one.textContent"))
        page.keyboard.press("Tab")
    assert reached == [
        "Strongest images",
        "Your own",
        "run",
        "layer",
        "method",
        "order",
        "save",
        "help",
    ]
    expect(first).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(second).to_be_focused()
    expect(frame.locator("#detail h1")).to_have_text(f"Map {arrays['maps'][1]} of conv2")
    page.keyboard.press("End")
    expect(frame.locator("#detail h1")).to_have_text(f"Map {arrays['maps'][-1]} of conv2")
    page.keyboard.press("Home")
    expect(frame.locator("#detail h1")).to_have_text(f"Map {arrays['maps'][0]} of conv2")
    assert frame.locator("#grid button[tabindex='0']").count() == 1


def test_a_shared_address_opens_the_same_view(visit, open_view, arrays):
    page, frame = visit()
    chosen = int(arrays["maps"][5])
    frame.locator(f"#grid button[data-map='{chosen}']").click()
    frame.locator("#method").select_option("gradient")
    frame.locator("#order").select_option("number")
    expect(frame.locator("#detail th").nth(1)).to_have_text("gradient")
    shared = page.url
    assert f"p.deconvnet.map={chosen}" in shared
    page, frame = open_view(shared.partition("#")[2])
    for _ in range(2):
        expect(frame.locator("#detail h1")).to_have_text(f"Map {chosen} of conv2")
        expect(frame.locator("#detail th").nth(1)).to_have_text("gradient")
        expect(frame.locator("#order")).to_have_value("number")
        assert page.url == shared
        page.get_by_role("tab", name="Scalars").click()
        expect(frame.locator("#detail h1")).not_to_be_visible()
        page.get_by_role("tab", name="Deconvnet").click()


def test_dark_mode_follows_tensorboards(open_view):
    def colours(frame):
        expect(frame.locator("#grid h1")).to_be_visible()
        style = frame.locator("body").evaluate(
            "one => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor]"
        )
        return [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in style]

    ink, paper = colours(open_view()[1])
    assert ink < 200 and paper > 700
    ink, paper = colours(open_view(query="?darkMode=true")[1])
    assert ink > 600 and paper < 200


def test_missing_results_name_the_command_then_appear(visit, features_log):
    page, frame = visit("deconvnet&p.deconvnet.layer=conv1")
    command = frame.locator(".empty code")
    expect(command).to_contain_text("features --layer conv1 --logdir ")
    folder = os.path.join(features_log[0], "features")
    shutil.copytree(os.path.join(folder, "conv2"), os.path.join(folder, "conv1"))
    try:
        expect(frame.locator("#grid button")).to_have_count(16)
    finally:
        shutil.rmtree(os.path.join(folder, "conv1"))
    page.evaluate("window.dispatchEvent(new Event('focus'))")  # the page then looks for new results at once
    expect(command).to_contain_text("features --layer conv1 --logdir ")


@pytest.fixture
def newer_checkpoint(features_log):
    """newer_checkpoint() writes the checkpoint of step 40, which is removed after the test."""
    pattern = os.path.join(features_log[0], "checkpoints", "model.ckpt-{}.*")
    yield lambda: [shutil.copy(name, name.replace("-30.", "-40.")) for name in glob.glob(pattern.format(30))]
    for name in glob.glob(pattern.format(40)):
        os.remove(name)


def test_a_newer_checkpoint_only_adds_a_note(open_view, newer_checkpoint, arrays):
    """As while a run is training."""
    page, frame = open_view()
    first = frame.locator("#grid button").first
    expect(first).to_have_attribute("data-map", str(arrays["maps"][0]))
    first.focus()
    newer_checkpoint()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(frame.locator("aside .empty")).to_contain_text("The newest checkpoint is of step 40.")
    expect(first).to_be_focused()


def test_the_note_for_results_of_other_options(open_view, newer_checkpoint, features_log):
    """The page lists them, but it has no command for them."""
    folder = os.path.join(features_log[0], "features")
    shutil.copytree(os.path.join(folder, "conv2"), os.path.join(folder, "conv2-maps=56,39"))
    newer_checkpoint()
    try:
        _, frame = open_view("deconvnet&p.deconvnet.layer=conv2-maps%3D56%2C39")
        expect(frame.locator("#grid button")).to_have_count(16)
        hint = "Run the features command again, with the options in this layer's name."
        expect(frame.locator("aside .empty")).to_have_text(f"The newest checkpoint is of step 40. {hint}")
    finally:
        shutil.rmtree(os.path.join(folder, "conv2-maps=56,39"))


def test_a_note_outlives_an_older_answer(open_view, newer_checkpoint, arrays):
    """The maps were requested before the newer checkpoint was found, and arrive after it."""
    page, frame = open_view()
    expect(frame.locator("#grid button")).to_have_count(16)
    held = []
    page.route("**/deconvnet/maps?*", lambda route: held.append(route))
    frame.locator("#method").select_option("gradient")
    newer_checkpoint()
    with page.expect_response("**/deconvnet/runs"):
        page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(frame.locator("aside .empty")).to_contain_text("The newest checkpoint is of step 40.")
    held[0].continue_()
    expect(frame.locator("#detail th").nth(1)).to_have_text("gradient")
    expect(frame.locator("aside .empty")).to_contain_text("The newest checkpoint is of step 40.")


def test_a_lost_server_is_named_until_it_answers(visit):
    page, frame = visit()
    expect(frame.locator("#grid button")).to_have_count(16)
    page.route("**/deconvnet/runs", lambda route: route.abort())
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(frame.locator("aside .empty")).to_contain_text("TensorBoard does not answer")
    page.unroute("**/deconvnet/runs")
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(frame.locator("aside .empty")).to_have_count(0)
    expect(frame.locator("#grid button")).to_have_count(16)


def test_an_answer_without_json_gets_one_line(open_view):
    """As of a TensorBoard without this dashboard at the same address."""
    page, frame = open_view()
    expect(frame.locator("#grid button")).to_have_count(16)
    page.route("**/deconvnet/maps?*", lambda route: route.fulfill(status=404, body="<!doctype html>"))
    frame.locator("#method").select_option("control")
    expect(frame.locator("#grid [role=alert]")).to_have_text("TensorBoard answered with the status 404")
    page.unroute("**/deconvnet/maps?*")


def test_an_empty_log_names_the_command_to_train(open_view, tmp_path):
    with board.tensorboard(str(tmp_path)) as address:
        _, frame = open_view("deconvnet", address=address)
        expect(frame.locator(".empty code")).to_contain_text(f" train --logdir {tmp_path}")
        frame.get_by_role("tab", name="Your own").click()
        expect(frame.locator("#grid .empty")).to_contain_text("needs the checkpoint of a training run")
