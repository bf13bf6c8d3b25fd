"""A control for the projections: project the same activations with a random kernel.

If the projection hardly changes, it says little about what the layer has learned: it then depends mainly on the
digit, the lower layers and the method.

Source: Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018; Nie, Zhang and Patel, "A Theoretical
Explanation for Perplexing Behaviors of Backpropagation-based Visualizations", ICML 2018.
"""

from typing import List, NamedTuple, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.network import DEVIATION
from legacy_graph.article.receptive_field import Fields
from legacy_graph.visualize.probe import OpenProbe
from legacy_graph.visualize.rank_correlation import field_pairs, rank_correlation
from legacy_graph.visualize.top_activations import TopActivations, project

STRONGEST = 0.25  # fraction of the receptive field's pixels


class ControlMetrics(NamedTuple):
    """Similarity of learned and random projections, as means over the activations where neither is 0 everywhere."""

    spots: int
    rank_correlation: float  # Spearman's, over the pixels of the receptive field: 1 is equal, 0 unrelated
    learned: float  # fraction of the learned projection's energy in its strongest quarter of the pixels
    random: float  # fraction of the random projection's energy in the SAME pixels; 0.25 is chance
    empty: int = 0  # activations that are left out: no signal reaches the pixels, because ReLUs of the network mask it


def project_random(opened: OpenProbe, learned: TopActivations, method: Optional[str] = None) -> TopActivations:
    """Project the same activations of the same images, with the layer's kernel replaced by random numbers.

    The signal is set to 1, because the map may be 0 there with a random kernel. `method` is as in `project`.
    """
    kernel = random_kernel(opened.probe.layer.kernel.shape.as_list())
    return learned._replace(projections=learned.spread(project(opened, *learned.spots, kernel, method)))


def random_kernel(shape: List[int], seed: int = 0) -> np.ndarray:
    """float32 random numbers of this shape, with the distribution of the article network's initial weights."""
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(tf.truncated_normal(shape, stddev=DEVIATION, seed=seed))


def compare(learned: TopActivations, random: TopActivations, fields: Fields) -> ControlMetrics:
    """Compare two sets of projections of the same activations, within their receptive fields."""
    both = [spots.projections[learned.there] for spots in (learned, random)]
    figures, empty = [], 0
    for ours, theirs in field_pairs(*both, learned.spots[2], fields):
        if not (ours.any() and theirs.any()):
            empty += 1
            continue
        quarter = np.argsort(-np.abs(ours), kind="stable")[: max(1, round(STRONGEST * len(ours)))]
        figures.append((rank_correlation(ours, theirs), _energy_in(ours, quarter), _energy_in(theirs, quarter)))
    means = np.mean(figures, axis=0) if figures else [np.nan] * 3
    return ControlMetrics(len(figures), *map(float, means), empty)


def format_report(likeness: ControlMetrics, layer: str) -> str:
    """The metrics as text."""
    if not likeness.spots:
        return f"Control: {layer} has no spot to compare, because its maps are dead or no signal reaches the pixels"
    empty = f"  left out: {likeness.empty:,} spots where no signal reaches the pixels, because ReLUs mask it"
    return "\n".join(
        [
            f"Control: the same {likeness.spots:,} spots of {layer} with its kernel replaced by random numbers",
            f"  rank correlation, learned against random: {likeness.rank_correlation:.2f} (1: alike, 0: unrelated)",
            f"  energy in the learned projection's strongest quarter of the receptive field: {likeness.learned:.2f} "
            f"learned, {likeness.random:.2f} random (0.25 by chance), ratio {likeness.random / likeness.learned:.2f}",
            *([empty] if likeness.empty else []),
        ]
    )


def _energy_in(values, chosen):
    """The fraction of the sum of squares in the chosen pixels."""
    return (values[chosen] ** 2).sum() / (values**2).sum()
