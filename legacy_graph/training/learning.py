"""学到的特征: pictures and curves that show while the network trains what its feature maps have learned.

    features/conv1, features/conv2   the projection of the strongest activation of each map over the tested digits
    kernels/conv1                    the kernels of layer one
    conv1/dead, conv2/dead           the fraction of maps without an activation above zero on the tested digits
    learned/conv1, learned/conv2     rank correlation of the kernels with those of step 0: 1 if nothing is learned yet
    conv1|conv2|fc1/activations      histogram over the training batch (on a cluster, the chief's share), after the ReLU
    conv1|conv2|fc1/sparsity         the fraction of zeros in it

Source: Zeiler and Fergus, ECCV 2014, section 4.1 and figure 4; activations and sparsity as in TensorFlow's CIFAR-10
tutorial.
"""

from functools import partial
from typing import Callable, Dict, List, NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article import summaries
from legacy_graph.article.network import Network
from legacy_graph.article.receptive_field import crop_patches
from legacy_graph.config import DECONVNET
from legacy_graph.data.mnist import scale_pixels
from legacy_graph.visualize import evolution, layer_probes
from legacy_graph.visualize.probe import Probe
from legacy_graph.visualize.publishing import image_value
from legacy_graph.visualize.rank_correlation import rank_correlation


class Learning(NamedTuple):
    """The tensors of the summaries. Numpy computes what is fed."""

    probes: List[Probe]  # of conv1 and conv2
    fed: Dict[str, tf.Tensor]  # tag -> placeholder: of a scalar its value, of a sheet its serialised `Summary`
    activations: tf.Tensor  # string [], a merged `Summary` of the fed training batch, like the next two
    scalars: tf.Tensor  # of the tested digits and the weights
    sheets: tf.Tensor


def build(net: Network, ties: str) -> Learning:
    """Add the summaries to the network's graph. `ties` is as in `deconv.unpool`."""
    names = [layer.name for layer in net.layers]
    probes = [layer_probes.article_probe(net, name, ties) for name in names]
    activations = {**{layer.name: layer.relu for layer in net.layers}, "fc1": net.features}
    counted = tf.get_collection(summaries.HISTOGRAMS)
    for name, values in activations.items():
        # One after the other: each occupies a thread in which TensorFlow starts operations, one for each core.
        with tf.control_dependencies(counted):
            counted = [summaries.activation_summaries(name, values)]
    with tf.name_scope("learning"):
        scalars = [f"{name}/dead" for name in names] + [f"learned/{name}" for name in names]
        sheets = [f"features/{name}" for name in names] + [f"kernels/{names[0]}"]
        fed = {tag: tf.placeholder(tf.float32, [], tag) for tag in scalars}
        fed.update({tag: tf.placeholder(tf.string, [], tag) for tag in sheets})
    for tag in scalars:
        summaries.scalar(tag, fed[tag], summaries.LEARNING)
    for tag in sheets:
        tf.add_to_collection(summaries.FEATURES, fed[tag])
    merged = [tf.summary.merge_all(key) for key in (summaries.ACTIVATIONS, summaries.LEARNING, summaries.FEATURES)]
    return Learning(probes, fed, *merged)


def summarize_scalars(
    session: tf.Session,
    learning: Learning,
    strongest: List[np.ndarray],
    kernels: Dict[str, np.ndarray],
    first: Dict[str, np.ndarray],
) -> bytes:
    """The serialised `Summary` of the fraction of dead maps, and of how much the kernels have changed.

    Args:
        session: of the training graph.
        learning: as from `build`.
        strongest: of each probe, float32 [N, C], the largest activation of each map in each tested digit.
        kernels: "conv1/weights" -> weights, of the session's variables.
        first: the same of step 0.
    """
    values = {}
    for probe, activations in zip(learning.probes, strongest):
        name = probe.layer.name
        values[f"{name}/dead"] = np.mean(activations.max(0) <= 0)
        present, initial = [weights[f"{name}/weights"].ravel() for weights in (kernels, first)]
        values[f"learned/{name}"] = rank_correlation(present, initial)
    return session.run(learning.scalars, {learning.fed[tag]: value for tag, value in values.items()})


def sheet_calls(
    session: tf.Session,
    net: Network,
    learning: Learning,
    images: np.ndarray,
    strongest: List[np.ndarray],
    kernels: Dict[str, np.ndarray],
    keep: Callable[[Probe, np.ndarray, np.ndarray, np.ndarray], None],
) -> Dict[tf.Tensor, Callable[[], bytes]]:
    """The calls that draw the sheets; their results are the feed of `learning.sheets`. The longest call is the first.

    Args:
        session: of the training graph.
        net: the network in it.
        learning: as from `build`.
        images: uint8 [N, 784], the tested digits.
        strongest: as in `summarize_scalars`, of these images.
        kernels: as in `summarize_scalars`.
        keep: is called with the last arguments of `recorded_spots.pack` for each layer.
    """

    def features(probe, activations):
        numbers, alive = activations.argmax(0), activations.max(0) > 0
        fed = {net.images: scale_pixels(images[numbers]), probe.maps: np.arange(len(numbers))}
        places, projections = session.run([probe.places, probe.projections[DECONVNET]], fed)
        keep(probe, activations, places, projections[..., 0])
        return evolution.draw_maps(crop_patches(projections[..., 0], places, probe.fields, 0), alive)

    def first_kernels(name):
        values = kernels[f"{name}/weights"][:, :, 0].transpose(2, 0, 1)
        return evolution.draw_maps(values, np.ones(len(values), bool), percentile=100)

    def summarize(tag, draw):
        return tf.Summary(value=[image_value(f"{tag}/image", draw())]).SerializeToString()

    calls = {
        f"features/{probe.layer.name}": partial(features, probe, activations)
        for probe, activations in zip(reversed(learning.probes), reversed(strongest))
    }
    name = net.layers[0].name
    calls[f"kernels/{name}"] = partial(first_kernels, name)
    return {learning.fed[tag]: partial(summarize, tag, draw) for tag, draw in calls.items()}
