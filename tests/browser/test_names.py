"""Names in the DECONVNET dashboard: HTML in them is text, and an address that names what is not there says so."""

import os
import shutil

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.support import board

HTML = "<img src=x onerror=document.title='hacked'><u>x"


@pytest.fixture(scope="module")
def odd_address(features_run, tmp_path_factory):
    """A log with HTML in the names of a run, of a layer, of the classes and of the picture files."""
    folder = tmp_path_factory.mktemp("odd")
    target = folder / HTML / "features" / HTML
    shutil.copytree(os.path.join(features_run, "features", "conv2"), str(target))
    with np.load(str(target / "features.npz")) as file:
        arrays = {name: file[name] for name in file.files}
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
