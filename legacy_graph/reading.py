"""The word `deconv`: pictures of the user's own, all the way through the network and back, each in one picture."""

import os
from typing import Dict, List, NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph import deconv, digits, logdir, network, pictures
from legacy_graph.mnist import pixels
from legacy_graph.restore import restore
from legacy_graph.results import publish

WIDE = 8  # maps in one row of a layer's activations
LEGEND = (
    "All that a layer puts out, brought down to the pixels by its own kernels. Mid grey is 0,",
    "white and black are plus and minus the number above. From conv1 the three are the same:",
    "what starts there is positive, and has fired. They differ in what a ReLU lets through:",
)


class Reading(NamedTuple):
    """What the network makes of one digit."""

    probabilities: np.ndarray  # float32 [10]
    activations: Dict[str, np.ndarray]  # layer -> float32 [C, H, W], after its ReLU
    projections: Dict[str, Dict[str, np.ndarray]]  # layer -> method -> float32 [28, 28], of the whole layer


def run(directory: str, paths: List[str]) -> str:
    """Publish what the network reads in each picture file, in deconv/<name> of a log directory.

    Args:
        directory: of a training run with a checkpoint.
        paths: of the picture files.

    Returns:
        What to tell the user of each: the answer, how sure the network is, and where the picture is.

    Raises:
        UserError: a broken picture, no checkpoint that fits, an unwritable directory.
    """
    fitted = [digits.read(path) for path in paths]
    lines = []
    with tf.Graph().as_default() as graph:
        net = network.build()
        fetches = _fetches(net)
        graph.finalize()
    with tf.Session(graph=graph) as session:
        step = restore(session, directory)
        for path, name, digit in zip(paths, _names(paths), fitted):
            reading = _read(session, net, fetches, digit)
            place = os.path.join(directory, logdir.DECONV, name)
            parts = _parts(digit, reading)
            picture = draw(f"{os.path.basename(path)}: {answer(reading.probabilities)}", parts, reading)
            publish(place, step, dict(parts, picture=picture), {"picture.png": pictures.png(picture)})
            lines.append(f"{path}: {answer(reading.probabilities)}. See {os.path.join(place, 'picture.png')}")
    return "\n".join(lines)


def answer(probabilities: np.ndarray) -> str:
    """The digit that was read, how sure the network is of it, and the two it thought of next. float32 [10]."""
    first, second, third = [f"{digit} ({100 * probabilities[digit]:.1f} %)" for digit in np.argsort(-probabilities)[:3]]
    return f"read as {first}, else {second} or {third}"


def draw(title: str, parts: Dict[str, np.ndarray], reading: Reading) -> np.ndarray:
    """All parts in one picture, uint8 [H, W], with captions."""
    rows = []
    for layer, projections in reading.projections.items():
        captions = [f"{layer}: {method}, \u00b1{np.abs(values).max():.3g}" for method, values in projections.items()]
        tiles = [parts[f"{layer}/{method}"] for method in projections]
        rows.append(pictures.beside([_captioned(*pair) for pair in zip(captions, tiles)], 16))
    legend = [pictures.text(line) for line in LEGEND]
    legend += [pictures.text(f"    {name}: {method.lets_through}") for name, method in deconv.METHODS.items()]
    down = pictures.above(rows + [pictures.above(legend)], 16)
    up = [
        _captioned(f"{layer}: its {len(maps)} maps after the ReLU, white is {maps.max():.3g}", parts[f"{layer}/maps"])
        for layer, maps in reading.activations.items()
    ]
    seen = _captioned("what the network saw, 28 x 28 pixels", parts["input"])
    below = pictures.beside([pictures.above([seen, up[0]], 16)] + up[1:] + [down], 32)
    return pictures.margin(pictures.above([pictures.text(title, 28), below], 16))


def _fetches(net):
    back = {layer.name: _all_methods(net.layers, layer.name) for layer in net.layers}
    maps = {layer.name: tf.transpose(layer.relu[0], [2, 0, 1]) for layer in net.layers}
    return Reading(net.probabilities[0], maps, back)


def _all_methods(layers, name):
    return {method: deconv.deconvolve(layers, name, method=method)[0, :, :, 0] for method in deconv.METHODS}


def _read(session, net, fetches, digit):
    return session.run(fetches, {net.images: pixels(digit.reshape(1, -1)), net.keep_prob: 1.0})


def _parts(digit, reading):
    """Tag -> uint8 [H, W]: the digit, and of each layer its maps and what comes back from it, large enough to see."""
    parts = {"input": pictures.grid(pictures.enlarge(digit[None], 8), 1)}
    for layer, maps in reading.activations.items():
        times = max(1, 56 // maps.shape[2])
        parts[f"{layer}/maps"] = pictures.grid(pictures.enlarge(pictures.positive(maps, maps.max()), times), WIDE)
    for layer, projections in reading.projections.items():
        for method, values in projections.items():
            scaled = pictures.signed(values, float(np.abs(values).max()))
            parts[f"{layer}/{method}"] = pictures.grid(pictures.enlarge(scaled[None], 8), 1)
    return parts


def _captioned(caption, picture):
    return pictures.above([pictures.text(caption), picture])


def _names(paths):
    """A name for each file's run: what stands before the dot, and a number where two share it."""
    names: List[str] = []
    for path in paths:
        stem = os.path.splitext(os.path.basename(path))[0]
        same = [name for name in names if name == stem or name.startswith(stem + "_")]
        names.append(f"{stem}_{len(same) + 1}" if same else stem)
    return names
