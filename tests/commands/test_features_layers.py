"""Several layers in one `features` command; the log directory is checked before data is loaded."""

import os

import numpy as np
import pytest

from legacy_graph import __main__
from legacy_graph.data import mnist
from tests.support.graph_commands import RANGE, words, write_graph_and_photos
from tests.support.program import SAMPLE
from tests.support.published import assert_refused, read_npz


def assert_same(logdir, other, *place):
    found, expected = [read_npz(folder, *place, "features.npz") for folder in (logdir, other)]
    assert set(found) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_graph_and_photos(tmp_path_factory.mktemp("layers"))


@pytest.mark.parametrize("value", ["conv1,conv2", "all"])
def test_several_layers_give_the_results_of_one_command_each(trained, tmp_path, capsys, value):
    together, apart = tmp_path / "together", tmp_path / "apart"
    for place in (together, apart):
        place.mkdir()
        os.symlink(os.path.join(trained.logdir, "checkpoints"), str(place / "checkpoints"))
    options = ["--data-dir", SAMPLE, "--maps", "3,0", "--top", "2"]
    assert __main__.main(["features", "--logdir", str(together), "--layer", value, *options]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in printed].count("Open the result with") == 1
    layers = sorted(os.listdir(str(together / "features")))
    assert {"conv1-maps=3,0-top=2", "conv2-maps=3,0-top=2"} <= set(layers)
    for layer in ("conv1", "conv2"):
        assert __main__.main(["features", "--logdir", str(apart), "--layer", layer, *options]) == 0
        assert_same(together, apart, "features", f"{layer}-maps=3,0-top=2")


def test_several_layers_of_a_loaded_graph(folder):
    for logdir, layer in [("pair", "Conv2D,Conv2D_1"), ("all", "all"), ("one", "Conv2D"), ("one", "Conv2D_1")]:
        assert __main__.main([*words(folder, layer=layer, logdir=logdir), *RANGE, "--maps", "1"]) == 0
    for logdir in ("pair", "all"):
        names = os.listdir(str(folder / logdir / "graphs"))
        assert sorted(names) == [f"two_layers-{layer}-maps=1-range=-1,1" for layer in ("Conv2D", "Conv2D_1")]
        for name in names:
            assert_same(folder / logdir, folder / "one", "graphs", name)


def test_a_wrong_name_among_several_leaves_the_log_as_it_was(trained, tmp_path, capsys):
    os.symlink(os.path.join(trained.logdir, "checkpoints"), str(tmp_path / "checkpoints"))
    command = ["features", "--logdir", str(tmp_path), "--data-dir", SAMPLE, "--layer", "conv1,conv7"]
    assert_refused(capsys, command, "--layer: expected one of conv1, conv2", "found 'conv7'")
    assert os.listdir(str(tmp_path)) == ["checkpoints"]


@pytest.mark.parametrize("command", [["features"], ["deconv", "no_such_picture.png"]])
def test_a_log_without_a_run_is_refused_before_data_is_loaded(tmp_path, capsys, monkeypatch, command):
    loaded = []
    monkeypatch.setattr(mnist, "load", lambda *arguments: loaded.append(arguments))
    logdir = str(tmp_path / "nolog")
    assert_refused(capsys, [*command, "--logdir", logdir], f"a checkpoint of a training run in {logdir!r}")
    assert loaded == []
