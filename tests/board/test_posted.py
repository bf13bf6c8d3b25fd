"""What can be posted for the graph of --graph: pictures, and arrays as `features` takes them."""

import io
import zipfile

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from legacy_graph.board import posted
from legacy_graph.board.graph_network import GraphNetwork
from legacy_graph.board.open_graph import Asked
from legacy_graph.board.plugin import DeconvnetLoader
from legacy_graph.commands.graph_model import open_graph
from legacy_graph.commands.tensorboard import split_words
from legacy_graph.errors import UserError
from tests.board.site import Site
from tests.support.graph_files import pooled, write_frozen

LONG = 40
ASKED = Asked("conv1d", None, "gradient", "number", 0)
ROWS = np.random.RandomState(1).randint(0, 256, [3, 1, LONG, 1]).astype(np.uint8)


def row(x):
    """A layer with the values of a signal, their negatives and their doubles."""
    kernel = np.resize(np.array([1, -1, 2], np.float32), [1, int(x.shape[-1]), 3])
    return tf.nn.relu(tf.nn.conv1d(x, kernel, 1, "SAME"))


def opened(folder, *words, build=row, shape=(None, LONG, 1)):
    path = write_frozen(folder / "model.pb", build, shape=shape)
    return open_graph(split_words(["--graph", path, *words])[0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("graph")


@pytest.fixture(scope="module")
def signals(folder):
    """A graph of signals without --range."""
    return opened(folder)


@pytest.fixture(scope="module")
def network(signals):
    return GraphNetwork(signals)


def saved(*arrays, save=np.save):
    file = io.BytesIO()
    save(file, *arrays)
    return file.getvalue()


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("save", [np.save, np.savez, np.savez_compressed])
def test_each_signal_of_an_array_is_fed_as_it_is(network, save):
    values = np.random.RandomState(2).normal(size=[3, 1, LONG, 1])
    for number, signal in enumerate(values[..., 0, :, 0].astype(np.float32)):
        answer = network.read(saved(values, save=save), ASKED._replace(image=number))
        assert answer["images"] == 3
        np.testing.assert_allclose(answer["activations"], [signal.max(), -signal.min(), 2 * signal.max()], rtol=1e-6)


def test_the_axes_of_one_row_and_one_channel_may_be_missing(network):
    values = np.random.RandomState(2).normal(size=LONG)
    assert network.read(saved(values), ASKED) == network.read(saved(values.reshape(1, 1, LONG, 1)), ASKED)


def test_bytes_of_an_array_are_prepared_as_those_of_a_picture(folder):
    network = GraphNetwork(opened(folder, "--range", "-1,1"))
    one, other = [network.read(content, ASKED) for content in (saved(ROWS), png(ROWS[0, :, :, 0]))]
    assert (one.pop("images"), other.pop("images")) == (3, 1)
    assert "scaled to cover 1 x 40" in other.pop("preparation") and "255 becomes 1" in one.pop("preparation")
    assert one == other
    highest = ROWS[0].max() / 127.5 - 1
    np.testing.assert_allclose(one["activations"], [highest, 1 - ROWS[0].min() / 127.5, 2 * highest], rtol=1e-5)
    floats = network.read(saved(ROWS[:1] / np.float32(127.5) - 1), ASKED)  # these are fed as they are
    np.testing.assert_allclose(floats["activations"], one["activations"], rtol=1e-5)


def test_a_graph_of_pictures_takes_arrays_too(folder):
    network = GraphNetwork(opened(folder, "--range", "-1,1", build=pooled, shape=(None, 12, 12, 3)))
    photo, asked = np.random.RandomState(1).randint(0, 256, [12, 12, 3]).astype(np.uint8), ASKED._replace(layer="conv")
    one, other = network.read(saved(photo), asked), network.read(png(photo), asked)
    assert one.pop("preparation") != other.pop("preparation") and one == other


FORGED = b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999,), }".ljust(127)
REFUSED = {
    "a picture": (png(ROWS[0, :, :, 0]), "signal: expected an .npy or .npz file with one array, found another format"),
    "text": (b"1.5\n2.5\n", "signal: expected an .npy or .npz file with one array, found another format"),
    "bytes": (saved(ROWS), "--range: expected LOW,HIGH"),
    "integers": (saved(np.zeros(LONG, int)), "array: expected uint8 or floating point values, found int64"),
    "another shape": (saved(np.zeros(LONG + 1)), "array: expected an array of the shape N x 1 x 40 x 1, found 41"),
    "NaN": (saved(np.full(LONG, np.nan)), "array: expected finite values after preprocessing"),
    "two arrays": (saved(np.zeros(1), np.zeros(1), save=np.savez), "one array, found 2 arrays, not one"),
    "objects": (saved(np.array([None])), "one array, found the array has a header of another form"),
    "a cut file": (saved(np.zeros(LONG))[:-1], "one array, found the array has 319 bytes for an array of 320"),
    "a forged header": (FORGED + b"\n", "one array, found the array has 0 bytes for an array of 3,999,999,999,996"),
    "a cut archive": (saved(np.zeros(LONG), save=np.savez)[:-9], "one array, found "),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused(network, kind):
    content, expected = REFUSED[kind]
    with pytest.raises(UserError) as refused:
        network.read(content, ASKED)
    assert expected in str(refused.value)


def test_an_archive_that_would_fill_the_memory_is_not_read(network, monkeypatch):
    monkeypatch.setattr(posted, "LARGEST", 1000)
    content = saved(np.zeros(LONG * 4), save=np.savez_compressed)
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(UserError, match="found arrays of 1,408 bytes, more than 1,000"):
        network.read(content, ASKED)


def test_routes(signals, tmp_path):
    site = Site(str(tmp_path), lambda context: DeconvnetLoader(signals).load(context))
    about = site.ask("runs")[1]["graph"]
    assert (about["input"], about["pictures"]) == ([1, LONG, 1], False)
    query = {"layer": "conv1d", "method": "", "map": "0", "order": "number", "page": "0"}
    content = saved(np.stack([np.full(LONG, 1.0), np.full(LONG, 2.0)]))
    answers = [site.ask("network", {**query, "image": image}, data=content) for image in "01"]
    assert [(status, answer["activations"][0]) for status, answer in answers] == [(200, 1.0), (200, 2.0)]
    covered = [site.ask("occlusion", {**query, "image": image, "detail": "fine"}, data=content) for image in "01"]
    assert [status for status, _ in covered] == [200, 200]
    for image in ("2", "-1", "x"):
        status, answer = site.ask("network", {**query, "image": image}, data=content)
        assert status == 404 and answer["error"].startswith("image: expected ")


def test_signals_of_many_channels_need_no_range_but_a_size(folder):
    assert opened(folder, shape=(None, LONG, 12)).about is None
    assert opened(folder, "--range", "0,1", shape=(None, LONG, 12)).about is None
    with pytest.raises(UserError, match="--size: expected the height and width"):
        opened(folder, shape=(None, None, 12))
    assert opened(folder, "--size", "1x24", shape=(None, None, 12)).model.input_shape == (1, 24, 12)
