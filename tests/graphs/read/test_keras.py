"""Keras files: the graph computes what the model predicts; weights alone, code and several inputs are refused."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.load import load_model
from legacy_graph.graphs.read import read_source
from tests.support import graph_files, keras_models

IMAGES = np.random.RandomState(1).uniform(0, 1, [3, *keras_models.SHAPE]).astype("f")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """(folder, {name: prediction}) of all models, saved in each format."""
    folder = tmp_path_factory.mktemp("keras")
    return folder, {
        name: keras_models.save(build, str(folder / name), IMAGES) for name, build in keras_models.MODELS.items()
    }


@pytest.mark.parametrize("suffix", keras_models.suffixes())
@pytest.mark.parametrize("name", keras_models.MODELS)
def test_the_graph_computes_what_the_model_predicts(saved, name, suffix):
    folder, predictions = saved
    found, expected = keras_models.run_file(str(folder / (name + suffix)), IMAGES), predictions[name]
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("suffix", keras_models.suffixes())
def test_layers_have_the_names_of_the_model(saved, suffix):
    model = load_model(str(saved[0] / ("plain" + suffix)))
    assert [(layer.label, layer.shape, layer.parameters) for layer in model.layers] == [
        ("c1", (7, 7, 4), 3 * 3 * 3 * 4 + 4),
        ("c2", (7, 7, 5), 3 * 3 * 4 * 5 + 5),
        ("classes", (1, 1, 3), 7 * 7 * 5 * 3 + 3),
    ]


@pytest.mark.parametrize("suffix", keras_models.suffixes())
def test_numbered_labels_are_names_of_layers(tmp_path, suffix):
    with keras_models.keras_session():
        model = keras_models.default_names()
        model.save(str(tmp_path / ("model" + suffix)))
        channels = {layer.name: layer.filters for layer in model.layers if hasattr(layer, "filters")}
    found = {layer.label: layer.shape[2] for layer in load_model(str(tmp_path / ("model" + suffix))).layers}
    assert len(channels) == 4 and len(found) == 5
    assert {label: found[label] for label in channels} == channels


@pytest.mark.parametrize("suffix", keras_models.suffixes())
def test_a_file_is_read_inside_a_graph(saved, suffix):
    with tf.Graph().as_default():
        assert len(load_model(str(saved[0] / ("plain" + suffix))).layers) == 3


def test_the_name_of_the_file_does_not_matter(saved, tmp_path):
    path = tmp_path / "network.model"
    path.write_bytes((saved[0] / "plain.h5").read_bytes())
    assert len(load_model(str(path)).layers) == 3


def test_settings_that_only_training_needs_are_ignored(saved, tmp_path):
    """A file of Keras 2 has initializers with a dtype, and an optimizer with "lr"; Keras 3 knows neither."""
    import h5py

    path = tmp_path / "old.h5"
    path.write_bytes((saved[0] / "plain.h5").read_bytes())
    with h5py.File(str(path), "a") as file:
        file.attrs["training_config"] = b'{"optimizer_config": {"class_name": "Adam", "config": {"lr": 0.1}}}'
    assert len(load_model(str(path)).layers) == 3


@pytest.mark.parametrize(
    "name, activation",
    [("relu6", lambda value: np.clip(value, 0, 6)), ("swish", lambda value: value / (1 + np.exp(-value)))],
)
def test_activations_of_another_keras(saved, tmp_path, name, activation):
    import h5py

    path = tmp_path / "model.h5"
    path.write_bytes((saved[0] / "plain.h5").read_bytes())
    with h5py.File(str(path), "a") as file:
        config = file.attrs["model_config"]
        text = config if isinstance(config, str) else config.decode()
        file.attrs["model_config"] = text.replace('"relu"', f'"{name}"').encode()
    model = load_model(str(path))
    linear = next(node.name for node in model.graph.by_name.values() if node.op == "BiasAdd")
    feed = {model.input: np.random.RandomState(0).normal(0, 9, (2, *keras_models.SHAPE))}
    values = [graph_files.run(model.graph_def, end, feed) for end in (linear, model.layers[0].activation)]
    np.testing.assert_allclose(values[1], activation(values[0]), atol=1e-5 * np.abs(values[0]).max())


def test_settings_that_change_nothing_are_ignored(tmp_path):
    """Of Keras 2.1 to 2.15: the layers as a list, one group of channels, no shape of the noise, and so on."""
    import h5py

    path = tmp_path / "old.h5"
    with keras_models.keras_session():
        model = keras_models.in_groups()
        model.save(str(path))
    with h5py.File(str(path), "a") as file:
        file.attrs["model_config"] = keras_models.old_config(model).encode()
        file.attrs["keras_version"] = "2.11.0"
    labels = [layer.label.split("/")[0] for layer in load_model(str(path)).layers]
    assert {"depthwise", "transposed", "separable"} <= set(labels)


@pytest.mark.parametrize(
    "build, write, options",
    [
        (keras_models.called_twice, keras_models.called_twice_config, {"is_built": True}),
        (keras_models.called_twice, keras_models.called_twice_config, {"is_built": False}),
        (keras_models.on_top, keras_models.on_top_config, {}),
    ],
    ids=["called twice", "called twice, built by the first call", "on top"],
)
def test_nested_models_of_keras_2(build, write, options, tmp_path):
    """The values are those that the model of this Keras predicts."""
    import h5py

    expected = keras_models.save(lambda: build(**options), str(tmp_path / "model"), IMAGES)
    with h5py.File(str(tmp_path / "model.h5"), "a") as file:
        file.attrs.update(model_config=write(**options).encode(), keras_version="2.2.4-tf")
    found = keras_models.run_file(str(tmp_path / "model.h5"), IMAGES)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    "build, named", [(keras_models.two_inputs, "one, other"), (keras_models.with_lambda, "twice (Lambda)")]
)
def test_what_cannot_be_shown_is_refused_by_name(tmp_path, build, named):
    with keras_models.keras_session():
        build().save(str(tmp_path / "model.h5"))
    with pytest.raises(UserError) as caught:
        read_source(str(tmp_path / "model.h5"))
    assert named in caught.value.found


def test_weights_alone_are_recognised(saved, tmp_path):
    import h5py

    path = tmp_path / "weights.h5"
    path.write_bytes((saved[0] / "plain.h5").read_bytes())
    with h5py.File(str(path), "a") as file:
        del file.attrs["model_config"]
    with pytest.raises(UserError) as caught:
        read_source(str(path))
    assert "weights" in caught.value.found


def test_a_truncated_file_is_named(saved, tmp_path):
    path = tmp_path / "cut.h5"
    path.write_bytes((saved[0] / "plain.h5").read_bytes()[:5000])
    with pytest.raises(UserError) as caught:
        read_source(str(path))
    assert caught.value.hint == "copy it again"


def test_the_images_may_be_integers(tmp_path):
    """Keras casts what it gets to the type of the input. After a cast from float32 to uint8 there is no gradient."""
    path = str(tmp_path / "model.h5")
    with keras_models.keras_session():
        keras_models.integers().save(path)
    assert [layer.label for layer in load_model(path).layers] == ["c1"]
