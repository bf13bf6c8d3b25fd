"""What each feature map looks for: the scan, the spots and their projections, against numpy on all digits at once."""

import types

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import deconv, network
from legacy_graph.config import DECONVNET, FIRST, METHODS
from legacy_graph.data import mnist
from legacy_graph.data.images import Preprocessing, from_array
from legacy_graph.errors import UserError
from legacy_graph.training.checkpoints import restore_weights
from legacy_graph.visualize import layer_probes, top_activations
from legacy_graph.visualize.probe import OpenProbe, Probe, ProbedLayer, Scanner
from tests.support.program import SAMPLE, STEPS


def digit_images(digits):
    return from_array(digits.reshape(-1, 28, 28, 1), Preprocessing(0, 1), "digits")


class Trained:
    """A trained network with one layer's probe, in one session; and the layer's output for 200 digits, for numpy."""

    def __init__(self, logdir, layer):
        with tf.Graph().as_default() as self.graph:
            self.net = network.build()
            self.ends = layer_probes.article_probe(self.net, layer)
            self.ends = self.ends._replace(chunk=37)  # does not divide 200: what is strongest must not depend on it
            self.whole = deconv.deconvolve(self.net.layers, layer, self.ends.maps, self.ends.places)
            self.graph.finalize()
        self.session = tf.Session(graph=self.graph)
        assert restore_weights(self.session, logdir) == STEPS
        self.digits = mnist.load(SAMPLE).test.images[:200]
        self.opened = OpenProbe(self.session, self.ends, digit_images(self.digits))
        feed = {self.net.images: mnist.scale_pixels(self.digits)}
        self.output = self.session.run(self.ends.layer.output, feed)  # [200, H, W, C]


@pytest.fixture(scope="module", params=["conv1", "conv2"])
def subject(trained, request):
    return Trained(trained.logdir, request.param)


@pytest.fixture(scope="module")
def found(subject):
    maps = np.arange(subject.output.shape[3])[::-1]
    return top_activations.collect(subject.opened, maps, 9)


def test_the_strongest_digits_are_those_of_numpy(subject, found):
    strongest = subject.output.max(axis=(1, 2))  # [200, C]
    for row, number in enumerate(found.maps):
        order = np.argsort(-strongest[:, number], kind="stable")[:9]
        alive = strongest[order, number] > 0
        assert (found.images[row] >= 0).tolist() == alive.tolist()
        np.testing.assert_allclose(found.activations[row], strongest[order, number], rtol=1e-5, atol=1e-7)
        # Two that are as strong but for rounding may change places.
        chosen = strongest[found.images[row][alive], number]
        np.testing.assert_allclose(chosen, strongest[order, number][alive], rtol=1e-5)
        assert len(set(found.images[row][alive])) == alive.sum()


def test_wins_are_the_share_of_positions_a_map_leads(subject, found):
    """Two maps that are equal but for rounding may both win or not, hence a tolerance of three places."""
    best = subject.output.max(axis=3, keepdims=True)
    expected = ((subject.output == best) & (best > 0)).mean(axis=(0, 1, 2))[found.maps]
    np.testing.assert_allclose(found.wins, expected, atol=3 / subject.output[..., 0].size)
    assert 0.5 < found.wins.sum() < 1.01


def test_ordered_by_wins_each_map_keeps_its_own_spots(subject, found):
    ordered = top_activations.collect(subject.opened, found.maps, 9, by_wins=True)
    assert (np.diff(ordered.wins) <= 0).all()
    assert sorted(ordered.maps) == sorted(found.maps) != ordered.maps.tolist()
    rows = [found.maps.tolist().index(number) for number in ordered.maps]
    for name in ("wins", "images", "places", "activations"):
        np.testing.assert_array_equal(getattr(ordered, name), getattr(found, name)[rows])


def test_a_spot_is_where_its_map_is_strongest(subject, found):
    for row, rank in zip(*np.nonzero(found.images >= 0)):
        one = subject.output[found.images[row, rank], :, :, found.maps[row]]
        y, x = found.places[row, rank]
        assert one[y, x] == pytest.approx(one.max(), rel=1e-5)


def test_a_projection_lies_in_its_receptive_field(subject, found):
    """Against TensorFlow's walk with everything but the spot put to zero by numpy, in the layer's output itself."""
    row, rank = np.argwhere(found.images >= 0)[::23].T
    numbers, maps, places = found.images[row, rank], found.maps[row], found.places[row, rank]
    kept = np.zeros_like(subject.output[numbers])
    index = (np.arange(len(numbers)), places[:, 0], places[:, 1], maps)
    kept[index] = subject.output[numbers][index]
    feed = {subject.net.images: mnist.scale_pixels(subject.digits[numbers]), subject.ends.layer.output: kept}
    feed.update({subject.ends.maps: maps, subject.ends.places: places})
    expected = subject.session.run(subject.whole, feed)[..., 0]
    got = found.projections[row, rank]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
    assert got.any(axis=(1, 2)).mean() > 0.9
    for projection, place in zip(got, places):
        begins = [field.begin + at * field.step for field, at in zip(subject.ends.fields, place)]
        rows, columns = [slice(max(0, b), b + f.size) for b, f in zip(begins, subject.ends.fields)]
        outside = projection.copy()
        outside[rows, columns] = 0
        assert not outside.any()


def test_control_with_the_learned_kernel_changes_nothing(subject, found):
    """The signal is 1 then, so a projection comes out divided by its activation."""
    row, rank = np.argwhere(found.images >= 0)[::31].T
    kernel = subject.session.run(subject.ends.layer.kernel)
    numbers, maps, places = found.images[row, rank], found.maps[row], found.places[row, rank]
    got = top_activations.project(subject.opened, numbers, maps, places, kernel)
    expected = found.projections[row, rank] / found.activations[row, rank][:, None, None]
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


class Table:
    """Stands for a session: activations from a table, where each digit has one place, and the digits of each call."""

    def __init__(self, table):
        self.table, self.calls = table, []

    def run(self, fetches, feed):
        assert fetches == [("strongest", "wins")]  # of one tower
        (chunk,) = feed.values()
        numbers = np.rint(chunk[:, 0, 0, 0] * 255).astype(int)
        self.calls.append(numbers.tolist())
        found = self.table[numbers]
        return [(found, (found == found.max(axis=1, keepdims=True)).astype("f"))]


def scan_of(table, top, chunk):
    """`scan` over images of one pixel, which is their row in the table."""
    output = types.SimpleNamespace(shape=tf.TensorShape([None, 1, 1, table.shape[1]]))
    layer = ProbedLayer("any", "images", None, output, None, False, "deconvnet")
    ends = Probe(layer, None, [Scanner("images", "strongest", "wins")], None, None, None, {}, None, chunk)
    images = from_array(np.arange(len(table), dtype=np.uint8).reshape(-1, 1, 1, 1), Preprocessing(0, 1), "numbers")
    session = Table(table.astype(np.float32))
    return top_activations.scan(OpenProbe(session, ends, images), top)[:3] + (session.calls,)


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
def test_the_earlier_of_equals_comes_first_whatever_the_chunks(chunk):
    table = np.array([[1, 0, 5], [2, 0, 5], [2, 0, 5], [0, 0, 5], [2, 3, 5], [1, 0, 5], [0, 0, 6]])
    digits, activations, wins, calls = scan_of(table, 4, chunk)
    assert digits.tolist() == [[1, 2, 4, 0], [4, -1, -1, -1], [6, 0, 1, 2]]
    assert activations.tolist() == [[2, 2, 2, 1], [3, 0, 0, 0], [6, 5, 5, 5]]
    np.testing.assert_allclose(wins, [0, 0, 1])
    # Two threads run the chunks, so the order of the calls is open.
    assert sorted(calls) == [list(range(begin, min(begin + chunk, 7))) for begin in range(0, 7, chunk)]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_activations_that_are_not_finite_are_refused(value):
    with pytest.raises(UserError, match="any: expected finite activations"):
        scan_of(np.array([[1, 2], [3, value]]), 1, 1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_strongest_of_values_that_are_not_finite_is_inf(subject, value):
    output = np.ones((1, *subject.output.shape[1:]), "f")
    output[0, 2, 3, 1] = value
    (found,) = subject.session.run(subject.ends.scanners[0].strongest, {subject.ends.layer.output: output})
    assert found[1] == np.inf and (np.delete(found, 1) == 1).all()


def test_a_map_that_nothing_excites_has_no_spots(trained):
    subject = Trained(trained.logdir, "conv1")
    variables = {variable.op.name: variable for variable in subject.graph.get_collection("variables")}
    assign = variables["conv1/bias/Variable"].initializer
    subject.session.run(assign, {assign.inputs[1]: np.full(32, -1e4, "f")})
    found = top_activations.collect(subject.opened, np.array([0, 7]), 5)
    assert (found.images == -1).all()
    assert not found.activations.any()
    assert not found.projections.any()


def test_the_control_of_each_method_replaces_the_kernel():
    """With a kernel of zeros no signal reaches the pixels. The kernel of a dense layer is a reshape of its weights."""
    with tf.Graph().as_default(), tf.Session() as session:
        probe = layer_probes.features_probe("fc2", FIRST, DECONVNET)
        session.run(tf.global_variables_initializer())
        opened = OpenProbe(session, probe, digit_images(mnist.load(SAMPLE).test.images[:3]))
        spots, zeros = (np.arange(3), np.arange(3), np.zeros([3, 2], int)), np.zeros(probe.layer.kernel.shape.as_list())
        for method in METHODS:
            assert top_activations.project(opened, *spots, method=method).any()
            assert not top_activations.project(opened, *spots, zeros, method).any()
