"""Receptive fields and the table of layers, against gradients and against counts by hand."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import network, receptive_field
from legacy_graph.article.layer import layers_up_to
from legacy_graph.article.receptive_field import Field, receptive_fields
from tests.support import second_network


def test_the_articles_fields_by_hand():
    """conv1: 5, pooled 6 every 2, from -2 on. conv2: 6 + 4 * 2 = 14, pooled 16 every 4, from -2 - 2 * 2 on."""
    with tf.Graph().as_default():
        layers = network.build().layers
    assert receptive_fields(layers, "conv1") == (Field(6, 2, -2),) * 2
    assert receptive_fields(layers, "conv2") == (Field(16, 4, -6),) * 2


def ones_like(layers):
    """The same shapes with kernels of ones and mean pools: the gradient reaches just what a place can see."""
    value = images = tf.placeholder(tf.float32, [1] + layers[0].input.shape.as_list()[1:])
    for layer in layers:
        kernel = tf.ones(layer.kernel.shape.as_list())
        value = tf.nn.conv2d(value, kernel, [1, layer.stride, layer.stride, 1], layer.padding)
        window = [1, layer.pool, layer.pool, 1]
        value = tf.nn.avg_pool(value, window, window, layer.pool_padding)
    return images, value


@pytest.mark.parametrize("which, name", [("article", "conv1"), ("article", "conv2")] + [
    ("second", shape.name) for shape in second_network.SHAPES
])  # fmt: skip
def test_a_place_sees_just_the_pixels_that_its_gradient_reaches(which, name):
    with tf.Graph().as_default(), tf.Session() as session:
        if which == "article":
            layers = network.build().layers
        else:
            pixels = tf.placeholder(tf.float32, [None, 13, 11, 3])
            layers = second_network.build(pixels, second_network.real_numbers(0))
        walked = layers_up_to(layers, name)
        images, value = ones_like(walked)
        assert value.shape.as_list()[1:] == walked[-1].output.shape.as_list()[1:]
        place = tf.placeholder(tf.int32, [2])
        reached = tf.gradients(value[0, place[0], place[1], 0], images)[0][0, :, :, 0]
        fields = receptive_fields(layers, name)
        for y, x in np.ndindex(*value.shape.as_list()[1:3]):
            found = session.run(reached, {images: np.zeros(images.shape.as_list()), place: [y, x]}) != 0
            expected = np.zeros_like(found)
            begins = [field.begin + at * field.step for field, at in zip(fields, (y, x))]
            rows, columns = [slice(max(0, begin), begin + field.size) for begin, field in zip(begins, fields)]
            expected[rows, columns] = True
            np.testing.assert_array_equal(found, expected, err_msg=str((y, x)))


def test_patches_by_hand():
    image = np.arange(1, 17).reshape(1, 4, 4)
    fields = (Field(2, 2, -1), Field(3, 2, 0))
    cut = receptive_field.crop_patches(np.concatenate([image] * 3), np.array([[0, 0], [1, 1], [2, 0]]), fields, 0)
    assert cut.tolist() == [
        [[0, 0, 0], [1, 2, 3]],  # a row above the image
        [[7, 8, 0], [11, 12, 0]],  # a column right of it
        [[13, 14, 15], [0, 0, 0]],  # a row below it
    ]


def test_a_patch_may_be_larger_than_the_image():
    cut = receptive_field.crop_patches(np.full([1, 2, 2], 5), np.array([[0, 0]]), (Field(6, 1, -2), Field(4, 1, -1)), 9)
    expected = np.full([6, 4], 9)
    expected[2:4, 1:3] = 5
    np.testing.assert_array_equal(cut[0], expected)
