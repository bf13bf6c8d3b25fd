"""Refuse NaN and infinite values, which would be drawn as grey tiles."""

from typing import Dict, Sequence, Tuple

import numpy as np

from legacy_graph.data.images import Images
from legacy_graph.errors import UserError


def check_images(subject: str, images: np.ndarray, begin: int = 0) -> Tuple[float, float]:
    """Raise UserError if one of the preprocessed images [B, H, W, channels] is not finite.

    `subject` is their source; `begin` is the number of the first one.

    Returns:
        The smallest and the largest value.
    """
    low, high = float(images.min()), float(images.max())
    if not np.isfinite([low, high]).all():
        bad = np.flatnonzero(~np.isfinite(images).all(axis=(1, 2, 3)))
        found = f"NaN or infinite values in image {begin + bad[0]} (counted from 0)"
        raise UserError(subject, "finite values after preprocessing", found, "check the images, --range and --mean")
    return low, high


def take(images: Images, numbers: Sequence[int]) -> np.ndarray:
    """`images.take(numbers)`; UserError if an image is not finite."""
    taken = images.take(numbers)
    check_images("--images", taken, numbers[0])
    return taken


def check_layer(layer: str, values: np.ndarray, kind: str) -> None:
    """Raise UserError if the activations or projections (`kind`) of a layer are not finite."""
    if not np.isfinite(values).all():
        hint = "check the weights of the network up to this layer"
        raise UserError(layer, f"finite {kind}", "NaN or infinite values", hint)


def check_operations(finite: Dict[str, np.ndarray]) -> None:
    """Raise UserError if an operation before a layer has values that are not finite; see `probe.ProbedLayer.finite`."""
    for name, is_finite in finite.items():
        if not is_finite:
            hint = "check --range, and the weights of the network up to this operation"
            raise UserError(f"operation {name}", "finite values", "NaN or infinite values", hint)
