"""The activations and projections of one digit in the article's network."""

from typing import Dict, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article import deconv, network
from legacy_graph.config import FIRST, METHODS
from legacy_graph.data.class_names import DIGITS
from legacy_graph.data.mnist import scale_pixels
from legacy_graph.data.user_image import UserImage
from legacy_graph.visualize import image_report

LEGEND = (
    f"The output of all feature maps of a layer, projected to the pixels with the kernels of the network. "
    f"{image_report.SCALE}",
    "The methods differ in what a ReLU passes backward:",
    *(f"    {METHODS[name]}: {rule.passes}" for name, rule in deconv.RULES.items()),
    "For conv1 they give the same picture, because the output of conv1 is never negative.",
)
UNKNOWN = "class unknown, only the convolution weights of this step were kept"


class Fetches(NamedTuple):
    """The tensors to fetch for one digit, or their values."""

    probabilities: Optional[np.ndarray]  # float32 [10]; None if only the convolution weights are known
    activations: Dict[str, np.ndarray]  # layer -> float32 [C, H, W], after its ReLU
    projections: Dict[str, Dict[str, np.ndarray]]  # layer -> method -> float32 [28, 28], all feature maps together


def build(ties: str = FIRST) -> Tuple[tf.Graph, network.Network, Fetches]:
    """The graph, its network, and the tensors to fetch for one digit. `ties` is as in `deconv.unpool`."""
    with tf.Graph().as_default() as graph:
        net = network.build()
        fetches = _fetches(net, ties)
        graph.finalize()
    return graph, net, fetches


def read(
    session: tf.Session, net: network.Network, fetches: Fetches, digit: np.ndarray, complete: bool = True
) -> Fetches:
    """Compute the probabilities, activations and projections of one digit, uint8 [28, 28].

    Without `complete`, the fully connected layers have no weights, and the probabilities are None.
    """
    feed = {net.images: scale_pixels(digit.reshape(1, -1)), net.keep_prob: 1.0}
    return session.run(fetches, feed) if complete else Fetches(None, *session.run(fetches[1:], feed))


def draw(
    name: str, image: UserImage, found: Fetches, ties: str = FIRST, names: Sequence[str] = DIGITS
) -> image_report.Report:
    """The report of one digit.

    Args:
        name: of the picture, for the title.
        image: the image that the network reads.
        found: as from `read`.
        ties: the value that the graph was built with.
        names: the ten class names.
    """
    answer = UNKNOWN if found.probabilities is None else format_answer(found.probabilities, names)
    reading = image_report.Reading(found.activations, found.projections)
    legend, summary = [*LEGEND, deconv.TIES_IN_WORDS[ties]], f"{answer}; {image.preparation}"
    return image_report.draw(f"{name}: {answer}", image.pixels, reading, legend, summary, f", {image.preparation}")


def format_answer(probabilities: np.ndarray, names: Sequence[str] = DIGITS) -> str:
    """The three most probable classes as text. `probabilities` is float32 [10], `names` has ten entries."""
    first, second, third = [f"{names[n]} ({100 * probabilities[n]:.1f} %)" for n in np.argsort(-probabilities)[:3]]
    return f"read as {first}, else {second} or {third}"


def _fetches(net, ties):
    back = {layer.name: _all_methods(net.layers, layer.name, ties) for layer in net.layers}
    maps = {layer.name: tf.transpose(layer.relu[0], [2, 0, 1]) for layer in net.layers}
    return Fetches(net.probabilities[0], maps, back)


def _all_methods(layers, name, ties):
    return {
        METHODS[method]: deconv.deconvolve(layers, name, method=method, ties=ties)[0, :, :, 0]
        for method in deconv.RULES
    }
