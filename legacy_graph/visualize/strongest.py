"""The strongest activations of a layer, and their projections. Does not import TensorFlow."""

from typing import NamedTuple

import numpy as np


class TopActivations(NamedTuple):
    """The strongest activations of M maps, up to `top` per map; missing entries are -1 or 0."""

    maps: np.ndarray  # int64 [M]
    wins: np.ndarray  # float64 [M], the fraction of all positions in all images where the map is the strongest
    images: np.ndarray  # int64 [M, top], numbers of the images, strongest first; -1 means none
    places: np.ndarray  # int64 [M, top, 2], (y, x) in the layer's output
    activations: np.ndarray  # float32 [M, top]
    projections: np.ndarray  # float32 [M, top, H, W] or [M, top, H, W, 3], RGB; by occlusion three equal channels
    # True: no value before the layer overflows, for any image. False: only the first images and the images on
    # the sheet were checked.
    bounded: bool = False
