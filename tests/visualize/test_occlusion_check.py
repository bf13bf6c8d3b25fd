"""The comparison of projections with occlusion, on values whose order is known."""

import io

import numpy as np
import pytest

from legacy_graph.article.receptive_field import Field
from legacy_graph.visualize import occlusion_check
from legacy_graph.visualize.top_activations import TopActivations

FIELDS = (Field(2, 1, 0), Field(2, 1, 0))


def spots(*pixels):
    """One map with a spot at (1, 0) for each list of four pixels, in images of 4 x 4; the last spot is none."""
    whole = np.zeros([1, len(pixels) + 1, 4, 4], np.float32)
    whole[0, :-1, 1:3, 0:2] = np.reshape(pixels, [-1, 2, 2])
    return whole


FALLS = spots([1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4])
FOUND = TopActivations(
    np.array([5]), np.ones(1), np.array([[0, 1, 2, -1]]), np.tile([1, 0], [1, 4, 1]), np.ones([1, 4], "f"), FALLS
)
SAME = spots([10, 20, 30, 400], [-1, -2, -3, -4], [0, 0, 0, 0])


def test_correlations_by_hand():
    """The order of the magnitudes is that of the falls; the second projection has no positive part."""
    colour = np.stack([SAME, 0 * SAME, SAME], -1)
    found = occlusion_check.correlate_falls(FALLS, {"grey": SAME, "colour": colour}, FOUND, FIELDS)
    for name in ("grey", "colour"):
        np.testing.assert_allclose(found[name], [[[1, 1], [1, 0], [np.nan] * 2, [np.nan] * 2]])
    assert occlusion_check.table_rows(found)[0] == ("grey", 2, pytest.approx(1), pytest.approx(0.5))


def test_colours_of_opposite_signs_do_not_cancel():
    colour = np.stack([SAME, -SAME], -1)
    found = occlusion_check.correlate_falls(FALLS, {"colour": colour}, FOUND, FIELDS)["colour"]
    np.testing.assert_allclose(found[0, :2], [[1, 1], [1, 1]])


def test_the_files_have_every_projection():
    details = {"guided": -SAME, "control": SAME[..., ::-1], "control_guided": 0 * SAME, "answers": np.ones(3)}
    rows = occlusion_check.by_method("deconvnet", FOUND, details)
    assert list(rows) == [("deconvnet", False), ("guided", False), ("deconvnet", True), ("guided", True)]
    assert rows["deconvnet", False] is FOUND.projections
    guided = occlusion_check.by_method("guided", FOUND, {"deconvnet": SAME, "control": SAME})
    assert list(guided) == [("guided", False), ("deconvnet", False), ("guided", True)]
    assert list(occlusion_check.by_method("occlusion", FOUND, details)) == [("guided", False), ("guided", True)]
    found = occlusion_check.correlate_falls(FALLS, {"guided": -SAME}, FOUND, FIELDS)
    files, text = occlusion_check.check_spots("conv1", "deconvnet", FOUND, {**details, "occlusion": FALLS}, FIELDS)
    assert "conv1" in text and "guided, random kernel" in text
    lines = files["occlusion.csv"].decode().splitlines()
    assert lines[0] == "projection,spots,magnitude,positive part" and len(lines) == 5
    assert lines[-1] == '"guided, random kernel",0,nan,nan'
    with np.load(io.BytesIO(files["occlusion.npz"])) as arrays:
        np.testing.assert_array_equal(arrays["guided"], found["guided"])
        assert arrays["maps"].tolist() == [5]
