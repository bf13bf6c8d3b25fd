"""The options of the commands that read someone else's graph."""

import argparse


def add_graph_options(command: argparse.ArgumentParser) -> None:
    """Add the options that say which graph to load and where it begins."""
    add = command.add_argument_group("a graph that someone else trained").add_argument
    add("--graph", metavar="PATH", help="a frozen graph (.pb, .pbtxt), a MetaGraph (.meta) or a SavedModel directory")
    add("--checkpoint", metavar="PREFIX", help="the checkpoint of a MetaGraph (default: the one beside it)")
    add("--signature", default="serving_default", metavar="NAME", help="of a SavedModel (default: %(default)s)")
    add("--input", metavar="NAME", help="the node that takes the images, where the graph has several inputs")
