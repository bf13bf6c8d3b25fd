"""Load layers of one graph, each with the images to feed."""

from typing import Callable, Dict, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from legacy_graph.data import arguments
from legacy_graph.data.images import Images, Preprocessing, Shape
from legacy_graph.errors import UserError
from legacy_graph.graphs.load import find_layer, load_source, with_size
from legacy_graph.graphs.model import ConvLayer, Model
from legacy_graph.graphs.read.variables import Source


class Target(NamedTuple):
    """A loaded graph, one of its layers, and the images to feed."""

    model: Model
    layer: ConvLayer
    images: Images


class Loader:
    """Reads a graph at once, and loads its layers when they are needed.

    Args:
        read: reads the graph. The result is changed, so each load needs another one.
        path: of the graph, or another name for messages.
        input: name of the node that takes the images; None if there is only one.
        size: height and width of the images; None if the graph or the images fix them.
        values: of bool placeholders.
        preprocessing: of uint8 images; None without --range.
    """

    def __init__(
        self,
        read: Callable[[], Source],
        path: str,
        input: Optional[str] = None,
        size: Optional[Tuple[int, int]] = None,
        values: Optional[Dict[str, bool]] = None,
        preprocessing: Optional[Preprocessing] = None,
    ) -> None:
        self.path, self.preprocessing, values = path, preprocessing, arguments.switches("values", values)
        size = size if size is None else _image_size(size)
        self._read, self._input, self._size, self._values = read, input, size, values
        self._source: Optional[Source] = read()
        self._loaded: Dict[Optional[str], Model] = {}  # all layers, and the last single one: a graph can be large

    def load(self, layer: Optional[str] = None) -> Model:
        """The graph up to a layer, or with all layers that can be shown.

        Raises:
            UserError: as in `load_source`, or the size or the preprocessing do not match the graph.
        """
        if layer not in self._loaded:
            source, self._source = self._source or self._read(), None
            model = load_source(source, self.path, self._input, layer, self._size, self._values)
            channels, given = model.input_shape[2], self.preprocessing
            if given is not None and channels != 3 and (given.bgr or len(given.mean) == 3):
                raise UserError("--mean and --bgr", f"options for {channels} channels", "some for 3", "leave them out")
            self._loaded = {name: self._loaded[name] for name in self._loaded if name is None}
            self._loaded[layer] = model
        return self._loaded[layer]

    def target(self, layer: str, open_images: Callable[[Shape, Optional[Preprocessing]], Images]) -> Target:
        """Load a layer, and open images for it.

        Args:
            layer: its label, or the name of a tensor.
            open_images: (H, W, channels of the graph's input; preprocessing) -> images.

        Raises:
            UserError: there is no such layer, or the images do not match the graph.
        """
        arguments.text("layer", layer, "the label of a layer, or the name of a tensor, as text", "print model.layers")
        model = self.load(layer)
        images = open_images(model.input_shape, self.preprocessing)
        if images.size != model.input_shape[:2]:
            model = with_size(model, *images.size)
        return Target(model, find_layer(model, layer), images)


def read_preprocessing(
    range: Optional[Tuple[float, float]], mean: Union[float, Sequence[float]], bgr: bool
) -> Optional[Preprocessing]:
    """The preprocessing that the options range, mean and bgr describe; None without a range.

    Raises:
        UserError: a mean or bgr without a range, or a range of one value.
    """
    if mean is None or np.size(mean):
        mean = arguments.numbers("mean", mean, (1, 3))
    arguments.boolean("bgr", bgr)
    if range is None:
        if mean or bgr:
            raise UserError("--mean and --bgr", "--range as well", "none", "add --range, such as --range 0,255")
        return None
    low, high = arguments.numbers("range", range, (2,))
    if low == high:
        hint = "give the input values for the pixels 0 and 255, such as 0,1"
        raise UserError("--range", "two numbers that differ", f"{low:g} twice", hint)
    return Preprocessing(low, high, tuple(mean), bgr)


def _image_size(size):
    height_and_width = arguments.integers("size", size, 1).tolist()
    if len(height_and_width) != 2:
        raise UserError("size", "height and width", repr(size), "give both, such as (224, 224)")
    return tuple(height_and_width)
