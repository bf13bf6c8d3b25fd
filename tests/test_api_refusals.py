"""The Python interface refuses arguments of another kind by name: no conversion, no traceback of TensorFlow."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import legacy_graph
from tests.support.graph_commands import write_graph_and_photos

LAYER = "Conv2D_1"
PIXELS = np.random.RandomState(0).randint(0, 256, (5, 24, 18, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return str(write_graph_and_photos(tmp_path_factory.mktemp("refusals")) / "two_layers.pb")


@pytest.fixture(scope="module")
def model(path):
    return legacy_graph.load_model(path, range=(-1, 1))


@pytest.mark.parametrize(
    "name, value",
    [
        ("range", "-1,1"), ("range", (0, float("nan"))), ("--range", (1, 1)), ("mean", "x"), ("mean", (1, 2)),
        ("bgr", "yes"), ("size", 8), ("size", (8.5, 8)),
        ("values", ["training"]), ("values", {"training": "False"}), ("input", 3), ("tags", 1),
    ],
)  # fmt: skip
def test_load_model(path, name, value):
    with pytest.raises(legacy_graph.UserError, match=f"^{name}: "):
        legacy_graph.load_model(path, **{"range": (-1, 1), name.lstrip("-"): value})


@pytest.mark.parametrize(
    "name, value",
    [
        ("layer", None), ("layer", ["Conv2D"]), ("images", None), ("images", 3), ("images", []),
        ("images", list(PIXELS)),
        ("top", 0), ("top", -1), ("top", 1.5), ("top", True), ("method", "guide"), ("method", ["guided"]), ("maps", []),
        ("maps", [1.7]), ("maps", "1"), ("maps", [[1, 2]]),
    ],
    ids=lambda value: str(value)[:10],
)  # fmt: skip
@pytest.mark.parametrize("method", ["top_activations", "sheet"])
def test_strongest_activations(model, method, name, value):
    with pytest.raises(legacy_graph.UserError, match=f"^{name}: "):
        getattr(model, method)(**{"layer": LAYER, "images": PIXELS, name: value})


def test_images_of_one_value(model):
    """Nothing can be ranked: a wrong range or wrong files are likely."""
    with pytest.raises(legacy_graph.UserError, match="^--images: .*-1 everywhere"):
        model.top_activations(LAYER, np.zeros_like(PIXELS))


@pytest.mark.parametrize(
    "name, value",
    [
        ("maps", 1.7), ("maps", True), ("places", (0.6, 0.6)), ("places", (-1, 0)), ("patch", 0), ("patch", 1.5),
        ("stride", 0), ("stride", -1), ("value", "black"), ("value", float("nan")), ("value", [None]),
        ("value", (1, 2)),
    ],
    ids=str,
)  # fmt: skip
def test_occlusion(model, name, value):
    with pytest.raises(legacy_graph.UserError, match=f"^{name}: "):
        model.occlude(**{"layer": LAYER, "images": PIXELS, "maps": 0, name: value})


def test_the_object_of_a_layer_is_refused(model):
    """Another model may have a layer of the same name."""
    with pytest.raises(legacy_graph.UserError, match="^layer: "):
        model.project(model.layers[0], PIXELS, 0)


def test_context_is_a_bool(model):
    with pytest.raises(legacy_graph.UserError, match="^context: expected True or False, found 'no'"):
        model.sheet(LAYER, PIXELS, context="no")


def test_from_session():
    """A tensor of another graph has the name of one here: its images would go into the wrong network."""
    with tf.Graph().as_default():
        other = tf.placeholder(tf.float32, [None, 8, 8, 3], "images")
    with tf.Graph().as_default(), tf.Session() as session:
        images = tf.placeholder(tf.float32, [None, 8, 8, 3], "images")
        kernel = tf.get_variable("kernel", [3, 3, 3, 4])
        tf.nn.relu(tf.nn.conv2d(images, kernel, [1, 1, 1, 1], "SAME"))
        session.run(tf.global_variables_initializer())
        for wrong in (other, None, 3, np.zeros([2, 8, 8, 3], np.float32)):
            with pytest.raises(legacy_graph.UserError, match="^images: "):
                legacy_graph.from_session(session, wrong)
        for wrong in ("image", "images:1", "images/"):
            with pytest.raises(legacy_graph.UserError, match=f"^images: .* such as images, found '{wrong}'; "):
                legacy_graph.from_session(session, wrong)
    for wrong in (session, None, session.graph):
        with pytest.raises(legacy_graph.UserError, match="^session: "):
            legacy_graph.from_session(wrong, images)


@pytest.mark.parametrize("places", [3, [[1], [2], [0], [0], [0]], [(0, 0)] * 4], ids=str)
def test_a_place_has_two_numbers(model, places):
    with pytest.raises(legacy_graph.UserError, match="^places: "):
        model.project(LAYER, PIXELS, 0, places)


@pytest.mark.parametrize(
    "images",
    [memoryview(PIXELS), {"a.png": 1}, np.ma.masked_greater(PIXELS, 9), np.array(3, np.uint8)],
    ids=["memoryview", "dictionary", "masked", "number"],
)
def test_what_is_no_array_of_images(model, images):
    with pytest.raises(legacy_graph.UserError, match="^images: "):
        model.project(LAYER, images, 0)


def test_a_path_that_does_not_exist(model):
    with pytest.raises(legacy_graph.UserError, match="nothing at 'photoes'"):
        model.project(LAYER, "photoes", 0)


@pytest.mark.parametrize("method", ["project", "occlude"])
@pytest.mark.parametrize("places", [None, (0, 0)])
@pytest.mark.parametrize("factor", [np.nan, 1e300])
def test_values_that_are_not_finite(path, method, places, factor):
    """A ReLU turns NaN into 0, so the layer does not show it. No warning of numpy, pytest makes it an error."""
    images = (PIXELS / 255.0) * np.where(np.arange(5) == 3, factor, 1)[:, None, None, None]
    with pytest.raises(legacy_graph.UserError, match=r"in image 3 \(counted from 0\)"):
        getattr(legacy_graph.load_model(path), method)(LAYER, images, 0, places)
