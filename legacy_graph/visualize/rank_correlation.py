"""Spearman's rank correlation of two projections of the same activation. Does not import TensorFlow."""

from typing import Iterator, Tuple

import numpy as np

from legacy_graph.article.receptive_field import Fields, crop_patches


def rank_correlations(first: np.ndarray, second: np.ndarray, places: np.ndarray, fields: Fields) -> np.ndarray:
    """The rank correlation of each pair of projections within its receptive field, float64 [N].

    The arguments are those of `field_pairs`.
    """
    return np.array([rank_correlation(*pair) for pair in field_pairs(first, second, places, fields)])


def fall_correlations(falls: np.ndarray, projections: np.ndarray, places: np.ndarray, fields: Fields) -> np.ndarray:
    """Do the pixels that a projection shows lower the activation when they are covered?

    Args:
        falls: float [N, H, W], or [N, H, W, 3] with three equal channels: the fall of each activation by occlusion.
        projections: float [N, H, W] or [N, H, W, 3], of the same activations.
        places: as for `field_pairs`.
        fields: as for `field_pairs`.

    Returns:
        float64 [N, 2], the rank correlation of the falls with the magnitude of the projection and with its positive
        part, both summed over the colours. NaN where a projection is 0 everywhere.
    """
    falls = falls if falls.ndim == 3 else falls[..., 0]
    there = projections.any(axis=tuple(range(1, projections.ndim)))
    correlations, seen = np.full([len(projections), 2], np.nan), projections[there].astype(float)
    for column, part in enumerate((np.abs(seen), np.maximum(seen, 0))):
        part = part.sum(axis=3) if part.ndim == 4 else part
        correlations[there, column] = rank_correlations(falls[there], part, places[there], fields)
    return correlations


def field_pairs(
    first: np.ndarray, second: np.ndarray, places: np.ndarray, fields: Fields
) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
    """For each activation, both projections at the pixels of its receptive field inside the image, float64 [pixels].

    Args:
        first: [N, H, W] or [N, H, W, 3].
        second: of the same shape.
        places: integers [N, 2], (y, x) in the layer's output.
        fields: of that layer, down and across.
    """
    for pair in zip(*[crop_patches(projections, places, fields, np.nan) for projections in (first, second)]):
        seen = np.isfinite(pair[0])  # the other pixels are outside the image
        yield tuple(values[seen].astype(float) for values in pair)


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation of two float [N]; ties get their mean rank. It is 0 if one array is constant."""
    (a, b) = [ranks - ranks.mean() for ranks in (_ranks(first), _ranks(second))]
    spread = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / spread) if spread > 0 else 0.0


def _ranks(values):
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]
