"""Convolutions that depend on the output of an update of a variable are named, never left out in silence."""

import pytest
import tensorflow.compat.v1 as tf

import legacy_graph
from legacy_graph.errors import UserError
from tests.support.graph_files import plain_session, variable


def quantize(x, name):
    """Train a quantization: limits that each step moves, as `tf.contrib.quantize.create_training_graph` adds them."""
    limits = []
    for kind, value in (("min", tf.reduce_min(x)), ("max", tf.reduce_max(x))):
        limit = variable(f"{name}/{kind}", [], use_resource=False)
        limits.append(tf.assign(limit, limit * 0.9 + value * 0.1, name=f"{name}/assign_{kind}"))
    return tf.quantization.fake_quant_with_min_max_vars(x, *limits)


def notes(quantized, train=False, scope=""):
    """The labels and notes of three convolutions, of which those with these numbers read a quantized tensor."""
    with tf.Graph().as_default() as graph, plain_session(graph) as session:
        x = images = tf.placeholder(tf.float32, [None, 8, 8, 3], "images")
        for number in range(3):
            x = quantize(x, f"quant{number}") if number in quantized else x
            weights = variable(f"kernel{number}", [3, 3, int(x.shape[-1]), 4])
            x = tf.nn.relu(tf.nn.conv2d(x, weights, [1] * 4, "SAME", name=f"{scope}conv{number}"))
        if train:
            tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_mean(x))
        session.run(tf.global_variables_initializer())
        model = legacy_graph.from_session(session, images).loader.load()
        return [layer.label for layer in model.layers], model.notes


@pytest.mark.parametrize("train", [False, True])
def test_convolutions_after_an_update_are_counted(train):
    labels, (note,) = notes([1, 2], train)
    assert labels == ["conv0"]
    assert note.startswith("The layers conv1 and 1 more are left out: operation Assign (quant1/assign_m")


def test_the_name_of_a_gradient_hides_no_convolution():
    labels, (note,) = notes([1, 2], True, "image_grad/")
    assert len(labels) == 1 and "conv1 and 1 more are left out" in note


def test_one_convolution_after_an_update_is_named():
    labels, (note,) = notes([2])
    assert labels == ["conv0", "conv1"] and "layer conv2 is left out" in note


@pytest.mark.parametrize("train", [False, True])
def test_no_convolution_without_an_update(train):
    with pytest.raises(UserError) as refused:
        notes([0], train)
    assert refused.value.subject.startswith("operation Assign (quant0/assign_m")


def test_updates_beside_the_model_need_no_note():
    assert notes([], train=True) == (["conv0", "conv1", "conv2"], [])
