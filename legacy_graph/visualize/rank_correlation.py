"""Spearman's rank correlation of two projections of the same activation. Does not import TensorFlow."""

from typing import Iterator, Tuple

import numpy as np

from legacy_graph.article.receptive_field import Fields, crop_patches


def rank_correlations(one: np.ndarray, other: np.ndarray, places: np.ndarray, fields: Fields) -> np.ndarray:
    """The rank correlation of each pair of projections within its receptive field, float64 [N].

    The arguments are those of `field_pairs`.
    """
    return np.array([rank_correlation(*pair) for pair in field_pairs(one, other, places, fields)])


def field_pairs(
    one: np.ndarray, other: np.ndarray, places: np.ndarray, fields: Fields
) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
    """For each activation, both projections at the pixels of its receptive field inside the image, float64 [pixels].

    Args:
        one: [N, H, W] or [N, H, W, 3].
        other: of the same shape.
        places: integers [N, 2], (y, x) in the layer's output.
        fields: of that layer, down and across.
    """
    for pair in zip(*[crop_patches(projections, places, fields, np.nan) for projections in (one, other)]):
        seen = np.isfinite(pair[0])  # the other pixels are outside the image
        yield tuple(values[seen].astype(float) for values in pair)


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation of two float [N]; ties get their mean rank. It is 0 if one array is constant."""
    (a, b) = [ranks - ranks.mean() for ranks in (_ranks(one), _ranks(other))]
    spread = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / spread) if spread > 0 else 0.0


def _ranks(values):
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]
