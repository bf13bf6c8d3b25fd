"""The page of the DECONVNET dashboard: old addresses, help, a narrow window, names with HTML in them."""

import os
import shutil
from urllib.parse import quote

import numpy as np
from playwright.sync_api import expect

from tests.support import board


def test_an_address_that_is_out_of_date_says_so(visit):
    _, frame = visit("deconvnet&p.deconvnet.run=gone&p.deconvnet.layer=conv9&p.deconvnet.step=77")
    expect(frame.locator("aside .empty")).to_contain_text("the run gone and the layer conv9 and the step 77")
    expect(frame.locator("#grid button")).to_have_count(16)


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


def test_names_with_html_are_shown_as_text(open_view, features_log, arrays):
    evil = "<img src=x onerror=document.title='run'>"
    folder = os.path.join(features_log[0], f"{evil}", "features", evil)
    os.makedirs(folder)
    try:
        files = np.full(arrays["images"].shape, evil)
        np.savez(os.path.join(folder, "features.npz"), **dict(arrays, class_names=[evil] * 10, files=files))
        page, frame = open_view(f"deconvnet&p.deconvnet.run={quote(evil)}")
        expect(frame.locator("#detail td").last).to_contain_text(f"image {evil}: {evil}")
        expect(frame.locator("#grid h1")).to_contain_text(evil)
        assert frame.locator("img").count() == 0 and page.title() != "run"
    finally:
        shutil.rmtree(os.path.join(features_log[0], evil))


def test_the_tab_is_visible_in_a_usual_window(open_view):
    page, frame = open_view()
    expect(frame.locator("#grid h1")).to_be_visible()
    page.get_by_role("tab", name="Images").click()
    expect(page.get_by_role("tab", name="Deconvnet")).to_be_in_viewport(ratio=1)
