"""One picture of the user's own, through the network and back: what the deconv command publishes."""

from typing import Dict, NamedTuple, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article import deconv, network
from legacy_graph.config import FIRST
from legacy_graph.data.class_names import DIGITS
from legacy_graph.data.mnist import scale_pixels
from legacy_graph.data.user_image import UserImage
from legacy_graph.visualize import image_grid

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


def build(ties: str = FIRST) -> Tuple[tf.Graph, network.Network, Reading]:
    """The graph, its network, and the tensors to fetch for one picture. `ties` is as in `deconv.unpool`."""
    with tf.Graph().as_default() as graph:
        net = network.build()
        fetches = _fetches(net, ties)
        graph.finalize()
    return graph, net, fetches


def read(session: tf.Session, net: network.Network, fetches: Reading, digit: np.ndarray) -> Reading:
    """Run one picture, uint8 [28, 28], through the network and back."""
    return session.run(fetches, {net.images: scale_pixels(digit.reshape(1, -1)), net.keep_prob: 1.0})


def draw(
    title: str, image: UserImage, reading: Reading, ties: str = FIRST
) -> Tuple[Dict[str, np.ndarray], Dict[str, bytes]]:
    """The images for TensorBoard, tag -> uint8 [H, W], and the files of one picture.

    Args:
        title: the heading.
        image: what the network saw.
        reading: as from `read`.
        ties: that the graph was built with.
    """
    parts = _parts(image.pixels, reading)
    caption = f"what the network saw, 28 x 28 pixels, {image.preparation}"
    picture = _page(title, caption, parts, reading, ties)
    return dict(parts, picture=picture), {"picture.png": image_grid.encode_png(picture)}


def format_answer(probabilities: np.ndarray, names: Sequence[str] = DIGITS) -> str:
    """The name of the class that was read, its probability, and the two next to it. float32 [10], ten names."""
    first, second, third = [f"{names[n]} ({100 * probabilities[n]:.1f} %)" for n in np.argsort(-probabilities)[:3]]
    return f"read as {first}, else {second} or {third}"


def _page(title, caption, parts, reading, ties):
    """All parts in one picture, uint8 [H, W], with captions."""
    rows = []
    for layer, projections in reading.projections.items():
        captions = [f"{layer}: {method}, \u00b1{np.abs(values).max():.3g}" for method, values in projections.items()]
        tiles = [parts[f"{layer}/{method}"] for method in projections]
        rows.append(image_grid.stack_horizontally([_captioned(*pair) for pair in zip(captions, tiles)], 16))
    legend = [image_grid.render_text(line) for line in LEGEND]
    legend += [image_grid.render_text(f"    {name}: {method.lets_through}") for name, method in deconv.METHODS.items()]
    legend.append(image_grid.render_text(deconv.TIES_IN_WORDS[ties]))
    down = image_grid.stack_vertically(rows + [image_grid.stack_vertically(legend)], 16)
    up = [
        _captioned(f"{layer}: its {len(maps)} maps after the ReLU, white is {maps.max():.3g}", parts[f"{layer}/maps"])
        for layer, maps in reading.activations.items()
    ]
    seen = _captioned(caption, parts["input"])
    below = image_grid.stack_horizontally([image_grid.stack_vertically([seen, up[0]], 16)] + up[1:] + [down], 32)
    return image_grid.add_margin(image_grid.stack_vertically([image_grid.render_text(title, 28), below], 16))


def _fetches(net, ties):
    back = {layer.name: _all_methods(net.layers, layer.name, ties) for layer in net.layers}
    maps = {layer.name: tf.transpose(layer.relu[0], [2, 0, 1]) for layer in net.layers}
    return Reading(net.probabilities[0], maps, back)


def _all_methods(layers, name, ties):
    return {method: deconv.deconvolve(layers, name, method=method, ties=ties)[0, :, :, 0] for method in deconv.METHODS}


def _parts(digit, reading):
    """Tag -> uint8 [H, W]: the digit, and of each layer its maps and what comes back from it, large enough to see."""
    parts = {"input": image_grid.grid(image_grid.enlarge(digit[None], 8), 1)}
    for layer, maps in reading.activations.items():
        times = max(1, 56 // maps.shape[2])
        parts[f"{layer}/maps"] = image_grid.grid(
            image_grid.enlarge(image_grid.to_grayscale(maps, maps.max()), times), WIDE
        )
    for layer, projections in reading.projections.items():
        for method, values in projections.items():
            scaled = image_grid.to_diverging(values, float(np.abs(values).max()))
            parts[f"{layer}/{method}"] = image_grid.grid(image_grid.enlarge(scaled[None], 8), 1)
    return parts


def _captioned(caption, picture):
    return image_grid.stack_vertically([image_grid.render_text(caption), picture])
