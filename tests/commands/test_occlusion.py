"""--method occlusion of the commands features and deconv; the values themselves are tested in tests/visualize."""

import os
import pathlib

import numpy as np
import pytest
from PIL import Image

from legacy_graph import __main__
from legacy_graph.article.receptive_field import Field
from legacy_graph.config import METHODS
from legacy_graph.data import mnist
from legacy_graph.visualize import spot_details
from legacy_graph.visualize.rank_correlation import rank_correlations
from tests.support.constructs import prelu
from tests.support.graph_commands import RANGE, words, write_graph_and_photos
from tests.support.graph_models import Maker, model_of
from tests.support.program import SAMPLE
from tests.support.published import assert_refused, images_of, read_npz


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_graph_and_photos(tmp_path_factory.mktemp("graph"))


def features(logdir, *more):
    """The arrays of `features` for two maps of conv1."""
    command = ["features", "--logdir", logdir, "--data-dir", SAMPLE, "--layer", "conv1", "--maps", "5,0", "--top", "2"]
    assert __main__.main([*command, *more]) == 0
    ending = {0: "", 2: f"-{more[-1]}" if "--method" in more else "-control=occlusion"}[len(more)]
    return read_npz(logdir, "features", f"conv1{ending}-maps=5,0-top=2", "features.npz")


def test_each_method_has_the_same_values_under_its_name(logdir):
    """The sheet of a method shows what the file of another method has under the name of this one."""
    default = features(logdir)
    for method in ("gradient", "occlusion"):
        found = features(logdir, "--method", method)
        assert found["method"] == method
        np.testing.assert_allclose(found["projections"], default[method], atol=1e-5)
        np.testing.assert_allclose(found["deconvnet"], default["projections"], atol=1e-5)
        for name in ("images", "places", "activations", "guided", "control_guided"):
            np.testing.assert_allclose(found[name], default[name], atol=1e-5)
    assert default["occlusion"].any()


def test_what_is_left_out_for_many_spots_is_said(logdir, monkeypatch, capsys):
    assert "occlusion" in features(logdir)
    assert "--control occlusion" not in capsys.readouterr().out
    monkeypatch.setattr(spot_details, "OCCLUDED", 3)
    assert "occlusion" not in features(logdir)
    assert "--control occlusion" in capsys.readouterr().out


def test_a_sheet_shows_projections_beside_occlusion(logdir):
    """Each block has the projections and patches of the sheet without occlusion, and the occlusion between them."""
    features(logdir, "--control", "occlusion")
    folder = os.path.join(logdir, "features", "conv1-control=occlusion-maps=5,0-top=2")
    shown = images_of(folder)
    for tag in ("map 00", "map 05"):
        (_, plain), (_, wide) = shown[f"features/{tag}"], shown[f"occlusion/{tag}"]
        more = wide.shape[1] - plain.shape[1]
        end = plain.shape[1] - more
        np.testing.assert_array_equal(wide[:, :end], plain[:, :end])
        np.testing.assert_array_equal(wide[:, -more:], plain[:, -more:])
    features(logdir)
    assert os.path.exists(os.path.join(folder, "occlusion.png"))  # results without the comparison stand beside it


def deconv(logdir, folder, name, *more):
    """The arrays of `deconv --method occlusion` for one test digit."""
    Image.fromarray(mnist.load(SAMPLE).test.images[3].reshape(28, 28)).save(str(folder / f"{name}.png"))
    command = ["deconv", str(folder / f"{name}.png"), "--logdir", logdir, "--method", "occlusion", *more]
    assert __main__.main(command) == 0
    (found,) = (pathlib.Path(logdir) / "deconv").glob(f"{name}-occlusion-*")
    return read_npz(found, "deconv.npz")


def test_the_patch_decides_what_is_covered(logdir, folder):
    """The corner of a digit is black: a black cover changes nothing there, a white one does."""
    black, white = [
        deconv(logdir, folder, f"cover-{cover}", "--patch", "7", "--stride", "7", "--cover", cover)
        for cover in ("0", "255")
    ]
    for found in (black, white):
        patches = found["conv1/occlusion"].reshape(4, 7, 4, 7)
        assert (patches == patches[:, :1, :, :1]).all() and len(np.unique(patches)) > 1
    assert not black["conv1/occlusion"][:7, :7].any() and not black["class/occlusion"][:7, :7].any()
    assert white["conv1/occlusion"][:7, :7].all() and white["class/occlusion"][:7, :7].all()
    assert (black["class/covered"][:7, :7] == black["answers"].argmax()).all()


def test_deconv_of_single_maps_adds_up_to_the_layer(logdir, folder):
    """Half the sum of squares of all maps is the sum over the maps."""
    found = deconv(logdir, folder, "digit", "--layer", "conv1", "--maps", ",".join(map(str, range(32))))
    single = [found[f"conv1/map {number}/occlusion"] for number in range(32)]
    np.testing.assert_allclose(np.sum(single, axis=0), found["conv1/occlusion"], rtol=1e-3, atol=1e-3)
    assert all(found[f"conv1/map {number}, spot/occlusion"].shape == (28, 28) for number in range(32))
    assert not any(method in name for method in METHODS for name in found)


def test_a_graph_without_a_deconvnet_is_occluded(folder):
    model = model_of(lambda value: prelu(Maker(), value), (24, 18))
    (folder / "prelu.pb").write_bytes(model.graph_def.SerializeToString())
    features_of, deconv_of = [words(folder, command, "prelu.pb", "Conv2D") for command in ("features", "deconv")]
    assert __main__.main([*features_of, *RANGE, "--top", "2", "--method", "occlusion"]) == 0
    assert __main__.main([*deconv_of, *RANGE, "--method", "occlusion"]) == 0
    (results,) = [path for path in (folder / "log" / "graphs").iterdir() if (path / "features.npz").exists()]
    file = read_npz(results / "features.npz")
    there, falls = file["images"] >= 0, file["projections"]
    assert falls.shape[4] == 3 and (falls[..., :1] == falls).all()
    assert falls[there].any(axis=(1, 2, 3)).all()
    (shown,) = [path for path in (folder / "log" / "graphs").iterdir() if (path / "deconv.npz").exists()]
    assert list(images_of(str(shown))) == ["input", "Conv2D/maps", "Conv2D/occlusion", "picture"]


def test_a_projection_is_compared_with_its_occlusion(folder, capsys):
    """The numbers of one spot, from the published projection and the published occlusion."""
    command = [*words(folder, logdir="check"), *RANGE, "--maps", "2", "--top", "1", "--patch", "3"]
    assert __main__.main([*command, "--method", "occlusion"]) == 0
    assert __main__.main([*command, "--method", "guided", "--control", "occlusion"]) == 0
    assert "guided, random kernel" in capsys.readouterr().out
    found = {}
    for path in (folder / "check" / "graphs").iterdir():
        for file in path.glob("*.npz"):
            arrays = read_npz(file)
            found["falls" if str(arrays.get("method")) == "occlusion" else file.stem] = dict(arrays)
    falls, projection = [found[name]["projections"][0, :1] for name in ("falls", "features")]
    assert found["falls"]["places"].tolist() == found["features"]["places"].tolist()
    np.testing.assert_allclose(found["features"]["occlusion"][0, :1], falls, atol=1e-6)
    fields = [Field(*map(int, axis)) for axis in found["falls"]["receptive_field"]]
    magnitude = np.abs(projection).sum(axis=3)
    (expected,) = rank_correlations(falls[..., 0], magnitude, found["falls"]["places"][0, :1], fields)
    assert found["occlusion"]["guided"][0, 0, 0] == pytest.approx(expected, abs=1e-4)


BAD = [
    (["--method", "occlusion", "--control", "occlusion"], "--control: expected a projection method"),
    (["--method", "occlusion", "--patch", "19"], "--patch: expected at most 18"),
    (["--method", "occlusion", "--patch", "3", "--stride", "4"], "--stride: expected at most 3"),
    (["--method", "occlusion", "--cover", "0,300,0"], "--cover: expected pixel values from 0 to 255, found 0, 300, 0"),
    (["--method", "gradient", "--patch", "3"], "--patch: expected --method occlusion"),
    (["--cover", "mean"], "--cover: expected --method occlusion"),
    (["--method", "occlusion", "--control", "random"], "--control: expected a projection method"),
]


@pytest.mark.parametrize("more, expected", BAD, ids=[" ".join(more) for more, _ in BAD])
def test_patches_that_do_not_fit_are_refused(folder, capsys, more, expected):
    assert_refused(capsys, [*words(folder, logdir="none"), *RANGE, "--top", "2", *more], expected)
    assert not (folder / "none").exists()
