"""The options that several commands have: the graph of --graph, the preprocessing of its images, and the method."""

import argparse
import re
from typing import TYPE_CHECKING, Sequence, Tuple, Union

from legacy_graph.commands.option_values import integer, name, numbers, path, refuse
from legacy_graph.config import ALL_METHODS, DEFAULT_SIGNATURE, DRAWN, MEAN, OCCLUSION

if TYPE_CHECKING:
    from legacy_graph.visualize.cover import CoverOptions


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


def add_method_options(command: argparse.ArgumentParser, default: str, draws: bool = True) -> None:
    """Add --method and the options of the patch of occlusion, and --draw for a command that `draws` sheets.

    `default` describes the default of --method.
    """
    add = command.add_argument_group("method").add_argument
    add("--method", choices=tuple(ALL_METHODS), help=f"a projection, or {OCCLUSION}: how far the activation falls "
        f"while a patch of the image is covered (default: {default})")  # fmt: skip
    if draws:
        add("--draw", choices=DRAWN, help="signed: draw projections with their signs, mid grey is 0; magnitude: draw "
            "their magnitude, and darken the image where it is small (default: signed; magnitude for parts of large "
            "images, and for guided and gradient in colour after the first layer)")  # fmt: skip
    add("--patch", type=integer(1, 10000), metavar="N", help=f"{OCCLUSION}: side of the patch in pixels "
        "(default: a fifth of the receptive field, or a seventh of the complete image)")  # fmt: skip
    add("--stride", type=integer(1, 10000), metavar="N", help=f"{OCCLUSION}: pixels from one patch to the next "
        "(default: half of --patch)")  # fmt: skip
    add("--cover", type=_cover, metavar="VALUE", help=f"{OCCLUSION}: value of the covered pixels: 0 to 255, as one "
        "number or R,G,B; or mean, the mean of the images (default: 0 for grey pictures, else mean)")  # fmt: skip


def check_graph_options(options: argparse.Namespace, more: Sequence[str] = ()) -> None:
    """Refuse options of `add_graph_options` and `add_image_options`, and those in `more`, without --graph.

    Raises:
        UserError: names the first such option.
    """
    if options.graph is None:
        names = ("checkpoint", "signature", "tags", "input", "set", "range", "mean", "bgr", "size", *more)
        refuse(options, names, "--graph PATH beside it", "none", "name the graph with --graph")


def check_cover(options: argparse.Namespace, used: bool) -> None:
    """Refuse --patch, --stride and --cover in a command that covers nothing (not `used`).

    Raises:
        UserError: names the first such option.
    """
    if not used:
        hint = f"add --method {OCCLUSION}"
        refuse(options, ("patch", "stride", "cover"), f"--method {OCCLUSION} beside it", "none", hint)


def cover_options(options: argparse.Namespace) -> "CoverOptions":
    """The patch that the options describe. Imports numpy."""
    from legacy_graph.visualize.cover import CoverOptions

    return CoverOptions(options.patch, options.stride, options.cover)


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


def _cover(text: str) -> Union[str, Tuple[float, ...]]:
    return MEAN if text == MEAN else numbers(f"one number, R,G,B or {MEAN}", (1, 3))(text)
