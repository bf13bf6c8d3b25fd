"""The strongest activations of a layer, and their projections. Does not import TensorFlow."""

from typing import NamedTuple, Tuple

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

    @property
    def there(self) -> np.ndarray:
        """bool [M, top], False where a map has fewer activations."""
        return self.images >= 0

    @property
    def spots(self) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The N activations that are there: their images, integers [N], maps [N], and places [N, 2]."""
        return self.images[self.there], self.maps[np.nonzero(self.there)[0]], self.places[self.there]

    def spread(self, values: np.ndarray, empty: float = 0) -> np.ndarray:
        """Values of `spots`, [N, ...], as [M, top, ...], `empty` where a map has fewer activations."""
        shape = self.images.shape + values.shape[1:]
        if self.there.all():
            return values.reshape(shape)  # no copy: projections can take 500 MB
        spread = np.full(shape, empty, values.dtype)
        spread[self.there] = values
        return spread
