"""features --graph and deconv --graph, on a small frozen graph with weights of its own."""

import csv
import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph import __main__
from legacy_graph.config import METHODS
from legacy_graph.data.images import Preprocessing, open_images
from legacy_graph.visualize import feature_sheets, image_report
from tests.support.graph_commands import RANGE, SIDES, two_layers, words, write_photos
from tests.support.graph_models import Maker, ends, model_of
from tests.support.program import legacy_graph
from tests.support.published import assert_refused, images_of, read_npz, tree


def prelu(value):
    value = Maker().convolve(value, 4)
    return ends(tf.nn.relu(value) - 0.2 * tf.nn.relu(-value))


def dead(value):
    return ends(tf.nn.relu(Maker().convolve(value, 4) - 1e4))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Frozen graphs and a folder of five photos, in a path with a space."""
    folder = tmp_path_factory.mktemp("foreign graph")
    for build in (two_layers, prelu, dead):
        (folder / f"{build.__name__}.pb").write_bytes(model_of(build, SIDES).graph_def.SerializeToString())
    write_photos(folder)
    return folder


@pytest.fixture(scope="module")
def shown(folder):
    run = legacy_graph(*words(folder), *RANGE, "--maps", "3,0", "--top", "4", "--control", "random", "--context")
    assert run.returncode == 0, run.stderr
    name = "two_layers-Conv2D_1-context-control=random-maps=3,0-range=-1,1-top=4"
    run.place = str(folder / "log" / "graphs" / name)
    return run


def test_features_of_a_foreign_graph_leave_the_same_files(shown):
    names = sorted(name for name in os.listdir(shown.place) if "tfevents" not in name)
    assert names == ["control.npz", "control.png", "features.csv", "features.npz", "features.png", "source.txt"]
    found = images_of(shown.place)
    assert list(found) == [f"{kind}/{tag}" for kind in ("features", "control") for tag in ("sheet", "map 03", "map 00")]
    assert found["features/sheet"][1].ndim == 3
    numbers = read_npz(shown.place, "features.npz")
    assert numbers["projections"].shape == (2, 4, *SIDES, 3)
    assert set(numbers["images"].ravel()) <= set(range(5))
    assert numbers["projections"].any()
    assert shown.stderr == ""


def test_the_file_of_each_tile_is_named(shown):
    """The photo with the number n in sorted order is n.png."""
    found = read_npz(shown.place, "features.npz")
    assert found["files"].tolist() == [[f"{n}.png" if n >= 0 else "" for n in row] for row in found["images"]]
    with open(os.path.join(shown.place, "features.csv"), encoding="utf-8") as file:
        rows = [list(row.values()) for row in csv.DictReader(file)]
    expected = [
        [str(value) for value in (number, rank + 1, image, f"{image}.png", *place)]
        for number, images, places in zip(found["maps"], found["images"], found["places"])
        for rank, (image, place) in enumerate(zip(images, places))
        if image >= 0
    ]
    assert [row[:-1] for row in rows] == expected
    activations = found["activations"][found["images"] >= 0]
    np.testing.assert_allclose([float(row[-1]) for row in rows], activations, rtol=1e-5)
    assert f"Image and position of each tile: {shown.place}/features.csv" in shown.stdout


def test_notes_and_control_are_printed(shown):
    assert "Conv2D_1 is ranked and projected before the clip of its Relu6 at 6." in shown.stdout
    assert "maximum, the first one gets the signal, as in tf.gradients." in shown.stdout
    assert "rank correlation, learned against random: " in shown.stdout


def test_a_projection_lies_in_the_receptive_field_of_its_spot(shown):
    """The field is 8 x 8 pixels with a step of 2, by hand: 3, pool 2 -> 4 of step 2, then 3 more -> 4 + 2 * 2."""
    found = read_npz(shown.place, "features.npz")
    assert found["receptive_field"].tolist() == [[8, 2, -3], [8, 2, -3]]
    for projection, (y, x) in zip(found["projections"].reshape(-1, *SIDES, 3), found["places"].reshape(-1, 2)):
        rows, columns = [slice(max(0, 2 * at - 3), 2 * at + 5) for at in (y, x)]
        projection[rows, columns] = 0
        assert not projection.any()


def test_bgr_projections_are_shown_as_rgb(folder):
    """The same graph with its input reversed, told so, must give the same pictures and projections."""

    def bgr(value):
        return two_layers(tf.reverse(value, [3]))

    (folder / "bgr.pb").write_bytes(model_of(bgr, SIDES).graph_def.SerializeToString())
    found = []
    for graph, more in (("two_layers.pb", []), ("bgr.pb", ["--bgr"])):
        asked = [*words(folder, graph=graph, logdir="channels"), *RANGE, "--maps", "1", "--top", "2", *more]
        assert __main__.main(asked) == 0
        (place,) = (folder / "channels" / "graphs").glob(f"{graph[:-3]}-*")
        found.append(read_npz(place / "features.npz"))
    np.testing.assert_array_equal(found[0]["images"], found[1]["images"])
    np.testing.assert_allclose(found[0]["projections"], found[1]["projections"], rtol=1e-5, atol=1e-6)
    assert found[0]["projections"].any()


def test_deconv_shows_the_photo_the_maps_and_all_methods(folder, capsys):
    assert __main__.main([*words(folder, "deconv"), *RANGE]) == 0
    place = str(folder / "log" / "graphs" / "two_layers-Conv2D_1-2-range=-1,1")
    found = images_of(place)
    methods = [f"Conv2D_1/{method}" for method in METHODS.values()]
    assert list(found) == ["input", "Conv2D_1/maps", *methods, "picture"]
    pictures = [found[method][1] for method in methods]
    assert not any(np.array_equal(pictures[one], pictures[other]) for one, other in ((0, 1), (0, 2), (1, 2)))
    photo = open_images(str(folder / "photos"), (*SIDES, 3), Preprocessing(-1, 1)).shown([2])[0]
    np.testing.assert_array_equal(found["input"][1][2:-2:9, 2:-2:9], photo)
    said = capsys.readouterr().out
    assert f"{folder}/photos/2.png: " in said and " of 7 maps active, strongest " in said
    assert os.path.join(place, "picture.png") in said


def test_a_prelu_has_only_its_gradient(folder, capsys):
    assert __main__.main([*words(folder, "deconv", "prelu.pb", "Conv2D", "prelu"), *RANGE]) == 0
    found = images_of(str(folder / "prelu" / "graphs" / "prelu-Conv2D-2-range=-1,1"))
    assert [tag for tag in found if tag.startswith("Conv2D/")] == ["Conv2D/maps", "Conv2D/gradient"]
    capsys.readouterr()
    for method in (["--method", "deconvnet"], ["--method", "guided"]):
        refused = [*words(folder, graph="prelu.pb", layer="Conv2D", logdir="none"), *RANGE, "--top", "2", *method]
        assert_refused(capsys, refused, "--method", "Relu", "Relu_1", "choose --method gradient")
    assert not (folder / "none").exists()
    assert __main__.main(refused[:-2]) == 0
    printed = capsys.readouterr().out
    assert "Method: the gradient" in printed and "Relu, Relu_1" in printed
    assert __main__.main([*words(folder, graph="prelu.pb", layer="Conv2D", logdir="prelu"), *RANGE, "--top", "2",
                          "--method", "gradient"]) == 0  # fmt: skip
    assert "Only the gradient is defined for Relu" in capsys.readouterr().out


def test_a_dead_layer_is_told(folder, capsys):
    assert __main__.main([*words(folder, graph="dead.pb", layer="Conv2D"), *RANGE, "--top", "2"]) == 0
    assert "No activation of these maps is above 0: check --range" in capsys.readouterr().out
    assert __main__.main([*words(folder, "deconv", "dead.pb", "Conv2D"), *RANGE]) == 0
    assert "all 4 maps of Conv2D are dead: check --range" in capsys.readouterr().out


BAD = [
    (["--range", "3,3"], "--range: expected two numbers that differ, found 3 twice"),
    ([], "--range: expected LOW,HIGH"),
    (["--bgr"], "--range"),
    ([*RANGE, "--top", "6"], "--top: expected at most 5, the number of images, found 6"),
    ([*RANGE, "--maps", "7"], "--maps: expected maps of Conv2D_1, 0 to 6, found 7"),
    ([*RANGE, "--size", "20x20"], "--size: expected 24 x 18"),
    ([*RANGE, "--layer", "conv9"], "--layer: expected one of "),
]


@pytest.mark.parametrize("more, expected", BAD, ids=[" ".join(more) for more, _ in BAD])
def test_what_is_refused_leaves_all_as_it_was(folder, shown, capsys, more, expected):
    before = tree(str(folder))
    assert_refused(capsys, [*words(folder), "--top", "2", *more], expected)
    assert tree(str(folder)) == before


@pytest.mark.parametrize("command", ["features", "deconv"])
def test_graph_options_without_a_graph_are_refused(folder, capsys, command):
    more = [str(folder / "photos" / "1.png")] if command == "deconv" else []
    assert_refused(capsys, [command, *more, "--range", "0,1"], "--range: expected --graph PATH beside it")


@pytest.mark.parametrize("command", ["features", "deconv"])
def test_a_layer_must_be_named(folder, capsys, command):
    asked = words(folder, command)
    del asked[asked.index("--layer") : asked.index("--layer") + 2]
    assert_refused(capsys, [*asked, *RANGE], "--layer: expected a layer of the graph, found none")


def test_stopped_by_the_user_nothing_is_published(folder, shown, monkeypatch):
    """Ctrl-C while the last batch is read, or once all is drawn: what was published before stays."""
    before = tree(str(folder))

    def stop(*_, **__):
        raise KeyboardInterrupt

    for place in (feature_sheets.contact_sheet, "draw_sheet"), (feature_sheets.top_activations, "project"):
        with monkeypatch.context() as patch:
            patch.setattr(*place, stop)
            assert __main__.main([*words(folder), *RANGE, "--top", "2"]) == 130
    with monkeypatch.context() as patch:
        patch.setattr(image_report, "draw", stop)
        assert __main__.main([*words(folder, "deconv"), *RANGE]) == 130
    assert tree(str(folder)) == before
