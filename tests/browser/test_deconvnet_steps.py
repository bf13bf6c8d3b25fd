"""The steps of the DECONVNET dashboard: slider, player, film strip, two steps beside each other, the saved picture."""

import io
import os
import shutil

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.support import board
from tests.support.published import read_npz


@pytest.fixture
def earlier(features_log, arrays):
    """Results for the steps 7 and 12, which are removed after the test: the activations are 1 and 2 larger."""
    paths = [os.path.join(features_log[0], "features", "conv2", f"features-{step}.npz") for step in (7, 12)]
    for path, step, more in zip(paths, (7, 12), (1, 2)):
        np.savez(path, **dict(arrays, step=step, activations=arrays["activations"] + more, wins=arrays["wins"][::-1]))
    yield
    for path in paths:
        os.remove(path)


def test_the_slider_the_keys_and_the_player_choose_the_step(visit, open_view, earlier, arrays):
    page, frame = open_view()
    order = list(map(str, arrays["maps"].tolist()))
    frame.locator("#grid button").first.click()
    expect(frame.locator("#step-text")).to_have_text("30 (3 of 3)")
    expect(frame.locator(".strip button")).to_have_count(3)
    expect(frame.locator(".strip button[aria-pressed=true]")).to_contain_text("30")
    frame.locator("#step").focus()
    page.keyboard.press("Home")
    strongest = f"Strongest activation {arrays['activations'][0, 0] + 1:#.3g}, wins"
    expect(frame.locator("#detail > p").first).to_contain_text(strongest)
    expect(frame.locator("#grid button")).to_have_text(order)  # every map keeps its place
    expect(frame.locator("#step-text")).to_have_text("7 (1 of 3)")
    expect(frame.locator(".strip button[aria-pressed=true]")).to_contain_text("7")
    assert "p.deconvnet.step=7" in page.url
    _, shared = open_view(page.url.partition("#")[2])
    expect(shared.locator("#detail > p").first).to_contain_text(strongest)
    frame.locator("#play").click()
    expect(frame.locator("#step-text")).to_have_text("12 (2 of 3)")
    expect(frame.locator("#step-text")).to_have_text("30 (3 of 3)")
    expect(frame.locator("#play")).to_have_attribute("title", "Play the steps")
    frame.locator(".strip button").nth(1).click()
    expect(frame.locator("#step-text")).to_have_text("12 (2 of 3)")
    expect(frame.locator(".strip button").nth(1)).to_be_focused()
    frame.locator("#beside").select_option("7@.")
    expect(frame.locator(".beside h2")).to_have_text(["log, step 12", "log, step 7"])
    activations = frame.locator(".beside > div:last-child td:last-child").all_inner_texts()
    assert [text.split()[0] for text in activations] == [f"{one:#.3g}" for one in arrays["activations"][0] + 1]


def test_another_run_beside_follows_the_step_and_is_saved(open_view, features_log, earlier):
    """The other run has no step 12, so its newest step stays."""
    second = os.path.join(features_log[0], "second")
    shutil.copytree(os.path.join(features_log[0], "features"), os.path.join(second, "features"))
    os.remove(os.path.join(second, "features", "conv2", "features-12.npz"))
    try:
        page, frame = open_view(f"{board.CONV2}&p.deconvnet.beside=%40second")
        names = frame.locator(".beside h2")
        expect(names).to_have_text(["log, step 30", "second, step 30"])
        assert frame.locator("#beside option").evaluate_all("all => all.map(one => one.value)") == [
            "", "7@.", "12@.", "@second",
        ]  # fmt: skip
        frame.locator("#step").focus()
        for key, steps in (("Home", (7, 7)), ("ArrowRight", (12, 30))):
            page.keyboard.press(key)
            expect(names).to_have_text([f"{name}, step {step}" for name, step in zip(("log", "second"), steps)])
        assert_saved(page, frame, frame.locator(".beside > div:last-child canvas").last)  # at the end of the picture
    finally:
        shutil.rmtree(second)


def assert_saved(page, frame, tile):
    """Assert that the saved picture shows a tile of the chosen map at its place."""
    with page.expect_download() as saved:
        frame.locator("#save").click()
    place = "one => one.getBoundingClientRect()"
    box, detail = (one.evaluate(place + ".toJSON()") for one in (tile, frame.locator("#detail")))
    top = frame.locator("#detail").evaluate("one => one.scrollTop")
    tile.scroll_into_view_if_needed()
    seen = Image.open(io.BytesIO(tile.screenshot())).convert("L")
    picture = Image.open(str(saved.value.path())).convert("L")
    x = 16 + frame.locator("#grid").evaluate("one => one.clientWidth") + box["x"] - detail["x"]
    y = 16 + 32 + box["y"] - detail["y"] + top
    found = picture.crop((round(x), round(y), round(x) + seen.width, round(y) + seen.height))
    for statistic in (np.mean, np.std):  # the tile may be a pixel off
        assert statistic(found) == pytest.approx(statistic(seen), abs=2)


def test_a_scrolled_film_strip_is_saved_as_it_is_seen(open_view, features_log):
    """It keeps its place while a new step is added, if another step than the newest is shown."""
    page, frame = open_view("deconvnet&p.deconvnet.layer=conv2-training&p.deconvnet.step=0&p.deconvnet.map=5")
    strip, columns = frame.locator(".strip"), frame.locator(".strip button")
    expect(columns).to_have_count(4)
    frame.locator(".strip").evaluate("one => one.parentElement.style.width = '150px'")
    strip.evaluate("one => one.scrollLeft = 34")
    assert_saved(page, frame, columns.nth(1).locator("canvas").last)
    strip.evaluate("one => one.scrollLeft = 100")
    folder = os.path.join(features_log[0], "features", "conv2-training")
    try:
        np.savez(os.path.join(folder, "features-40.npz"), **dict(read_npz(folder, "features-30.npz"), step=40))
        page.evaluate("dispatchEvent(new Event('focus'))")
        expect(columns).to_have_count(5)
        assert strip.evaluate("one => one.scrollLeft") == 100
    finally:
        os.remove(os.path.join(folder, "features-40.npz"))


def test_a_new_step_appears_by_itself(open_view, features_log, arrays):
    path = os.path.join(features_log[0], "features", "conv2", "features-9.npz")
    page, frame = open_view()
    expect(frame.locator("#step-text")).to_have_text("30")
    try:
        np.savez(path, **dict(arrays, step=9))
        expect(frame.locator("#step-text")).to_have_text("30 (2 of 2)")
    finally:
        os.remove(path)


def test_a_run_shows_its_steps_while_it_trains(open_view, features_log):
    """At the newest step the page follows the run; at another step it stays there."""
    folder = os.path.join(features_log[0], "features", "conv2-training")
    page, frame = open_view("deconvnet")
    layer, text, columns = [frame.locator(name) for name in ("#layer", "#step-text", ".strip button")]
    expect(frame.locator("#detail tr")).to_have_count(10)
    expect(layer).to_have_value("conv2")  # the results of features
    layer.select_option("conv2-training")
    expect(frame.locator("#detail tr")).to_have_count(2)
    expect(frame.locator("#order option:checked")).to_have_text("by number")
    expect(frame.locator("#order option[value=wins]")).to_be_disabled()
    expect(frame.locator("#detail code")).to_contain_text("features --layer conv2")
    expect(text).to_have_text("30 (4 of 4)")
    recorded = read_npz(folder, "features-30.npz")
    try:
        for step, expected, chosen in ((40, "40 (5 of 5)", 4), (50, "0 (1 of 6)", 0)):
            np.savez(os.path.join(folder, f"features-{step}.npz"), **dict(recorded, step=step))
            page.evaluate("dispatchEvent(new Event('focus'))")  # the page looks for results at once
            expect(columns).to_have_count(int(expected[-2]))
            expect(text).to_have_text(expected)
            expect(columns.nth(chosen)).to_have_attribute("aria-pressed", "true")
            frame.locator("#step").focus()
            page.keyboard.press("Home")
            expect(text).to_have_text(f"0 (1 of {expected[-2]})")
    finally:
        for step in (40, 50):
            os.remove(os.path.join(folder, f"features-{step}.npz"))


def test_the_page_goes_to_the_first_results_of_a_run(open_view, features_log):
    """A page that was opened before them. The layer and the map are kept while another view is shown."""
    run = os.path.join(features_log[0], "started")
    os.makedirs(os.path.join(run, "checkpoints"))
    try:
        with open(os.path.join(run, "checkpoints", "model.ckpt-0.index"), "w"):
            pass
        page, frame = open_view("deconvnet&p.deconvnet.run=started")
        expect(frame.locator("#grid")).to_contain_text("No results for ")
        source = os.path.join(features_log[0], "features", "conv2-training")
        shutil.copytree(source, os.path.join(run, "features", "conv2-training"))
        page.evaluate("dispatchEvent(new Event('focus'))")
        title = frame.locator("#detail h1")
        expect(title).to_have_text("Map 0 of conv2-training")
        frame.locator("#grid button").nth(3).click()
        expect(title).to_have_text("Map 3 of conv2-training")
        for view in ("Your own", "Strongest images"):
            frame.get_by_role("tab", name=view).click()
        expect(title).to_have_text("Map 3 of conv2-training")
        frame.locator("#layer").select_option("conv2")
        expect(frame.locator("#grid")).to_contain_text("The layer conv2-training shows")
    finally:
        shutil.rmtree(run)


@pytest.mark.parametrize("step, text", [(20, "20 (3 of 4)"), (30, "30 (4 of 4)")])
def test_an_address_names_a_recorded_step(visit, step, text):
    _, frame = visit(f"deconvnet&p.deconvnet.layer=conv2-training&p.deconvnet.step={step}")
    expect(frame.locator("#step-text")).to_have_text(text)
    expect(frame.locator(".strip [aria-pressed=true]")).to_contain_text(str(step))


def test_the_command_for_occlusion_names_the_step(open_view, features_log, arrays):
    path = os.path.join(features_log[0], "features", "conv2", "features-9.npz")
    np.savez(path, **{name: array for name, array in dict(arrays, step=9).items() if name != "occlusion"})
    try:
        _, frame = open_view(f"{board.CONV2}&p.deconvnet.step=9")
        expect(frame.locator(".needs")).to_contain_text("--steps 9 --control occlusion")
    finally:
        os.remove(path)


def test_what_is_seen_is_saved_as_a_picture(visit, tmp_path):
    page, frame = visit()
    expect(frame.locator("#detail tr")).to_have_count(10)
    with page.expect_download() as saved:
        frame.locator("#save").click()
    assert saved.value.suggested_filename == "deconvnet-conv2-deconvnet-30.png"
    picture = Image.open(str(saved.value.path()))
    height = frame.locator("#detail").evaluate("one => one.scrollHeight")
    assert picture.height > height and len(set(np.asarray(picture.convert("L")).ravel())) > 100
