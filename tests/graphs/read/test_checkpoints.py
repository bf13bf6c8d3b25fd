"""Loading a .meta file with its checkpoint, against the graph that was saved."""

import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.load import load_model
from tests.support.graph_files import constant, images, run, variable, write_meta

FEEDS = {"images": images(2, 12, 12, 3)}


def network(x, resource=False, partitioned=False):
    """Two layers, with what a training script adds: batch norm, dropout, summaries, an optimizer."""
    training = tf.placeholder(tf.bool, name="is_training")
    partitioner = tf.fixed_size_partitioner(2) if partitioned else None
    with tf.variable_scope("net", use_resource=resource, partitioner=partitioner):
        kernel = variable("kernel", [3, 3, 3, 4])
        first = tf.nn.relu(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME", name="conv1"), name="relu1")
        tf.summary.scalar("sparsity", tf.nn.zero_fraction(first))
        tf.summary.histogram("first", first)
        first = tf.nn.max_pool(first, [1, 2, 2, 1], [1, 2, 2, 1], "SAME", name="pool1")
        dropped = tf.cond(training, lambda: tf.nn.dropout(first, rate=0.5), lambda: tf.identity(first))
        last = tf.nn.conv2d(dropped, variable("kernel2", [3, 3, 4, 2]), [1, 1, 1, 1], "SAME", name="conv2")
        last = tf.nn.relu(last + variable("bias", [2]), name="relu2")
    tf.summary.merge_all()
    tf.train.AdamOptimizer().minimize(tf.reduce_mean(last))
    return last


def changed(path, change):
    """Rewrite a checkpoint without or with other variables, as `change` says."""
    prefix = path[: -len(".meta")]
    reader = tf.train.NewCheckpointReader(prefix)
    values = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    change(values)
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        saved = {name: tf.Variable(value, use_resource=False) for name, value in values.items()}
        session.run(tf.global_variables_initializer())
        tf.train.Saver(saved).save(session, prefix, write_meta_graph=False)


@pytest.mark.parametrize("options", [{}, {"resource": True}, {"partitioned": True}], ids=str)
def test_outputs_equal_those_of_the_trained_graph(options, tmp_path):
    path, expected = write_meta(tmp_path, lambda x: network(x, **options))
    model = load_model(path)
    np.testing.assert_array_equal(run(model.graph_def, model.layers[-1].start, FEEDS), expected)
    assert [(layer.label, layer.activation) for layer in model.layers] == [
        ("conv1", "net/relu1"),
        ("conv2", "net/relu2"),
    ]
    assert model.layers[0].start == "net/pool1"  # the summaries are no readers
    assert model.layers[1].parameters == 3 * 3 * 4 * 2 + 2
    assert {node.op for node in model.graph_def.node} <= {
        "Placeholder", "Const", "Identity", "Conv2D", "Relu", "MaxPool", "Add", "AddV2", "ConcatV2",
    }  # fmt: skip
    assert model.notes == ["The placeholder is_training is set to False, as at inference."]


def test_checkpoint_of_another_name(tmp_path):
    path, expected = write_meta(tmp_path, network)
    os.rename(path, str(tmp_path / "graph.meta"))
    model = load_model(str(tmp_path / "graph.meta"), checkpoint=path[: -len(".meta")])
    np.testing.assert_array_equal(run(model.graph_def, model.layers[-1].start, FEEDS), expected)
    with pytest.raises(UserError, match="graph: expected a TensorFlow checkpoint, found .*--checkpoint"):
        load_model(str(tmp_path / "graph.meta"))


def test_a_missing_variable_is_refused(tmp_path):
    path, _ = write_meta(tmp_path, network)
    changed(path, lambda values: values.pop("net/kernel2"))
    hint = "the checkpoint is of another model or incomplete: random weights are not shown"
    line = f"checkpoint {tmp_path / 'model'}: expected the variable net/kernel2, found none of that name; {hint}"
    with pytest.raises(UserError) as refused:
        load_model(path)
    assert str(refused.value) == line
    assert len(load_model(path, layer="conv1").layers) == 1  # which does not need it


def test_a_variable_of_another_shape_is_refused(tmp_path):
    path, _ = write_meta(tmp_path, network)
    changed(path, lambda values: values.update({"net/kernel2": np.zeros([3, 3, 4, 7], np.float32)}))
    hint = "the checkpoint is of another model: name the right one with --checkpoint"
    line = f"variable net/kernel2: expected shape [3, 3, 4, 2], found a value of shape [3, 3, 4, 7]; {hint}"
    with pytest.raises(UserError) as refused:
        load_model(path)
    assert str(refused.value) == line


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path, _ = write_meta(tmp_path, network)
    data = tmp_path / "model.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(UserError, match="^checkpoint .*model: expected the variable net/kernel.*; copy the checkpoint"):
        load_model(path)


@pytest.mark.parametrize("operation, parts", [("Saver", 1), ("Saver", 2), ("Restore", 1), ("RestoreSlice", 1)])
def test_checkpoints_of_format_1(operation, parts, tmp_path):
    """Format V1 with a key that is not the name of the variable, restored by a Saver or by the operations of old."""
    kernel = constant([3, 3, 3, 4])
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        x = tf.placeholder(tf.float32, [None, 12, 12, 3], "images")
        options = {"use_resource": False, "partitioner": tf.fixed_size_partitioner(parts, axis=3)}
        value = tf.get_variable("w", [3, 3, 3, 4], initializer=tf.zeros_initializer(), **options)
        pieces = list(value)
        end = tf.nn.conv2d(x, tf.convert_to_tensor(value), [1] * 4, "SAME", name="conv")
        saver = tf.train.Saver({"shadow/w": value}, write_version=tf.train.SaverDef.V1)
        for piece, part in zip(pieces, np.split(kernel, parts, 3)):
            session.run(piece.assign(part))
        prefix = saver.save(session, str(tmp_path / "model"))
        expected = session.run(end, {x: images(2, 12, 12, 3)})
    if operation != "Saver":
        with tf.Graph().as_default() as graph:
            x = tf.placeholder(tf.float32, [None, 12, 12, 3], "images")
            value = tf.get_variable("w", [3, 3, 3, 4], use_resource=False)
            tf.nn.conv2d(x, value, [1] * 4, "SAME", name="conv")
            slices = {"shape_and_slice": ""} if operation == "RestoreSlice" else {}
            restore = getattr(tf.raw_ops, operation)
            value.assign(restore(file_pattern="model", tensor_name="shadow/w", dt=tf.float32, **slices))
            (tmp_path / "model.meta").write_bytes(tf.MetaGraphDef(graph_def=graph.as_graph_def()).SerializeToString())
    model = load_model(prefix + ".meta")
    np.testing.assert_allclose(run(model.graph_def, "conv", {model.input: images(2, 12, 12, 3)}), expected, atol=1e-6)
