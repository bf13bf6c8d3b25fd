"""The view "Your network": a graph of --graph on single pictures, against TensorFlow itself and against `features`."""

import io
import itertools
import json

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from legacy_graph import __main__
from legacy_graph.board.answers import HttpError
from legacy_graph.board.graph_network import GraphNetwork
from legacy_graph.board.open_graph import Asked
from legacy_graph.board.plugin import DeconvnetLoader
from legacy_graph.commands.graph_model import open_graph
from legacy_graph.commands.tensorboard import split_words
from legacy_graph.errors import UserError
from tests.board.site import Site, pixels
from tests.support.graph_models import Maker, ends, model_of, pool
from tests.support.published import read_npz

SIDES, CLASSES, MANY = (24, 18), 5, 70
FIRST = Asked("Conv2D", None, "gradient", "activation", 0)


def classifier(value):
    """A layer of 70 maps, one of 7, and the logits of five classes."""
    make = Maker()
    value = pool(tf.nn.relu(make.convolve(value, MANY)))
    value = tf.reduce_mean(tf.nn.relu6(make.convolve(value, 7)), [1, 2], keepdims=True)
    return ends(make.convolve(value, CLASSES, window=1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("graph")
    (folder / "model.pb").write_bytes(model_of(classifier, SIDES).graph_def.SerializeToString())
    (folder / "names.txt").write_text("\n".join(["one", "two", "three", "four", "<b>five</b>"]))
    photo = np.random.RandomState(1).randint(0, 256, (*SIDES, 3)).astype(np.uint8)
    Image.fromarray(photo).save(str(folder / "photo.png"))
    return folder


def opened(folder, *more):
    words = ["--graph", str(folder / "model.pb"), "--range", "-1,1", *more]
    return open_graph(split_words(words)[0])


@pytest.fixture(scope="module")
def network(folder):
    return GraphNetwork(opened(folder, "--class-names", str(folder / "names.txt")))


@pytest.fixture(scope="module")
def photo(folder):
    return (folder / "photo.png").read_bytes()


@pytest.fixture(scope="module")
def truth(photo):
    """(activations of the first layer, logits, gradient of its strongest value times this value), by TensorFlow."""
    fed = np.asarray(Image.open(io.BytesIO(photo)), np.float32) / 127.5 - 1
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, *SIDES, 3])
        logits = classifier(images).start
        (first,) = [one.outputs[0] for one in graph.get_operations() if one.type == "MaxPool"]
        back = tf.gradients(tf.square(tf.reduce_max(first)) / 2, images)[0]
        with tf.Session() as session:
            return session.run([first[0], logits[0, 0, 0], back[0]], {images: fed[None]})


def test_maps_logits_and_projection_equal_tensorflows(network, photo, truth):
    found = network.read(photo, FIRST)
    first, logits, back = truth
    order = np.argsort(-first.max(axis=(0, 1)), kind="stable")
    assert found["numbers"] == order[:64].tolist() and found["map"] == order[0]
    np.testing.assert_allclose(found["activations"], first.max(axis=(0, 1))[order[:64]], rtol=1e-5)
    maps = pixels(found["tiles"]).reshape(64, 12, 9)
    white = np.percentile(first[first > 0], 99.5)
    assert np.abs(maps - 255 * np.clip(first.transpose(2, 0, 1)[order[:64]] / white, 0, 1)).max() <= 1
    expected = sorted(zip(["one", "two", "three", "four", "<b>five</b>"], logits), key=lambda pair: -pair[1])
    assert [name for name, _ in found["logits"]] == [name for name, _ in expected]
    np.testing.assert_allclose([value for _, value in found["logits"]], [value for _, value in expected], rtol=1e-4)
    assert tuple(found["place"]) == np.unravel_index(first[..., order[0]].argmax(), first.shape[:2])
    (top, height), (left, width) = found["frame"]
    assert (height, width) == (4, 4)  # a convolution of 3 and a pool of 2
    padded = np.pad(back, [(4, 4), (4, 4), (0, 0)], "constant")[top + 4 :, left + 4 :][:height, :width]
    assert np.count_nonzero(padded) == np.count_nonzero(back) > 0
    shown = pixels(found["projection"]).astype(float)
    scale = np.percentile(np.abs(padded[padded != 0]), 98)
    assert found["scale"] == pytest.approx(scale, rel=1e-4)
    assert np.abs(shown - (127 + 127 * np.clip(padded / scale, -1, 1))).max() <= 1


def test_a_large_layer_comes_in_pages(network, photo):
    pages = [network.read(photo, FIRST._replace(order="number", page=page)) for page in (0, 1)]
    assert [one["pages"] for one in pages] == [2, 2]
    assert [number for one in pages for number in one["numbers"]] == list(range(MANY))
    assert pages[0]["maps_scale"] == pages[1]["maps_scale"]
    with pytest.raises(HttpError, match="page: expected at most 1, found 2"):
        network.read(photo, FIRST._replace(page=2))


def test_the_projection_equals_that_of_features(network, folder, photo):
    words = ["features", "--graph", str(folder / "model.pb"), "--range", "-1,1", "--images", str(folder / "photo.png")]
    for label, method in [("Conv2D", "guided"), ("Conv2D_1", "deconvnet")]:
        log = str(folder / f"log-{method}")
        more = ["--layer", label, "--maps", "3", "--method", method, "--logdir", log]
        assert __main__.main([*words, *more]) == 0
        (path,) = (folder / f"log-{method}").glob("graphs/*/features.npz")
        file = read_npz(path)
        expected = {name: file[name] for name in ("activations", "places", "projections")}
        found = network.read(photo, Asked(label, 3, method, "number", 0))
        assert found["activation"] == pytest.approx(float(expected["activations"][0, 0]), rel=1e-6)
        assert found["place"] == expected["places"][0, 0].tolist()
        values = expected["projections"][0, 0]
        assert found["scale"] == pytest.approx(np.percentile(np.abs(values[values != 0]), 98), rel=1e-5)


def test_the_occlusion_equals_a_loop_over_patches(network, photo, truth):
    """A patch of the mean colour in the receptive field of the strongest value; a pixel's value is the mean."""
    number = network.read(photo, FIRST)["map"]
    found = network.cover(photo, FIRST._replace(map=number), "coarse")
    fed = np.asarray(Image.open(io.BytesIO(photo)), np.float32) / 127.5 - 1
    first, _, _ = truth
    y, x = np.unravel_index(first[..., number].argmax(), first.shape[:2])
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, *SIDES, 3])
        classifier(images)
        (pool,) = [one.outputs[0] for one in graph.get_operations() if one.type == "MaxPool"]
        value = pool[0, y, x, number]
        falls = np.zeros(SIDES)
        with tf.Session() as session:
            for top, left in itertools.product(range(0, SIDES[0], 2), range(0, SIDES[1], 2)):
                covered = fed.copy()
                covered[top : top + 2, left : left + 2] = fed.mean(axis=(0, 1))
                fall = first[y, x, number] - session.run(value, {images: covered[None]})
                falls[top : top + 2, left : left + 2] = fall
    down, across = 2 * y - 1, 2 * x - 1  # a convolution of 3 and a pool of 2: four pixels, padded by one
    assert np.count_nonzero(falls) > 3 and found["map"] == number
    padded = np.pad(falls, 4, "constant")[down + 4 :, across + 4 :][:4, :4]
    assert found["scale"] == pytest.approx(np.abs(padded).max(), rel=1e-4)
    assert np.abs(pixels(found["heat"])[..., 0] - (127 + 127 * padded / np.abs(padded).max())).max() <= 1
    assert "mean colour" in found["about"] and "2 x 2 pixels" in found["about"]


UNKNOWN = [("layer", "x"), ("map", "7"), ("map", "-1"), ("method", "magic"), ("order", "x"), ("page", "9")]


def test_routes(folder, photo, tmp_path):
    graph = opened(folder)
    site = Site(str(tmp_path), lambda context: DeconvnetLoader(graph).load(context))
    assert site.plugin.is_active()
    outline = site.ask("runs")[1]["graph"]
    assert (outline["title"], outline["method"]) == ("model.pb", "deconvnet")
    assert [one["label"] for one in outline["layers"]] == ["Conv2D", "Conv2D_1", "Conv2D_2"]
    query = {"layer": "Conv2D_1", "method": "", "map": "", "order": "activation", "page": "0"}
    status, found = site.ask("network", query, data=photo)
    assert (status, found["method"], len(found["logits"])) == (200, "deconvnet", CLASSES)
    assert sorted(name for name, _ in found["logits"]) == list("01234")
    json.dumps(found, allow_nan=False)
    for detail in ("coarse", "fine"):
        status, heat = site.ask("occlusion", {**query, "map": "3", "detail": detail}, data=photo)
        assert (status, heat["map"]) == (200, 3)
    assert site.ask("occlusion", {**query, "map": "3", "detail": "x"}, data=photo)[0] == 404
    assert site.ask("occlusion", {**query, "detail": "fine"}, data=photo)[0] == 404
    for name, value in UNKNOWN:
        status, answer = site.ask("network", {**query, name: value}, data=photo)
        assert status == 404 and answer["error"].startswith(f"{name}: expected "), answer
    assert site.ask("network", query, data=b"no picture")[0] == 400
    assert site.ask("network", query, data=photo, headers={})[0] == 403
    assert site.ask("network", query)[0] == 405
    other = Site(str(tmp_path))
    assert other.ask("runs")[1]["graph"] is None and not other.plugin.is_active()
    assert other.ask("network", query, data=photo)[0] == 404


BAD = [
    (["--range", "0,1"], "--range: expected --graph PATH beside it"),
    (["--class-names", "names.txt"], "--class-names: expected --graph PATH beside it"),
    (["--graph", "model.pb"], "--range: expected LOW,HIGH"),
    (["--graph", "model.pb", "--range", "0,1", "--size", "9x9"], "--size: expected 24 x 18, which the graph fixes"),
    (["--graph", "none.pb", "--range", "0,1"], "none.pb: expected "),
    (["--graph", "model.pb", "--range", "0,1", "--class-names", "few.txt"], "few.txt: expected 5 names"),
]


@pytest.mark.parametrize("words, expected", BAD, ids=[" ".join(words) for words, _ in BAD])
def test_options_that_do_not_fit(folder, words, expected, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "few.txt").write_text("one\ntwo")
    with pytest.raises(UserError) as refused:
        open_graph(split_words(words)[0])
    assert str(refused.value).replace(str(folder) + "/", "").startswith(expected)


def test_the_words_of_tensorboard_keep_their_order():
    options, rest = split_words(
        ["serve", "--logdir", "my log", "--graph", "m.pb", "-port", "0", "--range", "-1,1", "--bind_all", "--tag=x"]
    )
    assert rest == ["serve", "--logdir", "my log", "-port", "0", "--bind_all", "--tag=x"]
    assert (options.graph.endswith("m.pb"), options.range) == (True, (-1.0, 1.0))
    with pytest.raises(UserError, match="--draw: expected an option of tensorboard"):  # the tab chooses how it draws
        split_words(["--draw", "signed"])
