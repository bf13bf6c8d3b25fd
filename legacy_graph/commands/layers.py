"""The layers command: shapes, receptive fields and parameters of the network."""

import argparse

from tabulate import tabulate

from legacy_graph import tf_setup
from legacy_graph.errors import ExitStatus


def run(options: argparse.Namespace) -> ExitStatus:
    """Print the table of layers."""
    tf_setup.import_tensorflow()
    from legacy_graph.article import layer_table

    print(tabulate(layer_table.layer_rows(), layer_table.HEADERS, tablefmt="plain", intfmt=","))
    return ExitStatus.OK
