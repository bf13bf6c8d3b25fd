"""The layers command: shapes, receptive fields and parameters of a network."""

import argparse

from tabulate import tabulate

from legacy_graph import tf_setup
from legacy_graph.commands.shared_options import check_graph_options
from legacy_graph.config import DEFAULT_SIGNATURE
from legacy_graph.errors import ExitStatus


def run(options: argparse.Namespace) -> ExitStatus:
    """Print the table of layers of the article's network, or of the graph given with --graph."""
    check_graph_options(options)
    tf_setup.import_tensorflow()
    if options.graph is None:
        from legacy_graph.article import layer_table

        print(tabulate(layer_table.layer_rows(), layer_table.HEADERS, tablefmt="plain", intfmt=","))
    else:
        # Not by `api`, which imports all that draws pictures.
        from legacy_graph.graphs.graph_table import layer_text
        from legacy_graph.graphs.load import load_source
        from legacy_graph.graphs.read import read_source

        signature = options.signature or DEFAULT_SIGNATURE
        source = read_source(options.graph, options.checkpoint, signature, options.tags)
        print(layer_text(load_source(source, options.graph, options.input, values=dict(options.set or ()))))
    return ExitStatus.OK
