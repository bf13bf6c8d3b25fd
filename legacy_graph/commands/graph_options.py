"""The options of the commands that read someone else's graph."""

import argparse

from legacy_graph.config import DEFAULT_SIGNATURE
from legacy_graph.errors import UserError


def add_graph_options(command: argparse.ArgumentParser) -> None:
    """Add the options that say which graph to load and where it begins."""
    add = command.add_argument_group("a graph that someone else trained").add_argument
    add("--graph", metavar="PATH", help="a frozen graph (.pb, .pbtxt), a MetaGraph (.meta) or a SavedModel directory")
    add("--checkpoint", metavar="PREFIX", help="the checkpoint of a MetaGraph (default: the one beside it)")
    add("--signature", default=DEFAULT_SIGNATURE, metavar="NAME", help="of a SavedModel (default: %(default)s)")
    add("--input", metavar="NAME", help="the node that takes the images, where the graph has several inputs")


def check_graph_options(options: argparse.Namespace) -> None:
    """Refuse an option that only a graph of --graph has, where there is none.

    Raises:
        UserError: --checkpoint, --signature or --input without --graph.
    """
    given = {
        "--checkpoint": options.checkpoint is not None,
        "--signature": options.signature != DEFAULT_SIGNATURE,
        "--input": options.input is not None,
    }
    for name in [name for name, is_given in given.items() if is_given and options.graph is None]:
        raise UserError(name, "--graph PATH beside it", "none", "name the graph with --graph")
