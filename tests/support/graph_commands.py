"""A graph with two layers, photos, and the words of `features` and `deconv` for them."""

import numpy as np
import tensorflow.compat.v1 as tf
from PIL import Image

from tests.support.graph_models import Maker, ends, model_of, pool

SIDES = (24, 18)
RANGE = ["--range", "-1,1"]


def two_layers(value):
    make = Maker()
    value = pool(tf.nn.relu(make.convolve(value, 6)))
    return ends(tf.nn.relu6(make.convolve(value, 7)))


def write_photos(folder):
    """Five PNG files in the directory `photos`."""
    (folder / "photos").mkdir()
    random = np.random.RandomState(0)
    for number in range(5):
        small = Image.fromarray(random.randint(0, 256, (6, 5, 3)).astype(np.uint8))
        small.resize((36, 48), Image.BILINEAR).save(str(folder / "photos" / f"{number}.png"))


def write_graph_and_photos(folder):
    """The frozen graph `two_layers.pb` and five photos; returns `folder`."""
    (folder / "two_layers.pb").write_bytes(model_of(two_layers, SIDES).graph_def.SerializeToString())
    write_photos(folder)
    return folder


def words(folder, command="features", graph="two_layers.pb", layer="Conv2D_1", logdir="log"):
    images = ["--images", str(folder / "photos")] if command == "features" else [str(folder / "photos" / "2.png")]
    return [command, *images, "--graph", str(folder / graph), "--layer", layer, "--logdir", str(folder / logdir)]
