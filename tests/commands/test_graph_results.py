"""Where `features --graph` and `deconv --graph` put their results, and what they leave alone."""

import argparse
import os
import shutil

import numpy as np
import pytest

from legacy_graph import __main__
from legacy_graph.commands.graph_model import graph_folder
from legacy_graph.logdir import layout
from tests.support.graph_commands import RANGE, words, write_graph_and_photos
from tests.support.published import assert_refused


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_graph_and_photos(tmp_path_factory.mktemp("results"))


def test_results_of_other_sources_have_folders_of_their_own(folder):
    """Two layers of one graph, and two graphs of one file name, for the same picture; the same again is replaced."""
    other = folder / "other"
    other.mkdir()
    shutil.copy(str(folder / "two_layers.pb"), str(other / "two_layers.pb"))
    for graph, layer in [
        ("two_layers.pb", "Conv2D_1"),
        ("two_layers.pb", "Conv2D"),
        ("other/two_layers.pb", "Conv2D"),
    ] * 2:
        assert __main__.main([*words(folder, "deconv", graph, layer, "apart"), *RANGE]) == 0
    place = folder / "apart" / "graphs"
    names = ["two_layers-Conv2D-2", "two_layers-Conv2D-2_2", "two_layers-Conv2D_1-2"]
    assert sorted(os.listdir(str(place))) == names
    found = [(place / name / "source.txt").read_text(encoding="utf-8").splitlines() for name in names]
    photo = str(folder / "photos" / "2.png")
    graphs = [str(folder / "two_layers.pb"), str(other / "two_layers.pb"), str(folder / "two_layers.pb")]
    assert found == [[graph, photo, layer] for graph, layer in zip(graphs, ["Conv2D", "Conv2D", "Conv2D_1"])]


def test_a_graph_with_a_hidden_name_is_named_after_its_folder(folder):
    """A checkpoint that is saved as "vgg/" has the MetaGraph vgg/.meta."""
    (folder / "vgg").mkdir()
    shutil.copy(str(folder / "two_layers.pb"), str(folder / "vgg" / ".pb"))
    assert __main__.main([*words(folder, "deconv", "vgg/.pb", logdir="hidden"), *RANGE]) == 0
    assert os.listdir(str(folder / "hidden" / "graphs")) == ["vgg-Conv2D_1-2"]


def test_results_of_methods_stand_side_by_side(folder):
    for method in ("deconvnet", "guided", "gradient"):
        assert __main__.main([*words(folder, logdir="methods"), *RANGE, "--maps", "0", "--method", method]) == 0
    place = folder / "methods" / "graphs"
    assert sorted(os.listdir(str(place))) == [
        "two_layers-Conv2D_1", "two_layers-Conv2D_1-gradient", "two_layers-Conv2D_1-guided",
    ]  # fmt: skip
    for name, method in [("", "deconvnet"), ("-gradient", "gradient"), ("-guided", "guided")]:
        with np.load(str(place / f"two_layers-Conv2D_1{name}" / "features.npz")) as arrays:
            assert str(arrays["method"]) == method


def test_long_labels_have_different_folders():
    """A file system takes names of 255 bytes; the characters of these labels have three bytes each."""
    options = argparse.Namespace(graph="model.pb", logdir="log", method=None)
    names = [os.path.basename(graph_folder(options, "层" * 100 + end)[0]) for end in ("a", "b")]
    assert len(set(names)) == 2 and max(len(name.encode()) for name in names) <= 250
    assert graph_folder(options, "层" * 100 + "a")[1].endswith("层" * 100 + "a\n")


def test_a_run_can_start_beside_results_of_other_graphs(folder):
    assert __main__.main([*words(folder, "deconv", logdir="beside"), *RANGE]) == 0
    with layout.lock(str(folder / "beside")):
        assert layout.archive(str(folder / "beside")) is None
    assert os.listdir(str(folder / "beside" / "graphs")) == ["two_layers-Conv2D_1-2"]


@pytest.mark.parametrize("command", ["features", "deconv"])
def test_ties_are_refused_with_a_graph(folder, capsys, command):
    line = "--ties: expected this option without --graph, found --graph"
    assert_refused(capsys, [*words(folder, command), *RANGE, "--ties", "shared"], line)


def test_fewer_images_than_the_default_of_top_are_all_shown(folder):
    """Five photos; the option --top is not given."""
    assert __main__.main([*words(folder, logdir="few"), *RANGE, "--maps", "0,1"]) == 0
    with np.load(str(folder / "few" / "graphs" / "two_layers-Conv2D_1" / "features.npz")) as numbers:
        assert numbers["images"].shape == (2, 5)
