"""Reading single pictures with both kinds of network: single maps add up to all maps, spots are those of `features`."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.article.deconv import deconvolve
from legacy_graph.config import DECONVNET, GRADIENT, METHODS
from legacy_graph.data.images import Preprocessing, from_array
from legacy_graph.errors import UserError
from legacy_graph.visualize import reading
from tests.support.construct_differences import run_projection
from tests.support.graph_models import SIDES, Maker, ends, model_of, pool

LAYERS = ["conv2", "fc2"]
PIXELS = np.random.RandomState(0).randint(0, 256, [2, 28, 28, 1]).astype(np.uint8)
PHOTOS = np.random.RandomState(1).randint(0, 256, [1, *SIDES, 3]).astype(np.uint8)


@pytest.fixture(scope="module")
def article():
    """The readings of two images by an untrained network, with all maps of fc2 and three of conv2."""
    images = from_array(PIXELS, Preprocessing(0, 1), "grey")
    found = {}
    for layer, maps in (("conv2", range(64)), ("fc2", range(10))):
        reader = reading.article_reader([layer])
        with reader.graph.as_default(), tf.Session(graph=reader.graph) as session:
            session.run(initializers(reader.graph))
            found[layer] = list(reading.read_images(session, reader, images, maps))
    return found


def initializers(graph):
    """The initializers of all variables; the graph is finalized, so no operation is added."""
    return [variable.initializer for variable in graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)]


@pytest.mark.parametrize("layer", LAYERS)
def test_single_maps_add_up_to_all_by_the_gradient(article, layer):
    for values in article[layer]:
        rows = values.projections
        together = rows[layer][GRADIENT]
        single = sum(rows[row][GRADIENT] for row in rows if row.startswith(f"{layer}/map ") and "spot" not in row)
        assert np.abs(together).max() > 0
        np.testing.assert_allclose(single, together, atol=1e-5 * np.abs(together).max())


def test_maps_and_spots_are_those_of_deconvolve(article):
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        net = network.build()
        maps, places = tf.placeholder(tf.int64, [2]), tf.placeholder(tf.int64, [2, 2])
        fetches = {
            method: [deconvolve(net.layers, "conv2", maps, kept, method) for kept in (places, None)]
            for method in METHODS
        }
        session.run(tf.global_variables_initializer())
        spots = np.array([values.places["conv2"][7] for values in article["conv2"]])
        feed = {net.layers[0].input: PIXELS * np.float32(1 / 255), maps: [7, 7], places: spots}
        truth = session.run(fetches, feed)
    for method, (of_spots, of_maps) in truth.items():
        for number, values in enumerate(article["conv2"]):
            for row, expected in (("conv2/map 7, spot", of_spots[number]), ("conv2/map 7", of_maps[number])):
                found = values.projections[row][method]
                np.testing.assert_allclose(found, expected[..., 0], atol=1e-5 * np.abs(expected).max())


def test_the_places_are_those_of_the_strongest_values(article):
    for values in article["fc2"]:
        assert values.places["fc2"].tolist() == [[0, 0]] * 10
        np.testing.assert_array_equal(values.strongest["fc2"], values.activations["fc2"][:, 0, 0])
        assert not any("spot" in row for row in values.projections)  # the only position of a map is the map
    for values in article["conv2"]:
        assert values.strongest["conv2"].shape == (64,)
        np.testing.assert_array_equal(values.strongest["conv2"], values.activations["conv2"].max(axis=(1, 2)))


def two_layers(value):
    make = Maker()
    value = tf.nn.relu(make.convolve(pool(tf.nn.relu(make.convolve(value, 6))), 7))
    return ends(value, value)


@pytest.fixture(scope="module")
def photo():
    """The model, and the reading of one photo with all maps by all methods."""
    model = model_of(two_layers, SIDES)
    reader = reading.graph_reader(model, model.layers[0])
    with tf.Session(graph=reader.graph) as session:
        images = from_array(PHOTOS, Preprocessing(-1, 1), "")
        return model, next(reading.read_images(session, reader, images, range(7)))


@pytest.mark.parametrize("method", METHODS)
def test_a_graph_is_read_as_features_projects_it(photo, method):
    """One import of the graph serves all methods; `run_projection` imports it for one."""
    model, values = photo
    fed = Preprocessing(-1, 1).apply(PHOTOS)
    for row, arguments in (("last", ()), ("last/map 3", (np.array([3]), None)),
                           ("last/map 3, spot", (np.array([3]), values.places["last"][3:4]))):  # fmt: skip
        expected = run_projection(model, model.layers[0], method, fed, *arguments)[1][0]
        assert expected.any()
        np.testing.assert_allclose(values.projections[row][method], expected, atol=1e-5 * np.abs(expected).max())
    single = sum(values.projections[f"last/map {number}"][GRADIENT] for number in range(7))
    together = values.projections["last"][GRADIENT]
    np.testing.assert_allclose(single, together, atol=1e-5 * np.abs(together).max())


def test_one_method_alone(photo):
    model, values = photo
    reader = reading.graph_reader(model, model.layers[0], DECONVNET)
    assert list(reader.layers["last"].projections) == [DECONVNET]
    images = from_array(PHOTOS, Preprocessing(-1, 1), "")
    with tf.Session(graph=reader.graph) as session, pytest.raises(UserError, match="maps of last, 0 to 6, found 7"):
        next(reading.read_images(session, reader, images, [7]))


def test_the_maps_of_a_graph_are_drawn_before_the_pool():
    """As those of the article's network. The maximum of a map is the activation that is projected."""
    model = model_of(lambda value: ends(pool(tf.nn.relu(Maker().convolve(value, 6)))), SIDES)
    reader = reading.graph_reader(model, model.layers[0])
    with tf.Session(graph=reader.graph) as session:
        values = next(reading.read_images(session, reader, from_array(PHOTOS, Preprocessing(-1, 1), "")))
    ((label, maps),) = values.activations.items()
    assert maps.shape == (6, *SIDES)
    np.testing.assert_array_equal(maps.max(axis=(1, 2)), values.strongest[label])
