"""可能遇到的问题: what TensorFlow says to the article's mistakes on this version, and what we say before it."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article.shapes import ORDER, ShapeError, conv2d_transpose, dims
from tests.support.program import ROOT
from tests.support.shape_mistakes import FED, MISTAKES

SAME_BATCH = "must have the same batch size", "running"
SWAPPED = "Dimensions must be equal, but are 64 and 32 for .*Conv2DBackpropInput", "building"
# What TensorFlow 1.15 says, whose wheels have no oneDNN; 2.21 without oneDNN; 2.21 with it.
SAYS = {
    "batch not known": (SAME_BATCH, SAME_BATCH, ("could not create a primitive descriptor", "running")),
    "kernel": (("Check failed: iz % kz == 0", "ended"), SWAPPED, SWAPPED),
    "channels": (("", "runs"), ("Gradients for grouped convolutions are not supported", "running"), ("", "runs")),
}


def said(onednn):
    """What TensorFlow says to the mistakes of `SAYS`, in child processes: {name: (words, when)}."""
    environment = dict(os.environ, PYTHONPATH=ROOT, TF_ENABLE_ONEDNN_OPTS=onednn)
    answers, left = {}, list(SAYS)
    while left:
        command = [sys.executable, "-W", "ignore", "-m", "tests.support.shape_mistakes", *left]
        child = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
        for line in child.stdout.splitlines():
            name, *answer = json.loads(line)
            answers[name] = tuple(answer) or (child.stderr, "ended")
        assert answers, child.stderr
        left = [name for name in left if name not in answers]
    return answers


@pytest.mark.parametrize("onednn", ["0"] if tf.__version__.startswith("1.") else ["0", "1"])
def test_what_tensorflow_says(onednn):
    column = 0 if tf.__version__.startswith("1.") else 1 + int(onednn)
    for mistake, (found, when) in said(onednn).items():
        words, expected = SAYS[mistake][column]
        assert when == expected, mistake
        assert re.search(words, found, re.DOTALL), mistake


# argument that is named, the two numbers, the mend
OURS = {
    "batch not known": ("output_shape", "batch is 1", "not known while the graph is built", "tf.shape(value)[0]"),
    "batch known": ("output_shape", "batch is 1", "value is 50", "tf.shape(value)[0]"),
    "kernel": ("kernel", "64 channels", "32 in_channels", "swap them: [5, 5, 32, 64]"),
    "kernel not known": ("kernel", "set_shape"),
    "channels": ("output_shape", "channels are 64", "32 output_channels", "write 32"),
}


@pytest.mark.parametrize("mistake", sorted(MISTAKES))
def test_we_say_it_first(mistake):
    value_shape, kernel_shape, output_shape, known = MISTAKES[mistake]
    with tf.Graph().as_default():
        value = tf.placeholder(tf.float32, value_shape)
        kernel = tf.placeholder(tf.float32, kernel_shape if known else [None] * 4)
        with pytest.raises(ShapeError) as caught:
            conv2d_transpose(value, kernel, output_shape)
    for words in OURS[mistake] + ("[batch, height, width, output_channels]" if "batch" in mistake else ORDER,):
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("fed", [1, 7, FED])
def test_the_mended_call_runs_with_any_batch(fed):
    with tf.Graph().as_default(), tf.Session() as session:
        value = tf.placeholder(tf.float32, [None, 14, 14, 64])
        kernel = tf.placeholder(tf.float32, [5, 5, 32, 64])
        output = conv2d_transpose(value, kernel, [tf.shape(value)[0], 14, 14, 32])
        assert output.shape.as_list() == [None, 14, 14, 32]
        got = session.run(output, {value: np.ones([fed, 14, 14, 64], "f"), kernel: np.ones([5, 5, 32, 64], "f")})
    assert got.shape == (fed, 14, 14, 32)
    assert (got[:, 7, 7] == 25 * 64).all()  # far from the border every output sees 5 x 5 places of 64 channels


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"output_shape": [50, 27, 28, 1], "stride": 2}, ()),  # 27 and 28 both become 14
        ({"output_shape": [50, 29, 28, 1], "stride": 2}, ("height is 29", "turns into 15", "value is 14")),
        ({"output_shape": [50, 28, 14, 1], "stride": 2}, ("width is 14", "turns into 7", "value is 14")),
        ({"output_shape": [50, 18, 18, 1], "padding": "VALID"}, ()),
        ({"output_shape": [50, 14, 14, 1], "padding": "VALID"}, ("height is 14", "turns into 10", "value is 14")),
    ],
)
def test_sides_are_checked_as_the_convolution_makes_them(arguments, words):
    with tf.Graph().as_default():
        value, kernel = tf.zeros([50, 14, 14, 32]), tf.zeros([5, 5, 1, 32])
        if words:
            with pytest.raises(ShapeError) as caught:
                conv2d_transpose(value, kernel, **arguments)
            assert all(word in str(caught.value) for word in words)
        else:
            with tf.Session() as session:
                made = session.run(conv2d_transpose(value, kernel, **arguments))
            assert list(made.shape) == arguments["output_shape"]


def test_a_constant_tensor_is_no_hiding_place():
    with tf.Graph().as_default():
        value, kernel = tf.placeholder(tf.float32, [None, 14, 14, 32]), tf.zeros([5, 5, 1, 32])
        with pytest.raises(ShapeError, match="batch is 1"):
            conv2d_transpose(value, kernel, [tf.constant(1), 28, 28, 1], stride=2)


@pytest.mark.parametrize("output_shape", [[28, 28, 1], [50, 28, 28, 1, 1]])
def test_output_shape_has_four_numbers(output_shape):
    with tf.Graph().as_default(), pytest.raises(ShapeError, match="expected a list of four"):
        conv2d_transpose(tf.zeros([50, 14, 14, 32]), tf.zeros([5, 5, 1, 32]), output_shape, stride=2)


@pytest.mark.parametrize("argument", ["value", "kernel"])
def test_four_dimensions_are_asked_for_by_name(argument):
    shapes = {"value": [50, 14, 14, 32], "kernel": [5, 5, 1, 32]}
    shapes[argument] = shapes[argument][1:]
    with tf.Graph().as_default(), pytest.raises(ShapeError, match="^" + argument + ": expected a tensor of four"):
        conv2d_transpose(tf.zeros(shapes["value"]), tf.zeros(shapes["kernel"]), [50, 28, 28, 1], stride=2)


def test_dims_are_numbers_where_they_are_known():
    with tf.Graph().as_default(), tf.Session() as session:
        tensor = tf.placeholder(tf.float32, [None, 28, None, 3])
        batch, height, width, channels = dims(tensor)
        assert (height, channels) == (28, 3)
        assert session.run([batch, width], {tensor: np.zeros([5, 28, 9, 3])}) == [5, 9]
        assert dims(tf.zeros([2, 3])) == [2, 3]


SPELLINGS = [
    (lambda call, x, k: call(x, k, SHAPE, [1, 2, 2, 1], "SAME", "NHWC", "back")),
    (lambda call, x, k: call(x, k, SHAPE, 2)),
    (lambda call, x, k: call(x, k, SHAPE, [2, 2])),
    (lambda call, x, k: call(value=x, filter=k, output_shape=SHAPE, strides=[1, 2, 2, 1], padding="SAME")),
    (lambda call, x, k: call(input=x, filters=k, output_shape=SHAPE, strides=2, data_format="NHWC")),
]
SHAPE = [2, 8, 6, 3]


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_tensorflows_own_arguments_give_its_own_result(spelled):
    """`tf.nn.conv2d_transpose` itself is the truth; the function replaces it in a program without other changes."""
    random = np.random.RandomState(0)
    with tf.Graph().as_default(), tf.Session() as session:
        value = tf.constant(random.normal(size=[2, 4, 3, 5]), tf.float32)
        kernel = tf.constant(random.normal(size=[3, 3, 3, 5]), tf.float32)
        expected = tf.nn.conv2d_transpose(value, kernel, SHAPE, [1, 2, 2, 1], "SAME")
        found = [spelled(conv2d_transpose, value, kernel)]
        found.append(conv2d_transpose(value, kernel, SHAPE, stride=2))  # our name for it
        for one, truth in zip(session.run(found), [session.run(expected)] * 2):
            np.testing.assert_array_equal(one, truth)


def test_channels_second_and_unequal_strides_are_checked():
    with tf.Graph().as_default():
        value, kernel = tf.zeros([2, 5, 4, 3]), tf.zeros([3, 3, 3, 5])
        built = conv2d_transpose(value, kernel, [2, 3, 8, 9], [1, 1, 2, 3], "SAME", "NCHW")
        assert built.shape.as_list() == [2, 3, 8, 9]
        with pytest.raises(ShapeError, match="height is 9"):
            conv2d_transpose(value, kernel, [2, 3, 9, 9], [1, 1, 2, 3], "SAME", "NCHW")
        for wrong in (
            {"filter": kernel},
            {"dilation": 2},
        ):
            with pytest.raises(TypeError):
                conv2d_transpose(value, kernel, [2, 3, 8, 9], **wrong)
        with pytest.raises(ValueError, match="strides"):
            conv2d_transpose(value, kernel, [2, 3, 8, 9], [2, 1, 1, 1])


@pytest.mark.parametrize(
    "argument, value",
    [("strides", 0), ("strides", "1"), ("strides", 1.0), ("padding", "same"), ("data_format", "nhwc")],
)
def test_an_argument_of_another_kind_is_refused_by_name(argument, value):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=f"^{argument}: "):
        conv2d_transpose(tf.ones([1, 4, 4, 2]), tf.ones([3, 3, 1, 2]), [1, 4, 4, 1], **{argument: value})


def test_arrays_are_taken_as_by_tensorflow():
    value, kernel = np.ones([1, 4, 4, 2], np.float32), np.ones([3, 3, 1, 2], np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        ours = conv2d_transpose(value, kernel, np.array([1, 4, 4, 1]), np.int64(1))
        theirs = tf.nn.conv2d_transpose(value, kernel, [1, 4, 4, 1], [1, 1, 1, 1])
        np.testing.assert_array_equal(*session.run([ours, theirs]))
