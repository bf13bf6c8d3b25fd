"""The page of the DECONVNET dashboard: help, a narrow window, names with HTML in them, stale addresses."""

import io
import os
import shutil

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.support import board
from tests.support.published import read_npz

HTML = "<img src=x onerror=document.title='hacked'><u>x"


def test_the_help_is_shown_in_two_languages(visit):
    page, frame = visit()
    frame.locator("#help").click()
    expect(frame.locator("dialog h1")).to_have_text("How to read these pictures")
    frame.get_by_role("button", name="中文").click()
    expect(frame.locator("dialog h1")).to_have_text("怎样看这些图片")
    page.keyboard.press("Escape")
    expect(frame.locator("dialog")).not_to_be_visible()


def test_a_chosen_map_is_visible_in_a_narrow_window(browser, features_log):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{features_log[1]}#{board.CONV2}")
    frame = page.frame_locator("iframe[src*=deconvnet]")
    frame.locator("#grid button").nth(3).click()
    for seen in ("#detail h1", "#detail td canvas"):
        expect(frame.locator(seen).first).to_be_in_viewport()
    page.close()


def test_two_steps_fit_into_a_narrow_window(browser, features_log):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{features_log[1]}#deconvnet&p.deconvnet.layer=conv2-training&p.deconvnet.beside=0%40.")
    frame = page.frame_locator("iframe[src*=deconvnet]")
    expect(frame.locator(".beside canvas")).to_have_count(4)
    assert frame.locator("body").evaluate("one => one.scrollWidth <= one.clientWidth")
    page.close()


def test_the_tab_is_visible_in_a_usual_window(open_view):
    page, frame = open_view()
    expect(frame.locator("#grid h1")).to_be_visible()
    page.get_by_role("tab", name="Images").click()
    expect(page.get_by_role("tab", name="Deconvnet")).to_be_in_viewport(ratio=1)


@pytest.fixture(scope="module")
def odd_address(features_run, tmp_path_factory):
    """A log with HTML in the names of a run, of a layer, of the classes and of the picture files."""
    folder = tmp_path_factory.mktemp("odd")
    target = folder / HTML / "features" / HTML
    shutil.copytree(os.path.join(features_run, "features", "conv2"), str(target))
    arrays = read_npz(target / "features.npz")
    arrays["class_names"] = np.array([f"{HTML}{number}" for number in range(10)])
    arrays["files"] = np.full(arrays["images"].shape, HTML)
    np.savez(str(target / "features.npz"), **arrays)
    with board.tensorboard(str(folder)) as address:
        yield address


def test_html_in_names_is_shown_as_text(open_view, odd_address):
    page, frame = open_view("deconvnet", address=odd_address)
    expect(frame.locator("#detail h1")).to_contain_text(f"of {HTML}")
    expect(frame.locator("#detail tr").nth(1)).to_contain_text(f"image {HTML}: {HTML}")
    expect(frame.locator("#run option")).to_have_text([HTML])
    expect(frame.locator("#layer option")).to_have_text([HTML])
    assert frame.locator("img, u").count() == 0
    assert page.title() != "hacked"


def test_signals_are_wide_curves_and_dead_maps_are_last(open_view, features_log):
    """Map 0 is dead; no map wins a position."""
    run = os.path.join(features_log[0], "signals")
    projections, places = np.zeros([2, 1, 1, 40], np.float32), np.full([2, 1, 2], 3) * [0, 1]
    projections[1, 0, 0, 2:5] = 1
    os.makedirs(os.path.join(run, "features", "line"))
    np.savez(os.path.join(run, "features", "line", "features.npz"), maps=[0, 1], wins=[0.0, 0.0], images=[[-1], [0]],
             places=places, activations=[[0.0], [1.0]], projections=projections, inputs=np.ones([1, 1, 40], np.uint8),
             receptive_field=[[1, 0, 0], [3, 1, -1]], input_numbers=[0])  # fmt: skip
    try:
        page, frame = open_view("deconvnet&p.deconvnet.run=signals")
        expect(frame.locator("#grid button")).to_have_text(["1", "dead0"])
        expect(frame.locator("#detail h1")).to_have_text("Map 1 of line")
        expect(frame.locator("#detail th")).to_have_text(["deconvnet", "whole image", "strongest spot"])
        canvases = frame.locator("#grid canvas, #detail canvas")
        sides = canvases.evaluate_all("all => all.map(one => [one.clientWidth, one.clientHeight])")
        assert len(sides) == 3 and all(width == 3 * height for width, height in sides), sides
        with page.expect_download() as saved:
            frame.locator("#save").click()
        seen = Image.open(io.BytesIO(frame.locator("#grid").screenshot())).convert("RGBA")
        picture = Image.open(str(saved.value.path())).crop((16, 48, 16 + seen.width, 48 + seen.height))
        differences = np.abs(np.asarray(picture, float) - np.asarray(seen, float))[10:]  # without the header's shadow
        assert differences.mean() < 2  # texts may be a pixel off
    finally:
        shutil.rmtree(run)


STALE = [("map=500", "the map 500"), ("method=magic", "the projection magic"), ("step=77", "the step 77"),
         ("order=odd", "the order odd"), ("run=none", "the run none"),
         ("view=network", "the view network")]  # fmt: skip


@pytest.mark.parametrize("part, name", STALE, ids=[part for part, _ in STALE])
def test_a_stale_address_is_named(visit, part, name):
    _, frame = visit(f"{board.CONV2}&p.deconvnet.{part}")
    expect(frame.locator("aside .empty").first).to_contain_text(
        f"The address names {name}, which this log does not have"
    )
    expect(frame.locator("#detail h1")).to_contain_text("Map ")
