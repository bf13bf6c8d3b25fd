"""The check command: which dashboards have data, and why a dashboard is empty (提示 no dashboard)."""

import argparse
import contextlib
import os

from legacy_graph import tf_setup
from legacy_graph.board import runs
from legacy_graph.errors import ExitStatus
from legacy_graph.logdir import locate


def run(options: argparse.Namespace) -> ExitStatus:
    """Print a table of dashboards and runs; INCOMPLETE if a dashboard is empty."""
    logdir = locate.find_logdir(options.path or [options.logdir])
    tf_setup.import_tensorflow()
    from legacy_graph.logdir import dashboards
    from legacy_graph.logdir.event_reader import DashboardData

    served = runs.find_runs(logdir)
    results = {
        name: DashboardData(dict.fromkeys(run.sheets, []), _size(run)) for name, run in served.items() if run.sheets
    }
    trained = [run.folder for run in served.values() if run.newest is not None]
    no_results = f"to fill it: {runs.features_command(trained[0], 'all')}" if trained and not results else ""
    report, complete = dashboards.report(logdir, results, no_results)
    print(report)
    return ExitStatus.OK if complete else ExitStatus.INCOMPLETE


def _size(run: runs.RunResults) -> int:
    """Bytes of the results of a run; a file that `features` replaces meanwhile may count as 0."""
    size = 0
    for path in {path for steps in run.sheets.values() for path in steps.values()}:
        with contextlib.suppress(OSError):
            size += os.path.getsize(path)
    return size
