"""The options of the commands that read a graph with --graph."""

import argparse
import re
from typing import Sequence, Tuple

from legacy_graph.commands.option_values import name, numbers, path, refuse
from legacy_graph.config import DEFAULT_SIGNATURE


def add_graph_options(command: argparse.ArgumentParser) -> None:
    """Add the options that select the graph and its input."""
    add = command.add_argument_group("a graph that someone else trained").add_argument
    add("--graph", type=path, metavar="PATH",
        help="frozen graph (.pb, .pbtxt), MetaGraph (.meta), Keras file (.h5, .keras) or SavedModel")  # fmt: skip
    add("--checkpoint", type=path, metavar="PREFIX", help="the checkpoint of a MetaGraph (default: the one beside it)")
    add("--signature", type=name, metavar="NAME", help=f"signature of a SavedModel (default: {DEFAULT_SIGNATURE})")
    add("--tags", type=name, metavar="TAGS", help="tags of the graph, separated by commas, if a SavedModel has "
        "several graphs (default: the graph for inference)")  # fmt: skip
    add("--input", type=name, metavar="NAME", help="the node that takes the images, if the graph has several inputs")
    add("--set", type=_setting, action="append", metavar="NAME=false", help="value of a bool placeholder whose value "
        "the program does not know from its name; may be repeated")  # fmt: skip


def add_image_options(command: argparse.ArgumentParser) -> None:
    """Add the options for the preprocessing of the images."""
    add = command.add_argument_group("with --graph: preprocessing").add_argument
    add("--range", type=numbers("two numbers LOW,HIGH", (2,)), metavar="LOW,HIGH", help="input values of the network "
        "for the pixel values 0 and 255, such as 0,1 or -1,1; required for pictures")  # fmt: skip
    add("--mean", type=numbers("one number, or three R,G,B", (1, 3)), metavar="R,G,B",
        help="mean that is subtracted after --range; one number or three")  # fmt: skip
    add("--bgr", action="store_true", help="give the channels in the order blue, green, red")
    add("--size", type=_size, metavar="HxW", help="height and width in pixels, if the graph does not fix them")


def check_graph_options(options: argparse.Namespace, more: Sequence[str] = ()) -> None:
    """Refuse options of `add_graph_options` and `add_image_options`, and those in `more`, without --graph.

    Raises:
        UserError: names the first such option.
    """
    if options.graph is None:
        names = ("checkpoint", "signature", "tags", "input", "set", "range", "mean", "bgr", "size", *more)
        refuse(options, names, "--graph PATH beside it", "none", "name the graph with --graph")


def _setting(text: str) -> Tuple[str, bool]:
    name, _, value = text.rpartition("=")
    if not name or value.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected NAME=false or NAME=true, found {text!r}")
    return name, value.lower() == "true"


def _size(text: str) -> Tuple[int, int]:
    sides = re.fullmatch("([0-9]{1,5})[xX]([0-9]{1,5})", text)
    height, width = map(int, sides.groups()) if sides else (0, 0)
    if not (0 < height <= 10000 and 0 < width <= 10000):
        raise argparse.ArgumentTypeError(f"expected HEIGHTxWIDTH in pixels, such as 224x224, found {text!r}")
    return height, width
