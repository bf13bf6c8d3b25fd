"""Read the graph of --graph, for the commands `features`, `deconv` and `tensorboard`."""

import argparse
import os
from typing import TYPE_CHECKING, Any, Callable, Iterator, Optional, Tuple

from legacy_graph import tf_setup
from legacy_graph.board.open_graph import OpenGraph
from legacy_graph.commands.option_values import ALL, layer_names, refuse
from legacy_graph.commands.shared_options import cover_options
from legacy_graph.config import DECONVNET, DEFAULT_SIGNATURE, OCCLUSION
from legacy_graph.data import images
from legacy_graph.data.class_names import read_names
from legacy_graph.errors import UserError, launch_command, printable

if TYPE_CHECKING:
    from legacy_graph.graphs.target import Target
    from legacy_graph.visualize.loaded_model import ImageSource, LoadedModel


def open_model(options: argparse.Namespace, cluster: bool = False) -> "LoadedModel":
    """Import TensorFlow, and read the graph of --graph, for a command with the option --layer.

    Args:
        options: of the command.
        cluster: whether this process serves a cluster, see `tf_setup.import_tensorflow`.

    Raises:
        UserError: an option does not go with the others, or the graph cannot be read.
    """
    refuse(options, ("ties",), "this option without --graph", "--graph", "leave it out: the first maximum is used")
    if options.layer is None:
        hint = f"list them with: {launch_command('layers', '--graph', options.graph)}"
        raise UserError("--layer", "a layer of the graph", "none", hint)
    return _read(options, cluster)


def each_layer(
    opened: "LoadedModel", layers: str, images: "ImageSource", show: Callable[["Target"], Any]
) -> Iterator[Tuple["Target", Any]]:
    """Yield (a layer with its images, what `show` returns for it) for each layer in the value of --layer.

    With `ALL`, the notes of the graph are printed, and a layer that cannot be shown is left out with a message. If none
    can be shown, the last error is raised.
    """
    for note in opened.layers.notes if layers == ALL else ():
        print(note)
    shown, error = False, None
    for name in layer_names(layers) or [layer.label for layer in opened.layers]:
        target = opened.target(name, images)
        try:
            result = show(target)
        except UserError as unsuitable:
            if layers != ALL:
                raise
            error = unsuitable
            print(f"Left out: {target.layer.label}. {unsuitable}")
        else:
            shown = True
            yield target, result
    if error is not None and not shown:
        raise error


def open_graph(options: argparse.Namespace) -> OpenGraph:
    """The graph of --graph with all its layers, for the dashboard. Imports TensorFlow.

    Raises:
        UserError: the graph does not take pictures with these options, or --class-names does not fit it.
    """
    loader = _read(options).loader
    model = loader.load()
    if not model.layers:
        raise UserError(options.graph, "a graph with layers that can be shown", "none", "choose another graph")
    about = _describe_pictures(model.input_shape, loader.preprocessing)
    title = printable(os.path.basename(os.path.abspath(options.graph)))
    method = DECONVNET if options.method in (None, OCCLUSION) else options.method  # occlusion is always beside it
    opened = OpenGraph(title, model, loader.preprocessing, about, method, cover_options(options))
    if options.class_names is None:
        return opened
    if opened.logits is None:
        expected, hint = "a graph whose last layer has one value for each class", "leave --class-names out"
        raise UserError("--class-names", expected, "another layer", hint)
    return opened._replace(names=read_names(options.class_names, opened.logits.shape[2]))


def _describe_pictures(shape: images.Shape, preprocessing: Optional[images.Preprocessing]) -> Optional[str]:
    """How a picture is prepared for a graph. None for signals without a range or of other channels: arrays alone."""
    if shape[0] == 1 and (preprocessing is None or shape[2] not in (1, 3)):
        images.check_size(shape)
        return None
    return images.from_files([], shape, preprocessing).about  # refuses what the graph cannot read


def _read(options, cluster=False) -> "LoadedModel":
    """Import TensorFlow and read the graph; see `open_model`."""
    tf_setup.import_tensorflow(cluster)
    from legacy_graph import api

    return api.load_model(
        options.graph, options.checkpoint, options.signature or DEFAULT_SIGNATURE, options.input, options.size,
        dict(options.set or ()), options.tags, options.range, options.mean or (), options.bgr,
    )  # fmt: skip
