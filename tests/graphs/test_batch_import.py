"""A load imports the graph once, for several images; variables have their values in this import too."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.load import load_model, with_size
from tests.support import keras_models
from tests.support.graph_files import CONSTRUCTS, constant, images, run, variable, write_frozen, write_meta
from tests.support.saved_models import write_version_1, write_version_2


def channels_first(x):
    values = tf.transpose(x, [0, 3, 1, 2])
    values = tf.nn.conv2d(values, constant([3, 3, 3, 4]), [1, 1, 1, 1], "SAME", data_format="NCHW", name="conv")
    return tf.nn.max_pool(tf.nn.relu(values), [1, 1, 2, 2], [1, 1, 2, 2], "SAME", data_format="NCHW")


def reshaped(x):
    """Sizes that hold a batch of 1, and sizes that take any batch."""
    x = tf.reshape(CONSTRUCTS["residual"](tf.reshape(x, [1, 6, 24, 3])), [-1, 432])
    return tf.reshape(tf.reshape(x, [1, 432]), tf.shape(x))


def upsampled(x):
    """Sizes that the graph computes from that of the images."""
    x = tf.nn.relu(tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1, 2, 2, 1], "SAME"))
    x = tf.image.resize_nearest_neighbor(x, 2 * tf.shape(x)[1:3])
    return tf.nn.relu(tf.nn.conv2d(x, constant([3, 3, 4, 2]), [1, 1, 1, 1], "SAME"))


def with_variables(resource):
    def network(x):
        kernel = variable("kernel", [3, 3, 3, 4], use_resource=resource)
        return tf.nn.max_pool(tf.nn.relu(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME")), 2, 2, "SAME")

    return network


def saved(write):
    return lambda folder: (write(str(folder / "model")), str(folder / "model"))[1]


def keras_file(folder):
    keras_models.save(keras_models.plain, str(folder / "model"), images(2, 16, 16, 3))
    return str(folder / f"model{keras_models.suffixes()[0]}")


FILES = {
    "frozen": lambda folder: write_frozen(folder / "model.pb", CONSTRUCTS["residual"]),
    "frozen, one image": lambda folder: write_frozen(folder / "model.pb", reshaped, shape=(1, 12, 12, 3)),
    "frozen, images of any size": lambda folder: write_frozen(
        folder / "model.pb", CONSTRUCTS["residual"], shape=(None, None, None, 3)
    ),
    "computed sizes": lambda folder: write_frozen(folder / "model.pb", upsampled),
    "NCHW": lambda folder: write_frozen(folder / "model.pb", channels_first),
    "reference variables": lambda folder: write_meta(folder, with_variables(False))[0],
    "resource variables": lambda folder: write_meta(folder, with_variables(True))[0],
    "SavedModel of TensorFlow 1": saved(write_version_1),
    "SavedModel of TensorFlow 2": saved(write_version_2),
    "Keras": keras_file,
}


@pytest.fixture
def imported(monkeypatch):
    """The convolutions of all imports."""
    operations, import_graph_def = [], tf.import_graph_def

    def recording(graph_def, *args, **options):
        operations.extend(node.op for node in graph_def.node if "Conv2D" in node.op)
        return import_graph_def(graph_def, *args, **options)

    monkeypatch.setattr(tf, "import_graph_def", recording)
    return operations


def count_convolutions(model):
    return sum("Conv2D" in node.op for node in model.graph_def.node)


@pytest.mark.parametrize("kind", FILES)
def test_a_load_imports_the_convolutions_once(kind, tmp_path, imported):
    path = FILES[kind](tmp_path)
    del imported[:]  # writing a file may import too
    model = load_model(path)
    assert len(imported) == count_convolutions(model) > 0


def test_each_size_of_the_images_imports_once(tmp_path, imported):
    """Also if the graph computes sizes, which become constants of the graph for this size."""
    model = load_model(write_frozen(tmp_path / "model.pb", upsampled, shape=(None, None, None, 3)))
    del imported[:]
    sized = with_size(model, 10, 14)
    assert len(imported) == count_convolutions(model) == 2
    assert [layer.shape for layer in sized.layers] == [(5, 7, 4), (10, 14, 2)]
    feed = {"images": images(2, 10, 14, 3)}
    ends = [run(loaded.graph_def, loaded.layers[1].start, feed) for loaded in (model, sized)]
    np.testing.assert_array_equal(*ends)


@pytest.mark.parametrize("resource", [False, True])
@pytest.mark.parametrize("same", [False, True])
def test_values_of_variables_decide_whether_images_are_alike(same, resource, tmp_path):
    """A variable with a row for each of the seven images that the check assumes."""
    rows = np.repeat(constant([1, 1, 1, 3]), 7, 0) if same else constant([7, 1, 1, 3])

    def network(x):
        shifts = tf.get_variable("shifts", initializer=rows, use_resource=resource)
        return tf.nn.conv2d(tf.add(x, shifts * 2, name="shifted"), constant([3, 3, 3, 4]), [1, 1, 1, 1], "SAME")

    with tf.Graph().as_default(), tf.Session() as session:
        network(tf.placeholder(tf.float32, [None, 12, 12, 3], "images"))
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / "model")) + ".meta"
    if same:
        assert [layer.label for layer in load_model(path).layers] == ["Conv2D"]
    else:
        with pytest.raises(UserError) as refused:
            load_model(path)
        assert "shifted" in refused.value.subject
