"""The graph of --graph for the view "Your network", and what the page asks about it. Does not import TensorFlow."""

from typing import TYPE_CHECKING, NamedTuple, Optional, Sequence

from legacy_graph.data.images import Preprocessing

if TYPE_CHECKING:
    from legacy_graph.graphs.model import ConvLayer, Model
    from legacy_graph.visualize.cover import CoverOptions


class OpenGraph(NamedTuple):
    """A graph that someone else trained, for the view "Your network"."""

    title: str  # the name of its file
    model: "Model"  # with at least one layer, and a fixed size of images
    preprocessing: Preprocessing
    about: Optional[str]  # how a picture is prepared; None if the graph takes arrays alone
    method: str  # of the projections that are shown first
    cover: "CoverOptions"  # the patch of occlusion
    names: Optional[Sequence[str]] = None  # of the classes; None: their numbers

    @property
    def logits(self) -> Optional["ConvLayer"]:
        """The last layer, if it has one position: one value for each class."""
        last = self.model.layers[-1]
        return last if last.shape[:2] == (1, 1) else None


class Asked(NamedTuple):
    """What the page asks about a picture in `OpenGraph`."""

    layer: str
    map: Optional[int]  # None: the map with the strongest activation
    method: str  # "": that of the command line; one that is not defined for the layer: the first that is
    order: str  # of the maps: "activation" or "number"
    page: int  # of the maps, from 0 on
    image: int = 0  # the number of the image in a posted array
