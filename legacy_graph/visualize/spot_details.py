"""What the DECONVNET dashboard shows of each strong activation besides its projection, for the .npz file of `features`.

    inputs              uint8 [K, H, W] or [K, H, W, 3], the complete images
    input_numbers       int64 [K], their numbers, ascending
    method, channels    name of the projection method, number of feature maps of the layer
    control             as `projections`, through a random kernel
    deconvnet, gradient, guided, occlusion    as `projections`, by the other methods
    control_deconvnet, control_gradient, control_guided    as these, through a random kernel
    answers             float32 [K, 10], the class probabilities of the complete images

The other methods, their controls and `answers` exist only for the article's network, `answers` not for a step of which
only the convolution weights were kept, `occlusion` only for up to `OCCLUDED` spots of the last step. For a graph that
someone else trained, `control` exists only if it was computed for the sheet.
"""

from typing import Any, Dict, NamedTuple, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.article.deconv import deconvolve
from legacy_graph.article.dense import all_layers
from legacy_graph.config import METHODS, OCCLUSION
from legacy_graph.data.images import Images
from legacy_graph.visualize import sanity_check
from legacy_graph.visualize.cover import Cover
from legacy_graph.visualize.occlusion import spot_occlusion
from legacy_graph.visualize.probe import Probe, ProbedLayer
from legacy_graph.visualize.top_activations import TopActivations, project

OCCLUDED = 1000  # maximum number of spots that are occluded without being asked for: each takes about 100 images
TOO_MANY = f"Occlusion is not measured for more than {OCCLUDED:,} spots; --control occlusion measures it."


class Details(NamedTuple):
    """The tensors to fetch from the article's network."""

    projections: Dict[str, tf.Tensor]  # name in the file -> float32 [B, H, W, 1], for the maps and places of the probe
    answers: Optional[tf.Tensor]  # float32 [B, 10], probabilities; None if only convolution weights are restored
    feed: Dict[tf.Tensor, Any]  # what `answers` needs besides the images
    occluded: bool = True  # whether occlusion is measured too


def build(net: network.Network, probe: Probe, ties: str) -> Details:
    """Add the tensors to the network's graph. `ties` is as in `deconv.unpool`."""
    layers, others = all_layers(net), [name for name in METHODS if name != probe.layer.method]
    others = {name: deconvolve(layers, probe.layer.name, probe.maps, probe.places, name, ties) for name in others}
    return Details(others, net.probabilities, {net.keep_prob: 1.0})


def collect(
    session: tf.Session,
    probe: Probe,
    images: Images,
    strongest: TopActivations,
    control: Optional[TopActivations],
    details: Optional[Details],
    cover: Optional[Cover],
    occluded: bool = False,
) -> Dict[str, np.ndarray]:
    """The arrays for the .npz file, see above.

    Args:
        session: of the probe's graph.
        probe: of the layer.
        images: the scanned images.
        strongest: their strongest activations.
        control: the same activations projected through a random kernel, if they were computed before.
        details: of the article's network; None for another graph.
        cover: the patch of occlusion; needed for the article's network.
        occluded: measure occlusion in any case; the default is only up to `OCCLUDED` spots of the article's network.
    """
    there = strongest.images >= 0
    numbers = np.unique(strongest.images[there])
    arrays = {
        "inputs": images.shown(numbers),
        "input_numbers": numbers,
        "method": np.array(probe.layer.method),
        "channels": np.array(probe.layer.output.shape.as_list()[3]),
    }
    maps = strongest.maps[np.nonzero(there)[0]]
    spots = strongest.images[there], maps, strongest.places[there]
    if details is not None:
        occluded = occluded or (details.occluded and len(maps) <= OCCLUDED)
        if probe.projections is not None:
            control = control or sanity_check.project_random(session, probe, images, strongest)
        if details.answers is not None:
            arrays["answers"] = _answers(session, probe, images, numbers, details)
        for name, projections in details.projections.items():
            other = probe._replace(projections=projections)
            arrays[name] = _at_spots(strongest, project(session, other, images, *spots))
            arrays[f"control_{name}"] = sanity_check.project_random(session, other, images, strongest).projections
    if occluded and probe.layer.method != OCCLUSION:
        falls = _at_spots(strongest, spot_occlusion(session, probe, images, *spots, cover))
        # All pictures of a file are grey, or all are coloured.
        arrays[OCCLUSION] = falls if strongest.projections.ndim == 4 else np.repeat(falls[..., None], 3, 4)
    if control is not None:
        arrays["control"] = control.projections
    return arrays


def _at_spots(strongest, values):
    """The values of the spots, [N, H, W], as [M, top, H, W], with zeros where a map has fewer spots."""
    arrays = np.zeros((*strongest.images.shape, *values.shape[1:]), np.float32)
    arrays[strongest.images >= 0] = values
    return arrays


def _answers(session, probe, images, numbers, details):
    parts = [np.zeros([0, details.answers.shape.as_list()[1]], np.float32)]
    for begin in range(0, len(numbers), probe.chunk):
        fed = {probe.layer.images: images.take(numbers[begin : begin + probe.chunk]), **details.feed}
        parts.append(session.run(details.answers, fed))
    return np.concatenate(parts)


def shown_kernels(
    session: tf.Session, layer: ProbedLayer, images: Images, maps: np.ndarray, random: bool = False
) -> Optional[np.ndarray]:
    """The kernel of each map, float32 [M, h, w] or [M, h, w, 3]; None if the layer does not read the images."""
    if not layer.first:
        return None
    shape = layer.kernel.shape.as_list()
    kernel = sanity_check.random_kernel(shape) if random else session.run(layer.kernel)
    return images.to_shown(kernel.transpose(3, 0, 1, 2)[maps])
