"""A loaded graph whose layers can be shown: the strongest activations, projections, and sheets."""

import contextlib
import functools
import os
from typing import Optional, Sequence, Tuple, Union

import numpy as np

from legacy_graph.cluster.session import open_session
from legacy_graph.cluster.tf_config import Cluster
from legacy_graph.config import ALL_METHODS, MEAN, METHODS, OCCLUSION, TOP
from legacy_graph.data import arguments
from legacy_graph.data.images import from_checked_array, open_images, open_pictures
from legacy_graph.errors import UserError
from legacy_graph.graphs.target import Loader, Target
from legacy_graph.visualize import feature_sheets, top_activations
from legacy_graph.visualize.array_file import Results
from legacy_graph.visualize.cover import CoverOptions, choose_cover
from legacy_graph.visualize.feature_sheets import SheetOptions
from legacy_graph.visualize.layer_probes import graph_probe
from legacy_graph.visualize.occlusion import spot_occlusion
from legacy_graph.visualize.probe import OpenProbe
from legacy_graph.visualize.results import Layers, Occlusion, Picture, Projections
from legacy_graph.visualize.top_activations import TopActivations

# The path of a folder of pictures, of one picture, or of an .npy, .npz or IDX file; paths of pictures; or an array
# [N, H, W, channels]: uint8 with `range`, or without it floating point values as the graph takes them.
ImageSource = Union[str, Sequence[str], np.ndarray]


class LoadedModel:
    """A graph whose layers can be shown. `load_model` and `from_session` make it.

    Args:
        loader: of the graph.
        name: of the graph, for headings.
    """

    def __init__(self, loader: Loader, name: str) -> None:
        self.loader, self.name = loader, name

    def __repr__(self) -> str:
        return f"{self.name}\n{self.layers}"

    @property
    def layers(self) -> Layers:
        """All layers that can be shown."""
        return Layers(self.loader.load())

    def top_activations(
        self,
        layer: str,
        images: ImageSource,
        top: int = TOP,
        method: Optional[str] = None,
        maps: Optional[Sequence[int]] = None,
    ) -> TopActivations:
        """The strongest activations of each feature map, at most one per image, projected to the pixels.

        Args:
            layer: label of a layer, or the name of a tensor [B, h, w, C].
            images: N images to scan, see `ImageSource`.
            top: activations per map.
            method: "deconvnet", "gradient" or "guided"; or "occlusion", the fall of the activation under a patch. None
                chooses a projection that shows the images.
            maps: numbers of M feature maps; None takes all, those that win most often first, and up to 256.

        Returns:
            maps int64 [M], wins float64 [M], images int64 [M, top], places int64 [M, top, 2], activations float32
            [M, top], projections float32 [M, top, H, W] or [M, top, H, W, 3]. See `TopActivations`.

        Raises:
            UserError: no such layer or map; fewer than `top` images, or images that do not match the graph; a method
                that is not defined for the layer.
        """
        target = self.target(layer, images)
        scan = _prepare(target, method, SheetOptions(maps, top))
        with open_session(scan.graph) as session:
            opened = OpenProbe(session, scan.probe, target.images)
            return top_activations.collect(opened, scan.maps, scan.top, scan.by_wins, scan.limit)

    def project(
        self,
        layer: str,
        images: ImageSource,
        maps: Union[int, Sequence[int]],
        places: Optional[Sequence[Tuple[int, int]]] = None,
        method: Optional[str] = None,
    ) -> Projections:
        """Project one activation of each image to the pixels.

        Args:
            layer, images: as in `top_activations`.
            maps: the feature map of each image, or one for all.
            places: (y, x) in the layer's output for each image; None takes the strongest activation of the map.
            method: "deconvnet", "gradient" or "guided".

        Returns:
            maps int64 [N], places int64 [N, 2], projections float32 [N, H, W] or [N, H, W, 3].

        Raises:
            UserError: as in `top_activations`, or a place outside the layer's output.
        """
        if method == OCCLUSION:
            raise UserError("method", f"one of {', '.join(METHODS)}", method, "call occlude for occlusion")
        with self._spots(layer, images, maps, places, method) as (opened, spots):
            return Projections(*spots[1:], top_activations.project(opened, *spots))

    def occlude(
        self,
        layer: str,
        images: ImageSource,
        maps: Union[int, Sequence[int]],
        places: Optional[Sequence[Tuple[int, int]]] = None,
        patch: Optional[int] = None,
        stride: Optional[int] = None,
        value: Union[None, str, Sequence[float]] = None,
    ) -> Occlusion:
        """Cover a patch of each image at all positions, and measure how far one activation falls.

        Args:
            layer, images, maps, places: as in `project`.
            patch, stride: in pixels; None takes a fifth of the receptive field, and half of that.
            value: of the covered pixels: one or one for each channel, 0 to 255 with `range`; "mean" is the mean colour
                of the images. None takes black for grey pictures, else the mean colour.

        Returns:
            maps int64 [N], places int64 [N, 2], falls float32 [N, H, W].

        Raises:
            UserError: as in `project`, or a patch that does not match the images.

        Source: Zeiler and Fergus, ECCV 2014, section 4.2 and figure 7.
        """
        with self._spots(layer, images, maps, places, OCCLUSION) as (opened, spots):
            options = _cover_options(patch, stride, value, opened.probe.layer.images.shape.as_list()[3])
            cover = choose_cover(options, opened.images, [field.size for field in opened.probe.fields])
            return Occlusion(*spots[1:], spot_occlusion(opened, *spots, cover))

    def sheet(
        self,
        layer: str,
        images: ImageSource,
        top: int = TOP,
        method: Optional[str] = None,
        maps: Optional[Sequence[int]] = None,
        context: bool = False,
    ) -> Picture:
        """The contact sheet of the command `features`: the projections of `top_activations`, and the image patches.

        Args:
            layer, images, top, method, maps: as in `top_activations`.
            context: also draw the complete images.

        Returns:
            uint8 [height, width] or [height, width, 3]. A notebook shows it as a picture.

        Raises:
            UserError: as in `top_activations`.
        """
        arguments.boolean("context", context)
        sheets = self.sheets(self.target(layer, images), method, SheetOptions(maps, top, context=context))
        return sheets.images["features/sheet"].view(Picture)

    @contextlib.contextmanager
    def _spots(self, layer, images, maps, places, method):
        """Yield (the layer in a session, the spots: number, map and place of one in each image)."""
        maps = arguments.integers("maps", maps)
        target = self.target(layer, images)
        scan = _prepare(target, method, SheetOptions(maps, 1))
        count, limits = len(target.images), scan.probe.layer.output.shape.as_list()[1:3]
        maps = _one_each("maps", maps, [count])
        if places is not None:
            places = _one_each("places", arguments.integers("places", places, ndim=2), [count, 2])
            if (places >= limits).any():
                expected = f"rows below {limits[0]} and columns below {limits[1]}"
                raise UserError("places", expected, places.tolist(), "choose places in the layer's output")
        with open_session(scan.graph) as session:
            opened = OpenProbe(session, scan.probe, target.images)
            spots = np.arange(count), maps
            top_activations.check_values(opened, spots[0])
            yield opened, (*spots, top_activations.find_places(opened, *spots) if places is None else places)

    def target(self, layer: str, images: ImageSource, argument: str = "images") -> Target:
        """Load a layer and open images for it, as in `top_activations`. A refusal names `argument`."""
        return self.loader.target(layer, functools.partial(_open_source, argument, images))

    def sheets(
        self, target: Target, method: Optional[str], options: SheetOptions, cluster: Optional[Cluster] = None
    ) -> Results:
        """All pictures and files of the command `features`, as from `feature_sheets.draw`.

        Args:
            target: as from `target`.
            method: as in `layer_probes.graph_probe`.
            options, cluster: as in `feature_sheets.prepare`.
        """
        scan = _prepare(target, method, options, cluster)
        with open_session(scan.graph, cluster) as session:
            return feature_sheets.draw(session, scan, target.images, f"{target.layer.label} of {self.name}")


def _open_source(argument, source, shape, preprocessing):
    """Open an `ImageSource` for images of a shape, (H, W, channels)."""
    if isinstance(source, (str, os.PathLike)):
        return open_images(os.fspath(source), shape, preprocessing)
    if isinstance(source, np.ndarray):
        return from_checked_array(source, argument, shape, preprocessing)
    expected = "a path, paths of pictures, or a numpy array"
    return open_pictures(arguments.paths(argument, source, expected), shape, preprocessing)


def _cover_options(patch, stride, value, channels):
    """The checked arguments of `LoadedModel.occlude`."""
    patch, stride = [
        length if length is None else arguments.integer(name, length, 1)
        for name, length in (("patch", patch), ("stride", stride))
    ]
    if value is not None and not (isinstance(value, str) and value == MEAN):
        value = arguments.numbers("value", value, (1, channels))
    return CoverOptions(patch, stride, value)


def _prepare(target, method, options, cluster=None):
    """Check the options, and prepare the scan of a layer."""
    method, top = arguments.choice("method", method, ALL_METHODS), arguments.integer("top", options.top, 1)
    maps = None if options.maps is None else arguments.integers("maps", options.maps).tolist()
    build = functools.partial(graph_probe, *target[:2], method)
    return feature_sheets.prepare(build, options._replace(maps=maps, top=top), len(target.images), cluster)


def _one_each(name, numbers, shape):
    """`numbers`, or one for all, as an array of the shape."""
    each = numbers if numbers.ndim == len(shape) else numbers[None]
    if len(each) not in (1, shape[0]) or list(each.shape[1:]) != shape[1:]:
        expected, found = [" x ".join(map(str, sides)) for sides in (shape, numbers.shape)]
        raise UserError(name, f"numbers of the shape {expected}", found, "give one for each image")
    return np.broadcast_to(numbers, shape)
