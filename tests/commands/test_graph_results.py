"""Where `features --graph` and `deconv --graph` put their results, and what they leave alone."""

import os
import shutil

import pytest

from legacy_graph import __main__
from legacy_graph.commands.graph_folder import graph_folder
from legacy_graph.commands.parser import make_parser
from legacy_graph.logdir import layout
from legacy_graph.visualize import feature_sheets
from tests.support.graph_commands import RANGE, words, write_graph_and_photos
from tests.support.published import assert_refused, read_npz


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_graph_and_photos(tmp_path_factory.mktemp("results"))


def test_results_of_other_sources_have_folders_of_their_own(folder):
    """Two layers of one graph, and three graphs of one file name, for the same picture; the same again is replaced.

    The second graph is named after its directory too, the third one has the same name and directory.
    """
    for other in ("other", "more/other"):
        (folder / other).mkdir(parents=True)
        shutil.copy(str(folder / "two_layers.pb"), str(folder / other / "two_layers.pb"))
    graphs = ["two_layers.pb", "other/two_layers.pb", "more/other/two_layers.pb", "two_layers.pb"]
    layers = ["Conv2D", "Conv2D", "Conv2D", "Conv2D_1"]
    for graph, layer in [*zip(graphs, layers)] * 2:
        assert __main__.main([*words(folder, "deconv", graph, layer, "apart"), *RANGE]) == 0
    place = folder / "apart" / "graphs"
    end = "-2-range=-1,1"
    names = [f"two_layers-Conv2D{end}", f"other-two_layers-Conv2D{end}", f"other-two_layers-Conv2D{end}_2",
             f"two_layers-Conv2D_1{end}"]  # fmt: skip
    assert set(os.listdir(str(place))) == set(names)
    found = [(place / name / "source.txt").read_text(encoding="utf-8").splitlines() for name in names]
    photo = str(folder / "photos" / "2.png")
    assert found == [[str(folder / graph), photo, layer, "--range -1,1"] for graph, layer in zip(graphs, layers)]


def test_a_graph_with_a_hidden_name_is_named_after_its_folder(folder):
    """A checkpoint that is saved as "vgg/" has the MetaGraph vgg/.meta."""
    (folder / "vgg").mkdir()
    shutil.copy(str(folder / "two_layers.pb"), str(folder / "vgg" / ".pb"))
    assert __main__.main([*words(folder, "deconv", "vgg/.pb", logdir="hidden"), *RANGE]) == 0
    assert os.listdir(str(folder / "hidden" / "graphs")) == ["vgg-Conv2D_1-2-range=-1,1"]


def test_results_of_methods_stand_side_by_side(folder):
    for method in ("deconvnet", "guided", "gradient"):
        assert __main__.main([*words(folder, logdir="methods"), *RANGE, "--maps", "0", "--method", method]) == 0
    place = folder / "methods" / "graphs"
    assert len(os.listdir(str(place))) == 3
    for method in ("deconvnet", "guided", "gradient"):
        arrays = read_npz(place / f"two_layers-Conv2D_1-{method}-maps=0-range=-1,1" / "features.npz")
        assert str(arrays["method"]) == method


def test_results_of_other_images_are_named_after_them(folder):
    shutil.copytree(str(folder / "photos"), str(folder / "holiday"))
    for images in ("photos", "holiday", "photos"):
        asked = [*words(folder, logdir="images"), *RANGE, "--images", str(folder / images)]
        assert __main__.main(asked) == 0
    names = ["two_layers-Conv2D_1-holiday-range=-1,1", "two_layers-Conv2D_1-range=-1,1"]
    assert sorted(os.listdir(str(folder / "images" / "graphs"))) == names


def options_of(*more):
    return make_parser().parse_args(["features", "--graph", "m.pb", "--layer", "a", "--images", "photos", *more])


@pytest.mark.parametrize("more", [
    ["--range", "0,1"], ["--range", "-1,1"], ["--mean", "1,2,3"], ["--bgr"], ["--size", "8x9"], ["--maps", "1,2"],
    ["--maps", "2,1"], ["--top", "3"], ["--order", "number"], ["--context"], ["--method", "guided"],
    ["--control", "random"], ["--input", "split:1"], ["--signature", "b"], ["--tags", "c"], ["--set", "d=false"],
])  # fmt: skip
def test_options_that_change_results_are_in_the_folder_name(more):
    """And what changes no result is not."""
    plain, other = graph_folder(options_of(), "a", "photos"), graph_folder(options_of(*more), "a", "photos")
    assert other[0].startswith(plain[0] + "-") and os.path.dirname(other[0]) == os.path.dirname(plain[0])
    assert other[1].startswith(plain[1])
    assert graph_folder(options_of("--debug", "--task-timeout", "9"), "a", "photos") == plain


def test_the_checkpoint_is_part_of_the_source():
    assert graph_folder(options_of("--checkpoint", "c"), "a", "p")[1] != graph_folder(options_of(), "a", "p")[1]


def test_long_labels_have_different_folders():
    """A file system takes names of 255 bytes; the characters of these labels have three bytes each."""
    names = [os.path.basename(graph_folder(options_of(), "层" * 100 + end, "p")[0]) for end in ("a", "b")]
    assert len(set(names)) == 2 and max(len(name.encode()) for name in names) <= 250
    assert "层" * 100 + "a\n" in graph_folder(options_of(), "层" * 100 + "a", "p")[1]


def test_a_run_can_start_beside_results_of_other_graphs(folder):
    assert __main__.main([*words(folder, "deconv", logdir="beside"), *RANGE]) == 0
    with layout.lock(str(folder / "beside")):
        assert layout.archive(str(folder / "beside")) is None
    assert os.listdir(str(folder / "beside" / "graphs")) == ["two_layers-Conv2D_1-2-range=-1,1"]


@pytest.mark.parametrize("command", ["features", "deconv"])
def test_ties_are_refused_with_a_graph(folder, capsys, command):
    line = "--ties: expected this option without --graph, found --graph"
    assert_refused(capsys, [*words(folder, command), *RANGE, "--ties", "shared"], line)


def test_other_data_is_refused_with_a_graph_by_its_name(folder, capsys):
    line = "--other-data: expected this option without --graph, found --graph"
    assert_refused(capsys, [*words(folder), *RANGE, "--other-data"], line)


def test_fewer_images_than_the_default_of_top_are_all_shown(folder):
    """Five photos; the option --top is not given."""
    assert __main__.main([*words(folder, logdir="few"), *RANGE, "--maps", "0,1"]) == 0
    (place,) = (folder / "few" / "graphs").iterdir()
    numbers = read_npz(place / "features.npz")
    assert numbers["images"].shape == (2, 5)


def test_the_number_of_maps_depends_on_what_is_drawn(folder, monkeypatch):
    """Projections of layer one are 4 x 4 RGB values of four bytes; two maps of five images take 1,920 bytes."""
    monkeypatch.setattr(feature_sheets, "MEMORY", 1920)
    assert __main__.main([*words(folder, layer="Conv2D", logdir="limit"), *RANGE]) == 0
    (place,) = (folder / "limit" / "graphs").iterdir()
    numbers = read_npz(place / "features.npz")
    assert numbers["receptive_field"][:, 0].tolist() == [4, 4]
    assert len(numbers["maps"]) == 2
