"""The article's network, saved and loaded again as if someone else had trained it."""

import os

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.article.dense import all_layers
from legacy_graph.article.receptive_field import Field, receptive_fields
from legacy_graph.graphs.load import load_model
from tests.support.graph_files import images, plain_session, run


def test_frozen_and_meta_graph_equal_the_network(tmp_path):
    digits = images(3, 784)
    with tf.Graph().as_default() as graph, plain_session(graph) as session:
        net = network.build()
        session.run(tf.global_variables_initializer())
        prefix = tf.train.Saver().save(session, os.path.join(str(tmp_path), "model"))
        outputs = [layer.output for layer in all_layers(net)]
        expected = session.run(outputs, {"input/images:0": digits, "input/keep_prob:0": 1.0})
        fields = [receptive_fields(net.layers, layer.name) for layer in net.layers]
        names = [net.probabilities.op.name]
        frozen = tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), names)
    (tmp_path / "model.pb").write_bytes(frozen.SerializeToString())
    for path in (f"{prefix}.meta", str(tmp_path / "model.pb")):
        model = load_model(path)
        assert model.input_shape == (28, 28, 1)
        assert [layer.label for layer in model.layers] == ["conv1", "conv2", "fc1", "fc2"]
        assert [layer.start for layer in model.layers[:2]] == [output.op.name for output in outputs[:2]]
        assert [layer.fields for layer in model.layers] == [*fields, *[(Field(28, 0, 0),) * 2] * 2]
        assert [layer.parameters for layer in model.layers] == [832, 51264, 3212288, 10250]
        for layer, value in zip(model.layers, expected):
            feeds = {model.input: digits.reshape(3, 28, 28, 1)}
            np.testing.assert_array_equal(run(model.graph_def, layer.start, feeds), value)
