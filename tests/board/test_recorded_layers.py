"""The routes for the results that a run recorded while it trained: one spot a map, at each image step."""

import os
import shutil

import numpy as np
import pytest

from tests.board.site import Site, pixels
from tests.support.published import read_npz

STEPS = [0, 10, 20, 30]  # image steps of the shared run
LAYER = {"run": ".", "layer": "conv2-training", "method": "deconvnet"}


@pytest.fixture(scope="module")
def site(features_run):
    return Site(features_run)


@pytest.fixture(scope="module")
def recorded(features_run):
    """{step: arrays}."""
    folder = os.path.join(features_run, "features", "conv2-training")
    return {step: read_npz(folder, f"features-{step}.npz") for step in STEPS}


def test_the_steps_are_listed_and_the_newest_one_is_named(site):
    (run,) = site.ask("runs")[1]["runs"]
    assert {layer: (found["earlier"], found["newest"]) for layer, found in run["layers"].items()} == {
        "conv1-training": (STEPS, 30), "conv2": ([], None), "conv2-training": (STEPS, 30),
    }  # fmt: skip
    assert run["recorded"]["conv2-training"] == run["commands"]["conv2"] + " --steps all"


def test_recorded_results_without_a_checkpoint_are_known(features_run, tmp_path):
    shutil.copytree(os.path.join(features_run, "features"), str(tmp_path / "features"))
    (run,) = Site(str(tmp_path)).ask("runs")[1]["runs"]
    assert (run["commands"], run["recorded"]["conv2-training"]) == ({}, None)


@pytest.mark.parametrize("step", STEPS)
def test_maps_are_those_of_the_step(site, recorded, step):
    status, found = site.ask("maps", dict(LAYER, step=str(step)))
    arrays = recorded[step]
    alive = arrays["images"][:, 0] >= 0
    assert (status, found["step"], found["channels"]) == (200, step, 64)
    assert [one["map"] for one in found["maps"]] == arrays["maps"].tolist()
    assert {one["wins"] for one in found["maps"]} == {None}
    assert [one["activation"] for one in found["maps"]] == [
        float(value) if there else None for value, there in zip(arrays["activations"][:, 0], alive)
    ]


def test_one_spot_of_a_map_with_its_image_and_class(site, recorded):
    arrays = recorded[20]
    number = int(np.flatnonzero(arrays["images"][:, 0] >= 0)[-1])
    found = site.ask("map", dict(LAYER, step="20", map=str(number)))[1]
    (spot,) = found["spots"]
    image = arrays["images"][number, 0]
    assert (spot["image"], spot["label"]) == (image, str(arrays["labels"][image]))
    assert spot["place"] == arrays["places"][number, 0].tolist()
    assert (spot["answer"], spot["control"], found["wins"], found["needs"]) == (None, None, None, [])
    whole = arrays["inputs"][arrays["input_numbers"].tolist().index(image)]
    np.testing.assert_array_equal(pixels(spot["input"])[..., 0], whole)
    (top, height), (left, width) = spot["frame"]
    window = arrays["projections"][number, 0][max(top, 0) : top + height, max(left, 0) : left + width]
    assert (spot["projection"]["height"], spot["projection"]["width"]) == (height, width)
    tile = pixels(spot["projection"])[max(-top, 0) :, max(-left, 0) :][: window.shape[0], : window.shape[1], 0]
    assert np.sign(tile.astype(int) - 127)[np.abs(window) > 0.1 * np.abs(window).max()].tolist() == (
        np.sign(window)[np.abs(window) > 0.1 * np.abs(window).max()].tolist()
    )


def test_the_strip_has_the_strongest_spot_of_each_step(site, recorded):
    columns = site.ask("strip", dict(LAYER, map="5"))[1]["columns"]
    assert [column["step"] for column in columns] == STEPS
    spots = [column["spot"] and (column["spot"]["image"], column["spot"]["activation"]) for column in columns]
    assert spots == [
        (arrays["images"][5, 0], float(arrays["activations"][5, 0])) if arrays["images"][5, 0] >= 0 else None
        for arrays in recorded.values()
    ]
    assert site.ask("strip", dict(LAYER, map="5", method="gradient"))[1]["columns"][0]["error"].startswith("method: ")


def test_other_methods_are_not_recorded(site):
    assert site.ask("maps", dict(LAYER, method="guided"))[1]["maps"] == []
