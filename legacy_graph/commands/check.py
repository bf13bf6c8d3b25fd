"""The check command: which dashboards have data, and why a dashboard is empty (提示 no dashboard)."""

import argparse

from legacy_graph import tf_setup
from legacy_graph.errors import ExitStatus
from legacy_graph.logdir import locate


def run(options: argparse.Namespace) -> ExitStatus:
    """Print a table of dashboards and runs; INCOMPLETE if a dashboard is empty."""
    logdir = locate.find_logdir(options.path or [options.logdir])
    tf_setup.import_tensorflow()
    from legacy_graph.logdir import dashboards

    report, complete = dashboards.report(logdir)
    print(report)
    return ExitStatus.OK if complete else ExitStatus.INCOMPLETE
