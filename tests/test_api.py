"""The Python interface: the same results as the commands, as TensorFlow alone, and from an open session."""

import io
import itertools

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

import legacy_graph
from legacy_graph import __main__
from tests.support.graph_commands import RANGE, words, write_graph_and_photos
from tests.support.published import read_npz

LAYER = "Conv2D_1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_graph_and_photos(tmp_path_factory.mktemp("api"))


@pytest.fixture(scope="module")
def model(folder):
    return legacy_graph.load_model(str(folder / "two_layers.pb"), range=(-1, 1))


@pytest.fixture(scope="module")
def photos(folder):
    """The pictures as the commands crop and scale them."""
    return legacy_graph.load_model(str(folder / "two_layers.pb"), range=(0, 255)).target(
        LAYER, str(folder / "photos")
    ).images.take(range(5))  # fmt: skip


def test_results_equal_those_of_the_command(folder, model):
    assert __main__.main([*words(folder, logdir="log"), *RANGE, "--top", "3", "--method", "guided"]) == 0
    (published,) = (folder / "log" / "graphs").iterdir()
    spots = model.top_activations(LAYER, str(folder / "photos"), top=3, method="guided")
    arrays = read_npz(published / "features.npz")
    for name in ("maps", "wins", "images", "places", "activations", "projections"):
        np.testing.assert_array_equal(getattr(spots, name), arrays[name], name)
    sheet = model.sheet(LAYER, str(folder / "photos"), top=3, method="guided")
    np.testing.assert_array_equal(sheet, np.asarray(Image.open(str(published / "features.png"))))
    np.testing.assert_array_equal(sheet, np.asarray(Image.open(io.BytesIO(sheet._repr_png_()))))


def test_layers_print_as_the_table_of_the_command(folder, model, capsys):
    assert __main__.main(["layers", "--graph", str(folder / "two_layers.pb")]) == 0
    assert capsys.readouterr().out == f"{model.layers}\n"
    assert [layer.label for layer in model.layers] == ["Conv2D", "Conv2D_1"]


def test_a_projection_is_the_gradient_of_its_activation(folder, model, photos):
    """By `tf.gradients` of one number of the file's graph: the product of gradient and activation."""
    fed = photos / 127.5 - 1
    found = model.project(
        LAYER, [str(folder / "photos" / f"{number}.png") for number in range(5)], 4, method="gradient"
    )
    spots = model.top_activations(LAYER, str(folder / "photos"), top=5, method="gradient", maps=[4])
    with tf.Graph().as_default() as graph:
        graph_def = tf.GraphDef.FromString((folder / "two_layers.pb").read_bytes())
        names = ["pixels:0", model.layers[1].start + ":0"]
        images, output = tf.import_graph_def(graph_def, name="", return_elements=names)
        place = tf.placeholder(tf.int32, [2])
        activation = output[0, place[0], place[1], 4]
        projection = activation * tf.gradients(activation, images)[0][0]
    with tf.Session(graph=graph) as session:
        for number, (y, x) in enumerate(found.places):
            output_, expected = session.run([output, projection], {images: fed[[number]], place: (y, x)})
            assert output_[0, y, x, 4] == output_[0, :, :, 4].max()
            np.testing.assert_allclose(found.projections[number], expected, atol=1e-5)
            rank = np.flatnonzero(spots.images[0] == number)
            np.testing.assert_allclose(spots.activations[0][rank], output_[0, y, x, 4], rtol=1e-5)


def test_a_fall_is_the_difference_of_two_runs(folder, model, photos):
    """Patches side by side: each pixel has the fall under the one patch that covers it."""
    pixels = photos.astype(np.uint8)
    found = model.occlude(LAYER, pixels, range(5), patch=8, stride=8, value=[0, 128, 255])
    np.testing.assert_array_equal(found.places, model.project(LAYER, pixels, range(5)).places)
    with tf.Graph().as_default() as graph:
        graph_def = tf.GraphDef.FromString((folder / "two_layers.pb").read_bytes())
        names = ["pixels:0", model.layers[1].start + ":0"]
        images, output = tf.import_graph_def(graph_def, name="", return_elements=names)
    with tf.Session(graph=graph) as session:
        for number, (y, x) in enumerate(found.places):
            expected = np.zeros(pixels.shape[1:3])
            for top, left in itertools.product(range(0, 24, 8), range(0, 18, 8)):
                covered = pixels[[number, number]]
                covered[1, top : top + 8, left : left + 8] = [0, 128, 255]
                both = session.run(output, {images: covered / 127.5 - 1})[:, y, x, number]
                complete, without = np.maximum(both, 0)  # the layer ends with a Relu6
                expected[top : top + 8, left : left + 8] = complete - without
            np.testing.assert_allclose(found.falls[number], expected, atol=1e-4)
            assert found.falls[number].any()


def test_arrays_and_paths_of_the_same_images_give_the_same(folder, model, photos):
    pixels = photos.astype(np.uint8)
    expected = model.project(LAYER, str(folder / "photos"), [0, 1, 2, 3, 4])
    found = model.project(LAYER, pixels, range(5))
    without_range = legacy_graph.load_model(str(folder / "two_layers.pb"))
    floats = pixels.astype(np.float32) * np.float32(2 / 255) - 1
    for other in (
        found,
        without_range.project(LAYER, floats, range(5)),
        model.project(LAYER, pixels, range(5), found.places),
    ):
        for one, same in zip(expected, other):
            np.testing.assert_array_equal(one, same)
    reverse = legacy_graph.load_model(str(folder / "two_layers.pb"), range=(-1, 1), bgr=True)
    np.testing.assert_array_equal(
        reverse.project(LAYER, pixels[..., ::-1], range(5)).projections[..., ::-1], expected.projections
    )


def test_a_session_gives_the_same_as_its_frozen_graph(tmp_path):
    """The values are those of the time of the call, and the graph of the session may be finalized."""
    images = np.random.RandomState(0).normal(size=[6, 12, 10, 3]).astype(np.float32)
    with tf.Graph().as_default() as graph, tf.Session() as session:
        pixels = tf.placeholder(tf.float32, [None, 12, 10, 3], "pixels")
        kernel = tf.get_variable("kernel", [3, 3, 3, 4])
        other = tf.get_variable("other", [3, 3, 4, 5], use_resource=True)
        first = tf.nn.max_pool(tf.nn.relu(tf.nn.conv2d(pixels, kernel, 1, "SAME")), 2, 2, "SAME")
        last = tf.nn.relu(tf.nn.conv2d(first, other, 1, "SAME"))
        loss = tf.reduce_mean(last)
        train = tf.train.AdamOptimizer().minimize(loss)
        session.run(tf.global_variables_initializer())
        frozen = tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), [last.op.name])
        graph.finalize()
        size = len(graph.get_operations())
        model = legacy_graph.from_session(session, pixels)
        session.run(train, {pixels: images})
        changed = legacy_graph.from_session(session, "pixels")
        assert len(graph.get_operations()) == size
    (tmp_path / "frozen.pb").write_bytes(frozen.SerializeToString())
    for layer in ("Conv2D", "Conv2D_1"):
        expected = legacy_graph.load_model(str(tmp_path / "frozen.pb")).top_activations(layer, images, 4)
        for one, same in zip(model.top_activations(layer, images, 4), expected):
            np.testing.assert_array_equal(one, same)
        assert (changed.top_activations(layer, images, 4).activations != expected.activations).any()


@pytest.mark.parametrize(
    "call, line",
    [
        (lambda model: legacy_graph.load_model("missing.pb"), "missing.pb: expected "),
        (lambda model: model.project("none", np.zeros([2, 24, 18, 3]), 0), "--layer: expected one of Conv2D, Conv2D_1"),
        (
            lambda model: model.sheet(LAYER, np.zeros([2, 24, 17, 3])),
            "images: expected an array of the shape N x 24 x 18 x 3",
        ),
        (lambda model: model.sheet(LAYER, np.zeros([2, 24, 18, 3])), "--range: expected none for floating"),
        (lambda model: model.project(LAYER, photo(2), 7), "--maps: expected maps of Conv2D_1, 0 to 6, found 7"),
        (lambda model: model.project(LAYER, photo(2), [0, 1, 2]), "maps: expected numbers of the shape 2, found 3"),
        (
            lambda model: model.project(LAYER, photo(1), 0, [(12, 0)]),
            "places: expected rows below 12 and columns below",
        ),
        (lambda model: model.occlude(LAYER, photo(1), 0, patch=19), "--patch: expected at most 18"),
        (lambda model: model.top_activations(LAYER, photo(2), 3), "--top: expected at most 2"),
        (lambda model: legacy_graph.load_model("missing.pb", mean=[1, 2, 3]), "--mean and --bgr: expected --range"),
    ],
)
def test_bad_input_is_refused_in_one_line(model, call, line):
    with pytest.raises(legacy_graph.UserError) as raised:
        call(model)
    assert str(raised.value).startswith(line) and "\n" not in str(raised.value)


def photo(count):
    return np.random.RandomState(0).randint(0, 255, [count, 24, 18, 3]).astype(np.uint8)


def test_a_session_without_values_is_refused():
    with tf.Graph().as_default(), tf.Session() as session:
        pixels = tf.placeholder(tf.float32, [None, 12, 10, 3], "pixels")
        tf.nn.relu(tf.nn.conv2d(pixels, tf.get_variable("kernel", [3, 3, 3, 4]), 1, "SAME"))
        with pytest.raises(legacy_graph.UserError, match="a variable without a value"):
            legacy_graph.from_session(session, pixels)
