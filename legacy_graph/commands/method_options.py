"""The options that choose a method: a projection and how it is drawn, or occlusion and its patch."""

import argparse
from typing import TYPE_CHECKING, Tuple, Union

from legacy_graph.commands.option_values import integer, numbers, refuse
from legacy_graph.config import ALL_METHODS, DRAWN, MEAN, OCCLUSION

if TYPE_CHECKING:
    from legacy_graph.visualize.cover import CoverOptions


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


def cover_options(options: argparse.Namespace) -> "CoverOptions":
    """The patch that the options describe. Imports numpy."""
    from legacy_graph.visualize.cover import CoverOptions

    return CoverOptions(options.patch, options.stride, options.cover)


def check_cover(options: argparse.Namespace, used: bool) -> None:
    """Refuse --patch, --stride and --cover in a command that covers nothing (not `used`).

    Raises:
        UserError: names the first such option.
    """
    if not used:
        hint = f"add --method {OCCLUSION}"
        refuse(options, ("patch", "stride", "cover"), f"--method {OCCLUSION} beside it", "none", hint)


def _cover(text: str) -> Union[str, Tuple[float, ...]]:
    return MEAN if text == MEAN else numbers(f"one number, R,G,B or {MEAN}", (1, 3))(text)
