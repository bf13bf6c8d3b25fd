"""Loading SavedModels of TensorFlow 1 and 2, against what they compute."""

import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tensorflow.compat.v2 as tf2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.eager import context

from legacy_graph.errors import UserError
from legacy_graph.graphs.load import load_model
from tests.support.graph_files import constant, images, run, variable

IMAGES = images(2, 12, 12, 3)
FEEDS = {"images": IMAGES}


def write_version_1(folder):
    """A SavedModel of a session; returns the value of its output."""
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        x = tf.placeholder(tf.float32, [None, 12, 12, 3], "images")
        kernel = variable("kernel", [3, 3, 3, 4], use_resource=False)
        y = tf.nn.relu(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME", name="conv"), name="relu")
        session.run(tf.global_variables_initializer())
        tf.saved_model.simple_save(session, folder, {"x": x}, {"y": y})
        return session.run(y, {x: IMAGES})


class Network(tf2.Module):
    """A module whose functions call each other, as those of Keras layers do."""

    def __init__(self):
        super().__init__()
        self.first = tf2.Variable(constant([3, 3, 3, 4]), name="first")
        self.second = tf2.Variable(constant([3, 3, 4, 2], 1), name="second")

    @tf2.function
    def layer(self, x, kernel, name):
        with tf2.name_scope(name):
            return tf2.nn.relu(tf2.nn.conv2d(x, kernel, 1, "SAME"))

    @tf2.function(input_signature=[tf2.TensorSpec([None, 12, 12, 3], tf2.float32, name="images")])
    def serve(self, x):
        return {"y": self.layer(self.layer(x, self.first, "one"), self.second, "two")}


def write_version_2(folder):
    """A SavedModel of a module; returns the value of its output."""
    with context.eager_mode():
        network = Network()
        tf2.saved_model.save(network, folder, signatures={"serving_default": network.serve, "other": network.serve})
        return network.serve(tf2.constant(IMAGES))["y"].numpy()


@pytest.mark.parametrize("write, labels", [(write_version_1, ["conv"]), (write_version_2, ["one", "two"])])
def test_outputs_equal_those_of_the_saved_model(write, labels, tmp_path):
    folder = str(tmp_path / "model")
    expected = write(folder)
    model = load_model(folder)
    assert [layer.label.split("/")[-1] for layer in model.layers] == labels
    np.testing.assert_array_equal(run(model.graph_def, model.layers[-1].start, {model.input: IMAGES}), expected)
    assert not model.graph_def.library.function
    assert {node.op for node in model.graph_def.node} == {"Placeholder", "Const", "Identity", "Conv2D", "Relu"}


def test_signatures_are_listed(tmp_path):
    folder = str(tmp_path / "model")
    expected = write_version_2(folder)
    model = load_model(folder, signature="other")
    np.testing.assert_array_equal(run(model.graph_def, model.layers[-1].start, {model.input: IMAGES}), expected)
    with pytest.raises(UserError) as refused:
        load_model(folder, signature="x")
    line = f"{folder}: expected a signature out of other, serving_default, found x; name one with --signature"
    assert str(refused.value) == line


@pytest.mark.parametrize("write", [write_version_1, write_version_2])
def test_without_its_variables_it_is_refused(write, tmp_path):
    folder = tmp_path / "model"
    write(str(folder))
    shutil.rmtree(str(folder / "variables"))
    prefix = folder / "variables" / "variables"
    with pytest.raises(UserError, match=f"^{prefix}: expected .* found .*; the directory is incomplete: copy it again"):
        load_model(str(folder))


def test_its_graph_file_alone_is_refused(tmp_path):
    folder = tmp_path / "model"
    write_version_1(str(folder))
    with pytest.raises(UserError) as refused:
        load_model(str(folder / "saved_model.pb"))
    assert str(refused.value).endswith(f"found the graph file of a SavedModel; name its directory, {folder}")


def test_a_restore_operation_that_writes_is_refused(tmp_path):
    write_version_1(str(tmp_path / "model"))
    file = tmp_path / "model" / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    meta_graph = model.meta_graphs[0]
    with tf.Graph().as_default() as graph:
        tf.io.write_file(str(tmp_path / "written"), "x", name="evil")
    meta_graph.graph_def.node.extend(graph.as_graph_def().node)
    restore = next(node for node in meta_graph.graph_def.node if node.name == meta_graph.saver_def.restore_op_name)
    restore.input.append("^evil")
    file.write_bytes(model.SerializeToString())
    with pytest.raises(UserError) as refused:
        load_model(str(tmp_path / "model"))
    line = "operation WriteFile (evil): expected a restore operation that only reads the checkpoint, found WriteFile; "
    assert str(refused.value) == line + "the model is not safe to load"
    assert not (tmp_path / "written").exists()
