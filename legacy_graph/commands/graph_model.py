"""Load the graph, layer and images of --graph, for the commands `features` and `deconv`."""

import argparse
import os
from typing import TYPE_CHECKING, Callable, NamedTuple, Optional

from legacy_graph import tf_setup
from legacy_graph.errors import UserError, printable
from legacy_graph.graphs import images

if TYPE_CHECKING:
    from legacy_graph.graphs.model import ConvLayer, Model


class Target(NamedTuple):
    """A loaded graph, one of its layers, and the images to feed."""

    model: "Model"
    layer: "ConvLayer"
    images: images.Images


def graph_name(path: str) -> str:
    """The file name of a graph without its extension: the prefix of the published folders."""
    return printable(os.path.splitext(os.path.basename(os.path.normpath(path)))[0])


def load_target(
    options: argparse.Namespace,
    open_images: Callable[[images.Shape, Optional[images.Preprocessing]], images.Images],
) -> Target:
    """Import TensorFlow, load the graph, find the layer, and open the images.

    Args:
        options: of the command.
        open_images: (H, W, channels of the graph's input, preprocessing) -> images.

    Raises:
        UserError: an option is missing, or does not match the graph.
    """
    if options.layer is None:
        hint = f"list the layers with the command layers --graph {options.graph}"
        raise UserError("--layer", "a layer of the graph", "none", hint)
    if options.range is None and (options.mean or options.bgr):
        raise UserError("--mean and --bgr", "--range as well", "none", "add --range, such as --range 0,255")
    tf_setup.import_tensorflow()
    from legacy_graph.graphs import load

    model = load.load_model(options.graph, options.checkpoint, options.signature, options.input, options.layer)
    if options.size and options.size != model.input_shape[:2]:
        if None not in model.input_shape[:2]:
            fixed = "x".join(map(str, model.input_shape[:2]))
            raise UserError(
                "--size", f"{fixed}, which the graph fixes", "x".join(map(str, options.size)), "leave it out"
            )
        model = load.with_size(model, *options.size)
    opened = open_images(model.input_shape, _preprocessing(options, model.input_shape[2]))
    if opened.size != model.input_shape[:2]:
        model = load.with_size(model, *opened.size)
    return Target(model, load.find_layer(model, options.layer), opened)


def _preprocessing(options, channels):
    if options.range is None:
        return None
    if channels != 3 and (options.bgr or len(options.mean or ()) == 3):
        raise UserError("--mean and --bgr", f"options for {channels} channels", "some for 3", "leave them out")
    return images.Preprocessing(*options.range, options.mean or (), options.bgr)
