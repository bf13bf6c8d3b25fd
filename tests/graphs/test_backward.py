"""The way back through other people's graphs: against the article's deconvnet, numpy loops and finite differences."""

import functools

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.config import METHODS
from legacy_graph.errors import UserError
from legacy_graph.graphs import backward
from legacy_graph.graphs.gradient_rules import RULE
from legacy_graph.graphs.load import load_model
from legacy_graph.visualize import layer_probes
from tests.support import article_formats, constructs
from tests.support.construct_differences import run_projection
from tests.support.constructs import UNDEFINED, elu, overlapping_pools, relu6, strided
from tests.support.graph_models import CHANNELS, SIDES, Maker, ends, model_of


@pytest.fixture(scope="module")
def article(tmp_path_factory):
    """The folder with the article's network in each format, and its projections by `deconvolve`."""
    folder = str(tmp_path_factory.mktemp("article"))
    article_formats.write(folder)
    return folder, article_formats.deconvolved(folder)


@pytest.mark.parametrize("name", article_formats.FORMATS)
def test_the_articles_network_bit_for_bit(article, name):
    folder, expected = article
    found = article_formats.loaded(folder, name)
    assert set(found) == set(expected)
    for key, pair in expected.items():
        for projections, truth in zip(found[key], pair):
            np.testing.assert_array_equal(projections, truth)
            assert truth.any()


NAMED = {
    constructs.prelu: ["Relu", "Relu_1"],
    constructs.leaky_as_addition: ["Relu"],
    constructs.leaky: ["LeakyRelu"],
    constructs.elu: ["Elu"],
    constructs.selu: ["Selu"],
    constructs.swish: ["Sigmoid"],
    constructs.response_norm: ["LRN"],
}


@pytest.mark.parametrize("construct", UNDEFINED, ids=lambda one: one.__name__)
@pytest.mark.parametrize("method", ["deconvnet", "guided"])
def test_other_activations_are_refused_by_name(construct, method):
    model = model_of(lambda value: construct(Maker(), value))
    assert backward.allowed_methods(model, model.layers[0]) == ("gradient",)
    with tf.Graph().as_default(), pytest.raises(UserError, match="choose --method gradient") as refusal:
        layer_probes.graph_probe(model, model.layers[0], method)
    assert all(name in str(refusal.value.found) for name in NAMED[construct])
    assert ("Relu_2" in str(refusal.value.found)) is False


def first(make, value):
    """A layer of one convolution and its ReLU."""
    return ends(tf.nn.relu(make.convolve(value, 4)))


@pytest.mark.parametrize("construct, ignoring", [(strided, ["deconvnet"]), (first, list(METHODS))])
def test_a_note_names_the_projections_that_ignore_the_image(construct, ignoring):
    """Without max pools the deconvnet ignores it. In the first layer, the other methods do too."""
    model = model_of(lambda value: construct(Maker(), value))
    images = np.random.RandomState(5).normal(size=(4, *SIDES, CHANNELS))
    patterns = {}
    for method in METHODS:
        with tf.Graph().as_default() as graph:
            probe = layer_probes.graph_probe(model, model.layers[0], method)
            height, width, maps = model.layers[0].shape
            feed = {probe.layer.images: images, probe.maps: [1] * 4, probe.places: [[2, 1]] * 4}
            feed[probe.layer.output] = np.ones([4, height, width, maps])
            with tf.Session(graph=graph) as session:
                patterns[method] = session.run(probe.projections[method], feed)
        notes = " ".join(probe.layer.notes)
        assert ("depends on the map and the position, not on the image" in notes) == (method in ignoring)
        assert ("--method guided depends on the image" in notes) == ("guided" not in ignoring and method in ignoring)
    assert [name for name, found in patterns.items() if (found == found[0]).all()] == ignoring


@pytest.mark.parametrize("construct, chosen", [
    (strided, "guided"), (overlapping_pools, "deconvnet"), (elu, "gradient"),
    (lambda make, value: ends(tf.nn.relu(make.convolve(value, 4, stride=2))), "deconvnet"),
])  # fmt: skip
def test_the_method_is_chosen_by_what_shows_the_images(construct, chosen):
    """Without max pools and with a ReLU below the layer, guided; with an activation without a rule, the gradient."""
    model = model_of(lambda value: construct(Maker(), value))
    with tf.Graph().as_default():
        probe = layer_probes.graph_probe(model, model.layers[0], None)
    assert probe.layer.method == chosen
    assert any(note.startswith("Method: ") for note in probe.layer.notes) == (chosen != "deconvnet")


@pytest.mark.parametrize("place", ["before", "after"])
def test_an_input_behind_the_preprocessing_is_suggested(place, tmp_path):
    """A gather of rows has no receptive field. Before all convolutions, --input at it makes the field known: 3 x 3."""

    def build(value):
        make = Maker()
        value = make.convolve(value, 4) if place == "after" else value
        return ends(tf.nn.relu(make.convolve(tf.gather(value, [1, 0, 2, 3], axis=1, name="taken"), 5)))

    path = tmp_path / "model.pb"
    path.write_bytes(model_of(build).graph_def.SerializeToString())
    model = load_model(str(path))
    with tf.Graph().as_default():
        notes = layer_probes.graph_probe(model, model.layers[-1], None).layer.notes
    assert any("--input taken" in note for note in notes) == (place == "before")
    if place == "before":
        assert [field.size for field in load_model(str(path), input="taken").layers[-1].fields] == [3, 3]


def test_relu6_is_ranked_and_projected_before_its_clip():
    """Saturated everywhere, the gradient after the clip vanishes and all places are equal."""
    model = model_of(lambda value: relu6(Maker(), 100 * value))
    images = np.random.RandomState(6).normal(size=(2, *SIDES, CHANNELS))
    with tf.Graph().as_default() as graph:
        probe = layer_probes.graph_probe(model, model.layers[0], "deconvnet")
        with tf.Session(graph=graph) as session:
            strongest = session.run(probe.scanners[0].strongest, {probe.layer.images: images})
    assert strongest.max() > 6
    assert graph.get_operation_by_name(model.layers[0].activation).type == "Relu6"  # the training hook shows its values
    assert any("before the clip of its Relu6" in note for note in probe.layer.notes)
    assert any("1 Relu6 nodes below as through ReLU" in note for note in probe.layer.notes)


def test_foreign_gradient_overrides_are_dropped():
    """A graph that was saved with a custom gradient names a rule that exists only in its own program."""
    model = model_of(lambda value: strided(Maker(), value))
    for node in model.graph.by_name.values():
        if node.op in ("Conv2D", "Relu"):
            node.attr["_gradient_op_type"].s = b"CustomGradient-123"
    clean = model_of(lambda value: strided(Maker(), value))
    images = np.random.RandomState(7).normal(size=(1, *SIDES, CHANNELS))
    found = [run_projection(one, one.layers[0], "gradient", images)[1] for one in (model, clean)]
    np.testing.assert_array_equal(*found)
    assert any(node.attr["_gradient_op_type"].s for node in model.graph.by_name.values()), (
        "the model itself was changed"
    )


def straight_through(value, frozen=False):
    """An activation of signs whose gradient is that of the identity; `frozen` stops the gradient before it."""
    make = Maker()
    value = make.convolve(value, 4)
    value = tf.stop_gradient(value) if frozen else value
    value += tf.stop_gradient(tf.sign(tf.nn.relu(value)) - value)
    return ends(tf.nn.relu(make.convolve(value, 5)))


@pytest.mark.parametrize("frozen", [False, True])
def test_the_gradient_beside_stop_gradient(frozen):
    """It is that of the graph; but where every way is stopped, as after a frozen network, the last stop is passed."""
    model, expected = [model_of(functools.partial(straight_through, frozen=stop)) for stop in (frozen, False)]
    images = np.random.RandomState(7).normal(size=(2, *SIDES, CHANNELS))
    values, projections = run_projection(model, model.layers[0], "gradient", images)
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        names = ["pixels:0", f"{expected.layers[0].start}:0"]
        pixels, start = tf.import_graph_def(expected.graph_def, return_elements=names, name="")
        truth = session.run(tf.gradients(start, pixels, tf.nn.relu(start)), {pixels: images})[0]
    assert values.any() and truth.any()
    np.testing.assert_allclose(projections, truth, rtol=1e-5, atol=1e-5)


def test_the_gradient_of_a_convolution_in_groups():
    """Of two groups of three channels, dilated, against two convolutions. The groups themselves need not run."""
    random = np.random.RandomState(3)
    kernel, signal = random.normal(size=(3, 3, 3, 8)), random.normal(size=(2, 6, 5, 8))
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        images = tf.placeholder(tf.float64, [2, 6, 5, 6])

        def gradient(value, weights, part):
            with graph.gradient_override_map({"Conv2D": RULE}):
                result = tf.nn.conv2d(value, weights, [1] * 4, "SAME", dilations=[1, 2, 1, 1])
            return tf.gradients(result, value, part)[0]

        halves = [(images[..., :3], slice(0, 4)), (images[..., 3:], slice(4, 8))]
        parts = [gradient(value, kernel[..., half], signal[..., half]) for value, half in halves]
        fetches = [gradient(images, kernel, signal), tf.concat(parts, 3)]
        whole, parts = session.run(fetches, {images: np.zeros((2, 6, 5, 6))})
    np.testing.assert_allclose(whole, parts, rtol=1e-12)


def test_an_open_size_is_asked_for():
    model = model_of(lambda value: ends(tf.nn.relu(Maker().convolve(value, 4))), (None, None))
    with tf.Graph().as_default(), pytest.raises(UserError, match="--size"):
        layer_probes.graph_probe(model, model.layers[0], "guided")


def test_a_size_that_does_not_fit_a_constant_in_the_graph():
    """A transposed convolution of stride 2 has a constant output size that is not twice the size of the images."""

    def build(images):
        make, sizes = Maker(), [tf.shape(images)[0], 24, 24, 4]
        return ends(tf.nn.conv2d_transpose(images, make.constant(3, 3, 4, CHANNELS), sizes, [1, 2, 2, 1]))

    model = model_of(build)
    with pytest.raises(
        UserError, match="^image size: expected a size that each node below the layer accepts, found Incompatible"
    ):
        run_projection(model, model.layers[0], "gradient", np.zeros((1, *SIDES, CHANNELS), np.float32))
