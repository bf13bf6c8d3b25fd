"""The view "Your network": the part of a large picture that is shown of a spot, against `tf.gradients` and numpy."""

import io

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from legacy_graph.board.graph_network import GraphNetwork
from legacy_graph.board.open_graph import Asked
from legacy_graph.commands.graph_model import open_graph
from legacy_graph.commands.tensorboard import split_words
from tests.board.site import pixels
from tests.support.graph_models import Maker, ends, model_of

SIDES = (150, 140)


def deep(value):
    """A layer whose field is the complete picture; where a black picture has no signal, it has no gradient."""
    make = Maker()
    value = tf.nn.relu(tf.nn.conv2d(value, make.constant(3, 3, 3, 4), 2, "SAME"))  # no bias: 0 stays 0
    return ends(make.convolve(tf.reduce_mean(value, [1, 2], keepdims=True), 6, window=1))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """(the picture, the answer, the gradient of the strongest value times this value)."""
    path = tmp_path_factory.mktemp("graph") / "model.pb"
    path.write_bytes(model_of(deep, SIDES).graph_def.SerializeToString())
    photo = np.zeros((*SIDES, 3), np.uint8)
    photo[40:60, 90:110] = np.random.RandomState(1).randint(100, 256, (20, 20, 3))
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "PNG")
    words = ["--graph", str(path), "--range", "0,1"]
    answer = GraphNetwork(open_graph(split_words(words)[0])).read(
        file.getvalue(), Asked("Conv2D_1", None, "gradient", "activation", 0)
    )
    with tf.Graph().as_default():
        images = tf.placeholder(tf.float32, [None, *SIDES, 3])
        output = deep(images).start[0, 0, 0]
        back = tf.gradients(output[answer["map"]], images)[0][0]
        with tf.Session() as session:
            values, back = session.run([output, back], {images: photo[None] / np.float32(255)})
    assert answer["map"] == values.argmax() and answer["activation"] == pytest.approx(values.max(), rel=1e-5)
    return photo, answer, back


def test_a_window_of_a_large_field_is_shown_with_its_place(found):
    photo, answer, back = found
    (top, height), (left, width) = answer["frame"]
    window = slice(top, top + height), slice(left, left + width)
    assert max(height, width) <= 0.8 * min(SIDES)
    assert answer["energy"] == pytest.approx((back[window] ** 2).sum() / (back**2).sum(), rel=1e-4)
    assert pixels(answer["input"]).shape == photo.shape and pixels(answer["patch"]).shape == (height, width, 3)


def test_the_window_is_drawn_as_a_magnitude_over_a_darker_patch(found):
    photo, answer, back = found
    (top, height), (left, width) = answer["frame"]
    window = slice(top, top + height), slice(left, left + width)
    magnitude = np.sqrt((back[window].astype(float) ** 2).sum(2))
    scale = np.percentile(magnitude[magnitude > 0], 98)
    assert answer["drawn"] == "magnitude" and answer["scale"] == pytest.approx(scale, rel=1e-4)
    expected = 255 * np.clip(magnitude / scale, 0, 1)
    assert np.abs(pixels(answer["projection"])[..., 0] - expected).max() <= 1
    patch = pixels(answer["patch"])
    assert (patch <= photo[window]).all() and patch.any()
