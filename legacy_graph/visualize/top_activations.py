"""What each feature map looks for: the digits that excite it most, and what in them did.

For each map of a layer, over all digits, the strongest place of each of the strongest digits is kept, all else in the
layer is set to zero, and this one spot is projected down to the pixels.

Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, figure 2.
"""

from typing import List, NamedTuple, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.article.deconv import deconvolve
from legacy_graph.article.layer import Layer, layers_up_to
from legacy_graph.article.receptive_field import Fields, receptive_fields
from legacy_graph.data.mnist import SIDE, scale_pixels

CHUNK = 250  # digits in one run of the session: all 10,000 at once would take gigabytes


class Probe(NamedTuple):
    """The graph's ends, built once, run as often as one likes; B is any batch size."""

    images: tf.Tensor  # float32 [B, 784], a placeholder
    layer: Layer
    fields: Fields
    maps: tf.Tensor  # int64 [B], a placeholder: for each image the map to look at
    strongest: tf.Tensor  # float32 [B, C], the largest activation of each map
    wins: tf.Tensor  # float32 [B, C], the share of an image's places at which the map is the strongest of all maps
    places: tf.Tensor  # int64 [B, 2], where the map to look at has it: (y, x) in the layer's output
    projections: tf.Tensor  # float32 [B, 28, 28, 1], this one spot projected down to the pixels


class TopActivations(NamedTuple):
    """The strongest spots of M maps, at most `top` each; where a map has fewer, the rest is -1 or 0."""

    maps: np.ndarray  # int64 [M]
    wins: np.ndarray  # float64 [M], the share of all places of all images at which the map is the strongest
    digits: np.ndarray  # int64 [M, top], their number in the data, the strongest first; -1 is none
    places: np.ndarray  # int64 [M, top, 2], (y, x) in the layer's output
    activations: np.ndarray  # float32 [M, top]
    projections: np.ndarray  # float32 [M, top, 28, 28]


def build_probe(net: network.Network, name: str) -> Probe:
    """Add to the network's graph all that `scan` and `project` run. ValueError: no layer has that name."""
    layer = layers_up_to(net.layers, name)[-1]
    _, height, width, channels = layer.output.shape.as_list()
    with tf.name_scope("probe"):
        maps = tf.placeholder(tf.int64, [None], name="maps")
        strongest = tf.reduce_max(layer.output, [1, 2])  # [B, C]
        one = tf.reduce_sum(layer.output * tf.one_hot(maps, channels)[:, None, None, :], 3)  # [B, H, W]
        flat = tf.argmax(tf.reshape(one, [-1, height * width]), 1)  # [B]
        places = tf.stack([flat // width, flat % width], 1)  # [B, 2]
        projections = deconvolve(net.layers, name, maps, places)
    fields = receptive_fields(net.layers, name)
    return Probe(net.images, layer, fields, maps, strongest, count_wins(layer.output), places, projections)


def count_wins(output: tf.Tensor) -> tf.Tensor:
    """The share of each image's places at which each map is above zero and no other map is stronger.

    Args:
        output: float32 [B, H, W, C].

    Returns:
        float32 [B, C]. Maps that tie all win.
    """
    with tf.name_scope("wins"):
        wins = (output > 0) & tf.equal(output, tf.reduce_max(output, 3, keepdims=True))
        return tf.reduce_mean(tf.cast(wins, tf.float32), [1, 2])


def scan(session: tf.Session, probe: Probe, images: np.ndarray, top: int) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The digits that excite each of the layer's maps most.

    Args:
        images: uint8 [N, 784].
        top: how many a map.

    Returns:
        digits: int64 [C, top], numbers of the digits, the strongest first and the earlier of equals; -1 where fewer
            than `top` excite the map at all.
        activations: float32 [C, top].
        wins: float64 [C], as in `TopActivations`.
    """
    channels = probe.layer.output.shape.as_list()[3]
    digits, activations = np.full([channels, top], -1), np.zeros([channels, top], np.float32)
    wins = np.zeros(channels)
    for begin in range(0, len(images), CHUNK):
        chunk = images[begin : begin + CHUNK]
        strongest, won = session.run([probe.strongest, probe.wins], {probe.images: scale_pixels(chunk)})
        found = strongest.T  # [C, B]
        wins += won.sum(axis=0, dtype=float) / len(images)
        numbers = np.broadcast_to(np.arange(begin, begin + len(chunk)), found.shape)
        both = np.concatenate([digits, numbers], 1), np.concatenate([activations, found], 1)
        order = np.argsort(-both[1], axis=1, kind="stable")[:, :top]
        digits, activations = [np.take_along_axis(values, order, 1) for values in both]
    return digits, activations, wins


def project(
    session: tf.Session,
    probe: Probe,
    images: np.ndarray,
    maps: np.ndarray,
    places: Optional[np.ndarray] = None,
    kernel: Optional[np.ndarray] = None,
) -> Tuple[np.ndarray, np.ndarray]:
    """Project one spot of each image down to the pixels.

    Args:
        images: uint8 [N, 784].
        maps: whole numbers [N], for each image the map.
        places: whole numbers [N, 2], the spot; None takes each map's strongest.
        kernel: in the place of the layer's own; then the signal at the spot is 1, since the map may be dead there.

    Returns:
        places: int64 [N, 2].
        projections: float32 [N, 28, 28].
    """
    shape = probe.layer.output.shape.as_list()[1:]
    found: List[Tuple[np.ndarray, np.ndarray]] = []
    for begin in range(0, len(images), CHUNK):
        part = slice(begin, begin + CHUNK)
        feed = {probe.images: scale_pixels(images[part]), probe.maps: maps[part]}
        if places is not None:
            feed[probe.places] = places[part]
        if kernel is not None:
            feed.update({probe.layer.kernel: kernel, probe.layer.output: np.ones([len(images[part])] + shape, "f")})
        found.append(session.run([probe.places, probe.projections], feed))
    where, projections = [np.concatenate(parts) for parts in zip(*found)]
    return where, projections[..., 0]


def collect(
    session: tf.Session, probe: Probe, images: np.ndarray, maps: np.ndarray, top: int, by_wins: bool = False
) -> TopActivations:
    """Scan the images and project the strongest spots of the maps.

    Args:
        images: uint8 [N, 784].
        maps: whole numbers [M].
        top: spots per map.
        by_wins: put the maps in order, those that win most often first, else leave them as given.
    """
    scanned = scan(session, probe, images, top)
    if by_wins:
        maps = maps[np.argsort(-scanned[2][maps], kind="stable")]
    digits, activations, wins = [found[maps] for found in scanned]
    places = np.zeros(digits.shape + (2,), np.int64)
    projections = np.zeros(digits.shape + (SIDE, SIDE), np.float32)
    found = digits >= 0
    if found.any():
        places[found], projections[found] = project(session, probe, images[digits[found]], maps[np.nonzero(found)[0]])
    return TopActivations(maps, wins, digits, places, activations, projections)
