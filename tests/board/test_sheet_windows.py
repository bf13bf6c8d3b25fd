"""Stored results of large images and of signals: the windows and scales of the sheet that `features` draws."""

import numpy as np
import pytest

from legacy_graph.board import sheet
from tests.board.site import pixels

SIDES = (150, 140)
CORNERS = np.array([[40, 90], [100, 10]])


@pytest.fixture
def load(tmp_path):
    """load(arrays of one map with two spots) -> the sheet."""

    def load(**arrays):
        path = str(tmp_path / "features.npz")
        common = {
            "maps": np.array([5]),
            "wins": np.array([0.5]),
            "images": np.array([[1, 0]]),
            "places": np.zeros([1, 2, 2], int),
            "activations": np.array([[2.0, 1.0]]),
        }
        np.savez(path, **{**common, **arrays})
        return sheet.load(path)

    return load


@pytest.fixture
def large():
    """Two spots of complete images in colour. Each has a square of noise; that of the second one is weak."""
    random, projections = np.random.RandomState(0), np.zeros([1, 2, *SIDES, 3], np.float32)
    for at, (y, x) in enumerate(CORNERS):
        projections[0, at, y : y + 20, x : x + 20] = random.normal(0, 0.1**at, (20, 20, 3))
    field = np.array([[side, 0, 0] for side in SIDES])
    inputs = random.randint(100, 256, (2, *SIDES, 3)).astype(np.uint8)
    arrays = {"projections": projections, "control": projections[:, ::-1], "receptive_field": field}
    return {**arrays, "inputs": inputs, "input_numbers": np.array([0, 1]), "method": "gradient"}


def test_large_fields_have_windows_and_a_scale_for_each_tile(load, large):
    found = load(**large, drawn="magnitude").map(5, "gradient")
    assert found["drawn"] == "magnitude" and found["energy"] == pytest.approx(1)
    assert pixels(found["tile"]).tolist() == pixels(found["spots"][0]["projection"]).tolist()
    for at, (spot, corner) in enumerate(zip(found["spots"], CORNERS)):
        assert spot["frame"] == [[corner[0], 20], [corner[1], 20]]
        rows, columns = [slice(begin, begin + side) for begin, side in spot["frame"]]
        magnitude = np.sqrt((large["projections"][0, at, rows, columns].astype(float) ** 2).sum(2))
        scale = np.percentile(magnitude, 98)
        assert found["scale"][at] == spot["scale"] == pytest.approx(scale, rel=1e-4)
        assert np.abs(pixels(spot["projection"])[..., 0] - 255 * np.clip(magnitude / scale, 0, 1)).max() <= 1
        patch = large["inputs"][1 - at][rows, columns]
        assert (pixels(spot["patch"]) <= patch).all() and pixels(spot["patch"]).any()
        assert not pixels(spot["control"]).any()  # the other square is outside this window
        assert pixels(spot["input"]).shape == (*SIDES, 3)
    assert found["scale"][0] > 5 * found["scale"][1]


def test_occlusion_has_the_same_windows_and_signs(load, large):
    falls = np.ones([1, 2, *SIDES, 3], np.float32)
    found = load(**large, drawn="magnitude", occlusion=falls).map(5, "occlusion")
    assert found["drawn"] == "signed"
    assert [spot["frame"] for spot in found["spots"]] == [[[y, 20], [x, 20]] for y, x in CORNERS]
    assert (pixels(found["spots"][0]["projection"]) == 254).all()


@pytest.mark.parametrize("known, side", [(True, 60), (False, 20)])
def test_an_unknown_field_is_cropped_also_in_a_small_image(load, known, side):
    projections = np.zeros([1, 2, 60, 60], np.float32)
    projections[0, :, 5:25, 30:50] = 1
    found = load(projections=projections, receptive_field=np.array([[60, 0, 0]] * 2), known=known)
    assert [length for _, length in found.map(5, "deconvnet")["spots"][0]["frame"]] == [side, side]


@pytest.mark.parametrize("drawn", ["signed", "magnitude"])
def test_a_curve_is_of_the_values_or_of_their_magnitudes(load, drawn):
    """A negative projection is below the line of zero, its magnitude above; only then, the answer says so."""
    projections = np.zeros([1, 2, 1, 400], np.float32)
    projections[0, :, 0, 200:203] = -1
    fields, places = np.array([[1, 0, 0], [7, 2, -3]]), np.array([[[0, 100], [0, 101]]])
    found = load(projections=projections, receptive_field=fields, places=places, drawn=drawn).map(5, "deconvnet")
    assert (found["drawn"], found["magnitude"]) == ("curve", drawn == "magnitude")
    rows, _, _ = np.nonzero(pixels(found["spots"][0]["projection"]) == 0)
    assert (rows.min() < 5, rows.max() > 78) == (drawn == "magnitude", drawn == "signed")


def test_a_signal_is_a_curve_without_a_patch(load):
    """The frame in the curve of the complete signal is at the same fraction of its width."""
    projections = np.zeros([1, 2, 1, 400], np.float32)
    projections[0, :, 0, 100:107] = 1
    fields, places = np.array([[1, 0, 0], [7, 2, -3]]), np.array([[[0, 50], [0, 51]]])
    inputs = np.tile(np.arange(400, dtype=np.uint8), (2, 1, 1))
    signal = load(
        projections=projections, receptive_field=fields, places=places, inputs=inputs, input_numbers=np.array([0, 1])
    )
    found = signal.map(5, "deconvnet")
    spot = found["spots"][0]
    assert found["drawn"] == "curve"
    height, width, _ = pixels(spot["input"]).shape
    assert spot["patch"] is None and pixels(spot["projection"]).shape == (height, width, 1)
    (top, tall), (left, wide) = spot["frame"]
    assert (top, tall) == (0, height) and wide == pytest.approx(64 * width / 400)
    assert left + wide / 2 == pytest.approx((2 * 50 - 3 + 3.5) * width / 400, abs=1)
