"""What the user can mend, told in one line."""

import os
import shlex
import sys


class UserError(Exception):
    """Bad input: the message names the thing, what was expected, what came and what to do.

    The command line prints it without a traceback and leaves with exit status 2.
    """


def command() -> str:
    """How the user called this program, through run.sh or not: the beginning of a command to call it again."""
    door, python = os.environ.get("LEGACY_GRAPH_RUN_SH"), os.environ.get("PYTHON")
    if not door:
        return f"{shlex.quote(sys.executable)} -m legacy_graph"
    return (f"PYTHON={shlex.quote(python)} " if python else "") + f"bash {shlex.quote(door)}"
