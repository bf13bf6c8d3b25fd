"""What the Python interface returns: a table of layers, projections, and pictures that a notebook shows."""

from typing import List, NamedTuple, Optional

import numpy as np

from legacy_graph.graphs import graph_table
from legacy_graph.graphs.model import ConvLayer, Model
from legacy_graph.visualize import image_grid


class Projections(NamedTuple):
    """One activation of each of N images, projected to the pixels."""

    maps: np.ndarray  # int64 [N], the feature map
    places: np.ndarray  # int64 [N, 2], (y, x) of the activation in the layer's output
    projections: np.ndarray  # float32 [N, H, W] or [N, H, W, 3], RGB


class Occlusion(NamedTuple):
    """How far one activation of each of N images falls when a patch of the image is covered."""

    maps: np.ndarray  # int64 [N], the feature map
    places: np.ndarray  # int64 [N, 2], (y, x) of the activation in the layer's output
    falls: np.ndarray  # float32 [N, H, W], the mean over the patches that cover the pixel; below 0 where it rises


class Picture(np.ndarray):
    """A uint8 array [H, W] or [H, W, 3], RGB, that a notebook shows as a picture."""

    def _repr_png_(self) -> Optional[bytes]:
        is_picture = self.size and (self.ndim == 2 or (self.ndim == 3 and self.shape[2] == 3))
        return image_grid.encode_png(np.asarray(self)) if is_picture else None


class Layers(List[ConvLayer]):
    """The layers of a graph, in topological order. Prints as the table of the command `layers`."""

    def __init__(self, model: Model) -> None:
        super().__init__(model.layers)
        self.notes, self._model = model.notes, model  # sentences about changes of the graph and omitted layers

    def __repr__(self) -> str:
        return graph_table.layer_text(self._model)
