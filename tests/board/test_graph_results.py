"""The dashboard's answers for a graph that someone else trained, with colour images."""

import numpy as np
from PIL import Image

from legacy_graph import __main__
from legacy_graph.board import runs, sheet
from legacy_graph.board.answers import encode_tile
from tests.board.site import pixels
from tests.support.graph_commands import RANGE, SIDES, two_layers, words, write_photos
from tests.support.graph_models import model_of


def test_colour_tiles_keep_their_pixels():
    for shape in [(2, 3), (2, 3, 3)]:
        picture = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
        assert pixels(encode_tile(picture)).ravel().tolist() == picture.ravel().tolist()


def test_results_of_a_graph_are_a_run_with_images_and_control(tmp_path):
    (tmp_path / "two_layers.pb").write_bytes(model_of(two_layers, SIDES).graph_def.SerializeToString())
    write_photos(tmp_path)
    choice = ["--maps", "3,0", "--method", "guided"]
    assert __main__.main([*words(tmp_path), *RANGE, *choice, "--control", "random"]) == 0
    assert __main__.main([*words(tmp_path, layer="Conv2D"), *RANGE, *choice]) == 0
    names = [
        "two_layers-Conv2D-guided-maps=3,0-range=-1,1",
        "two_layers-Conv2D_1-guided-control=random-maps=3,0-range=-1,1",
    ]
    (run,) = runs.find_runs(str(tmp_path / "log")).values()
    assert (run.newest, list(run.sheets)) == (None, names)
    shown = sheet.load(run.sheets[names[1]][""])
    found = shown.maps()
    assert (found["method"], found["step"], found["channels"]) == ("guided", None, 7)
    assert [one["map"] for one in found["maps"]] == [3, 0]
    spot = shown.map(3, "guided")["spots"][0]
    assert pixels(spot["input"]).shape == (*SIDES, 3)
    height, width, _ = pixels(spot["patch"]).shape
    # Guided backpropagation in colour is drawn as its magnitude, as on the sheet.
    assert pixels(spot["projection"]).shape == pixels(spot["control"]).shape == (height, width, 1)
    assert -1 <= spot["rank_correlation"] <= 1 and spot["label"] is spot["answer"] is None
    assert spot["file"] == f"{spot['image']}.png"
    photo = np.asarray(Image.open(str(tmp_path / "photos" / f"{spot['image']}.png")).convert("RGB"), float)
    assert np.corrcoef(pixels(spot["input"]).mean(axis=(0, 1)), photo.mean(axis=(0, 1)))[0, 1] > 0.99
    without = sheet.load(run.sheets[names[0]][""])
    assert without.maps("control")["maps"] == []
    assert without.map(3, "guided")["control_scale"] is None
