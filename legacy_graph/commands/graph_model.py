"""Load the graph, layer and images of --graph, for the commands `features` and `deconv`."""

import argparse
import os
import shlex
from typing import TYPE_CHECKING, Callable, List, NamedTuple, Optional

from legacy_graph import tf_setup
from legacy_graph.board.open_graph import OpenGraph
from legacy_graph.config import DECONVNET, DEFAULT_SIGNATURE
from legacy_graph.data import images
from legacy_graph.data.class_names import read_names
from legacy_graph.errors import UserError, launch_command, printable

if TYPE_CHECKING:
    from legacy_graph.graphs.model import ConvLayer, Model


class Target(NamedTuple):
    """A loaded graph, one of its layers, and the images to feed."""

    model: "Model"
    layer: "ConvLayer"
    images: images.Images


def load_target(
    options: argparse.Namespace,
    name: Optional[str],
    open_images: Callable[[images.Shape, Optional[images.Preprocessing]], images.Images],
    cluster: bool = False,
) -> Target:
    """Import TensorFlow, load the graph, find the layer, and open the images.

    Args:
        options: of the command.
        name: the layer; None if the option --layer is missing, which is an error.
        open_images: (H, W, channels of the graph's input, preprocessing) -> images.
        cluster: whether this process serves a cluster, see `tf_setup.import_tensorflow`.

    Raises:
        UserError: an option is missing, or does not match the graph.
    """
    if options.ties is not None:
        raise UserError("--ties", "this option without --graph", "--graph", "leave it out: the first maximum is used")
    if name is None:
        hint = f"list them with: {launch_command()} layers --graph {shlex.quote(options.graph)}"
        raise UserError("--layer", "a layer of the graph", "none", hint)
    model = _load(options, name, cluster)
    from legacy_graph.graphs import load

    opened = open_images(model.input_shape, _preprocessing(options, model.input_shape[2]))
    if opened.size != model.input_shape[:2]:
        model = load.with_size(model, *opened.size)
    return Target(model, load.find_layer(model, name), opened)


def layer_labels(options: argparse.Namespace, cluster: bool = False) -> List[str]:
    """The labels of all layers of --graph that can be shown. Prints the notes of the graph, such as why others cannot.

    `cluster` is as for `load_target`. Raises UserError as `load_model` does.
    """
    model = _load(options, None, cluster)
    for note in model.notes:
        print(note)
    return [layer.label for layer in model.layers]


def open_graph(options: argparse.Namespace) -> OpenGraph:
    """The graph of --graph with all its layers, for the dashboard. Imports TensorFlow.

    Raises:
        UserError: the graph does not take pictures with these options, or --class-names does not fit it.
    """
    model = _load(options, None)
    if not model.layers:
        raise UserError(options.graph, "a graph with layers that can be shown", "none", "choose another graph")
    preprocessing = _preprocessing(options, model.input_shape[2])
    about = images.from_files([], model.input_shape, preprocessing).about  # refuses what the graph cannot read
    title = printable(os.path.basename(os.path.abspath(options.graph)))
    opened = OpenGraph(title, model, preprocessing, about, options.method or DECONVNET)
    if options.class_names is None:
        return opened
    if opened.logits is None:
        hint = "leave it out"
        raise UserError("--class-names", "a graph whose last layer has one value a class", "another layer", hint)
    return opened._replace(names=read_names(options.class_names, opened.logits.shape[2]))


def _load(options, name, cluster=False) -> "Model":
    """Import TensorFlow and load the graph; see `load_target`."""
    if options.range is None and (options.mean or options.bgr):
        raise UserError("--mean and --bgr", "--range as well", "none", "add --range, such as --range 0,255")
    tf_setup.import_tensorflow(cluster)
    from legacy_graph.graphs import load

    signature, values = options.signature or DEFAULT_SIGNATURE, dict(options.set or ())
    model = load.load_model(
        options.graph, options.checkpoint, signature, options.input, name, values=values, tags=options.tags
    )
    if options.size and options.size != model.input_shape[:2]:
        if None not in model.input_shape[:2]:
            fixed = "x".join(map(str, model.input_shape[:2]))
            found = "x".join(map(str, options.size))
            raise UserError("--size", f"{fixed}, which the graph fixes", found, "leave it out")
        model = load.with_size(model, *options.size)
    return model


def _preprocessing(options, channels):
    if options.range is None:
        return None
    if channels != 3 and (options.bgr or len(options.mean or ()) == 3):
        raise UserError("--mean and --bgr", f"options for {channels} channels", "some for 3", "leave them out")
    return images.Preprocessing(*options.range, options.mean or (), options.bgr)
