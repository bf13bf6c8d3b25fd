"""The tensorboard command: TensorBoard with the DECONVNET dashboard, served to this machine by default."""

import argparse
import os
import re
import socket
import sys
import tempfile
from typing import Any, List, Tuple

from legacy_graph import tf_setup
from legacy_graph.commands import shared_options
from legacy_graph.commands.graph_model import open_graph
from legacy_graph.commands.option_values import path
from legacy_graph.commands.parser import Parser, make_parser
from legacy_graph.config import DECONVNET, Config
from legacy_graph.errors import ExitStatus, UserError, explain, launch_command, reason
from legacy_graph.logdir import locate

INFO = ".tensorboard-info"  # TensorBoard's directory for the list of its processes, in the temporary directory
SHOWN = 1000  # pictures of a tag in IMAGES: more than any run with the default image steps has


def run(options: argparse.Namespace) -> ExitStatus:
    """Serve a log directory until the process is stopped.

    `options.words` are TensorBoard's own flags, and the options of a graph for the view "Your network".

    Raises:
        UserError: the graph cannot be opened; TensorBoard refuses the combination of the flags, cannot serve at the
            host and port, or cannot write its list of processes.
    """
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # one picture at a time runs on the CPU; training keeps the GPU
    os.environ["TQDM_DISABLE"] = "1"  # no progress bars in the server's terminal
    import absl.logging
    from absl import app
    from tensorboard import default, program
    from tensorboard.plugins.base_plugin import FlagsError
    from tensorboard.plugins.image.images_plugin import ImagesPlugin

    from legacy_graph.board.plugin import DeconvnetLoader

    of_graph, words = split_words(options.words)
    loader = DeconvnetLoader()
    # TensorBoard's dashboards, then those of installed packages. TensorBoard 2 has both in the first list.
    plugins = list(dict.fromkeys([*default.get_plugins(), *default.get_dynamic_plugins()]))
    # After IMAGES: in a window of 1,280 pixels, the last tabs are hidden.
    plugins.insert(plugins.index(ImagesPlugin) + 1, loader)
    servers = []

    def create_server(app: Any, flags: argparse.Namespace) -> Any:
        servers.append(_create_server(of_graph.host_names, app, flags))
        return servers[-1]

    board = program.TensorBoard(plugins, server_class=create_server)
    absl.logging.set_verbosity(absl.logging.WARNING)

    def parse(words: List[str]) -> List[str]:
        rest = board.configure(words)
        if not (board.flags.version_tb or board.flags.inspect):
            _prepare(board.flags)
            loader.graph = open_graph(of_graph) if of_graph.graph else None
        return rest

    try:
        app.run(board.main, ["tensorboard", *add_defaults(words)], flags_parser=parse)
    except SystemExit as end:  # absl ends with it, also after Ctrl-C and SIGTERM
        if servers:
            _end_process(int(end.code or 0))
        raise
    except FlagsError as error:
        hint = f"see {launch_command()} tensorboard --help"
        raise UserError("tensorboard", "flags that TensorBoard accepts", error, hint) from error
    return ExitStatus.OK


def _end_process(status: int) -> None:
    """End the process at once. TensorBoard's thread that reads event files does not stop: where it runs C++ code while
    Python finalizes, the process aborts with a list of modules.
    """
    from tensorboard import manager

    manager.remove_info_file()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def split_words(words: List[str]) -> Tuple[argparse.Namespace, List[str]]:
    """(our own options: those of a graph, and --host_names; TensorBoard's own flags in their order).

    Raises:
        UserError: options of a graph without --graph, or an option of another command.
    """
    parser = Parser(prog=f"{launch_command()} tensorboard", usage="%(prog)s [options]", add_help=False)
    shared_options.add_graph_options(parser)
    shared_options.add_image_options(parser)
    shared_options.add_method_options(parser, DECONVNET, draws=False)
    parser.add_argument("--class-names", type=path, metavar="FILE", help="text file with the class names, one a line")
    parser.add_argument("--host_names", type=lambda text: text.split(","), default=[], metavar="NAME,NAME",
        help="more host names under which browsers may reach TensorBoard, such as that of a proxy")  # fmt: skip
    options, rest = parser.parse_known_args(words)
    if {"-h", "--help", "--helpfull"} & set(rest):
        print(parser.format_help())
    for option in [word.partition("=")[0] for word in rest]:
        owners = make_parser().owners(option)
        if owners and option not in ("--help", "--logdir"):
            hint = f"leave it out, or see {launch_command()} tensorboard --help"
            raise UserError(option, "an option of tensorboard", f"one of {', '.join(owners)}", hint)
    shared_options.check_graph_options(options, ("class_names", "method", "patch", "stride", "cover"))
    return options, rest


def add_defaults(words: List[str]) -> List[str]:
    """Write -logdir, as in the article, as --logdir; add --logdir log, --host localhost and --samples_per_plugin if
    these flags are not given.

    Without --host, TensorBoard 1.15 serves the log to the whole network. Without --samples_per_plugin, TensorBoard
    shows ten pictures of a tag, chosen at random.
    """
    words = ["-" + word if re.match("-[A-Za-z][A-Za-z_]", word) else word for word in words]
    names = {word.lstrip("-").partition("=")[0] for word in words if word.startswith("-")}
    added = [] if names & {"host", "bind_all"} else ["--host", "localhost"]
    if not names & {"logdir", "logdir_spec", "event_file", "db"}:
        added += ["--logdir", Config.logdir]
    if "samples_per_plugin" not in names:
        added += ["--samples_per_plugin", f"images={SHOWN}"]
    words = _keep_images(words)
    begin = 1 if words[:1] == ["serve"] else 0  # TensorBoard's subcommand comes before its flags
    return words[:begin] + added + words[begin:]


def _keep_images(words: List[str]) -> List[str]:
    """Add the pictures to a --samples_per_plugin that names other plugins: TensorBoard would show ten of a tag."""
    kept: List[str] = []
    for word in words:
        follows = kept[-1:] == ["--samples_per_plugin"]
        value = word if follows else word.partition("=")[2] if word.startswith("--samples_per_plugin=") else None
        missing = value and "images" not in re.findall("([a-z_]+)=", value)
        kept.append(f"{word},images={SHOWN}" if missing else word)
    return kept


def _prepare(flags: argparse.Namespace) -> None:
    """Print why the log directory has no data, if so. Check the host and `INFO`. Import TensorFlow.

    TensorBoard would import it later, in a thread, where its messages cannot be filtered.
    """
    if flags.logdir:
        flags.logdir = locate.local_path(flags.logdir)
        problem = locate.why_empty(flags.logdir)
        if problem:
            print(f"legacy_graph: {problem}. TensorBoard will show what is written there later.", file=sys.stderr)
    if flags.port is not None and not 0 <= flags.port <= 65535:
        raise UserError("--port", "a whole number from 0 to 65535", flags.port, "choose another port, or leave it out")
    if flags.host:
        _check_host(flags.host)
    _check_info()
    tf_setup.import_tensorflow()


def _check_host(host: str) -> None:
    """Refuse a host that is no address of this machine."""
    try:
        family, kind, _, _, (address, *_) = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            trial.bind((address, 0))
    except OSError as error:
        hint = "leave it out, or name an address of this machine"
        raise UserError("--host", "an address of this machine", f"{host!r} ({reason(error)})", hint) from error


def _check_info() -> None:
    """Refuse a directory `INFO` that cannot be written, such as one that another user created."""
    folder = os.path.join(tempfile.gettempdir(), INFO)
    hint = "name another temporary directory in the environment variable TMPDIR"
    with explain(folder, "a directory that this user can write", hint):
        if os.path.lexists(folder):
            with tempfile.TemporaryFile(dir=folder):
                pass


def _create_server(names: List[str], app: Any, flags: argparse.Namespace) -> Any:
    """TensorBoard's own server, which answers only under names of this machine. An address that it cannot use is a
    UserError.
    """
    from tensorboard import program

    from legacy_graph.board.hosts import check_host

    try:
        return program.create_port_scanning_werkzeug_server(check_host(app, [*names, flags.host or ""]), flags)
    except program.TensorBoardServerException as error:
        port = "none of many ports from 6006 on" if flags.port is None else f"port {flags.port} of {flags.host}"
        hint = "name another port with --port, or leave --port out: then the first free one is used"
        raise UserError("--port", "a port that is free", f"{port} ({error.msg})", hint) from error
