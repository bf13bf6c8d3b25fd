"""The tensorboard command: TensorBoard with the DECONVNET dashboard, served to this machine by default."""

import argparse
import os
from typing import List

from legacy_graph.config import Config
from legacy_graph.errors import ExitStatus, UserError, launch_command


def run(options: argparse.Namespace) -> ExitStatus:
    """Serve a log directory until the process is stopped. `options.words` are TensorBoard's own flags.

    Raises:
        UserError: TensorBoard refuses the combination of the flags.
    """
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # one picture at a time runs on the CPU; training keeps the GPU
    import absl.logging
    from absl import app
    from tensorboard import default, program
    from tensorboard.plugins.base_plugin import FlagsError

    from legacy_graph.board.plugin import DeconvnetPlugin

    # TensorBoard's dashboards, then those of installed packages. TensorBoard 2 has both in the first list.
    plugins = list(dict.fromkeys([*default.get_plugins(), *default.get_dynamic_plugins(), DeconvnetPlugin]))
    board = program.TensorBoard(plugins)
    absl.logging.set_verbosity(absl.logging.WARNING)
    try:
        app.run(board.main, ["tensorboard", *add_defaults(options.words)], flags_parser=board.configure)
    except FlagsError as error:
        hint = f"see {launch_command()} tensorboard --help"
        raise UserError("tensorboard", "flags that TensorBoard accepts", error, hint) from error
    return ExitStatus.OK


def add_defaults(words: List[str]) -> List[str]:
    """Add --logdir log and --host localhost unless the words contain such flags.

    Without --host, TensorBoard 1.15 serves the log to the whole network.
    """
    names = {word.lstrip("-").partition("=")[0] for word in words if word.startswith("-")}
    added = [] if names & {"host", "bind_all"} else ["--host", "localhost"]
    if not names & {"logdir", "logdir_spec", "event_file", "db"}:
        added += ["--logdir", Config.logdir]
    begin = 1 if words[:1] == ["serve"] else 0  # TensorBoard's subcommand comes before its flags
    return words[:begin] + added + words[begin:]
