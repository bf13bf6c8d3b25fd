"""The commands and their options. Imports neither TensorFlow nor numpy, so that --help is fast."""

import argparse
import difflib
import re
import sys

from legacy_graph import __version__, config
from legacy_graph.commands import option_values, shared_options
from legacy_graph.commands.option_values import add_options, integer, integer_list, path
from legacy_graph.errors import ExitStatus, launch_command

DEFAULT_COMMAND = "train"
FIT_HELP = """digit: crop, scale and centre the picture as in MNIST, on a dark or light background; none: resize it to
28 x 28 pixels, 0 is black. Default for a run on MNIST: digit, but a grey picture of 28 x 28 pixels is not scaled or
centred, only inverted if its border is light. Default for a run on other data: none"""


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` without abbreviated options, whose errors are one line."""

    def __init__(self, **settings):
        super().__init__(allow_abbrev=False, **settings)

    def parse_known_args(self, args=None, namespace=None):
        args = _join_negative_numbers(args)
        for word in args or []:
            if word.startswith("--") and word.endswith("=--"):  # argparse before Python 3.13 drops this value
                self.error(f"argument {word[:-3]}: expected a value, found '--'")
        return super().parse_known_args(args, namespace)

    def error(self, message):
        self.exit(ExitStatus.USAGE, f"legacy_graph: {' '.join(message.split())} (see {self.prog} --help)\n")

    def options(self):
        """The long names of its options."""
        return [option for action in self._actions for option in action.option_strings if option.startswith("--")]

    def refuse_words(self, words, owners):
        """Report words that are no options of this command, with the option of the most similar name, or with the
        commands that have the option, by `owners`; the file of a graph with --graph.
        """
        names = ["--" + word.lstrip("-").partition("=")[0] for word in words if word.startswith("-")]
        near = [_similar(name, self.options()) for name in names]
        near += [f"; {name} is an option of {', '.join(owners(name))}" for name in names if owners(name)]
        graphs = [word for word in words if re.search(r"\.(pb|pbtxt|meta|h5|keras)$", word)]
        near += [f"; did you mean --graph {word}?" for word in graphs if "--graph" in self.options()]
        self.error(f"unrecognized arguments: {' '.join(words)}{next(filter(None, near), '')}")


def _similar(word, names):
    """ "; did you mean NAME?" with the most similar of the names, or "" """
    compact = {name.replace("-", ""): name for name in names}
    near = difflib.get_close_matches(word.replace("-", ""), compact, 1)
    return f"; did you mean {compact[near[0]]}?" if near else ""


def _join_negative_numbers(words):
    """["--range", "-1,1"] as ["--range=-1,1"]: argparse parses "-1,1" as an option."""
    joined = []
    for word in words or []:
        if joined and joined[-1] in ("--range", "--mean") and re.match(r"-[\d.]", word):
            joined[-1] += "=" + word
        else:
            joined.append(word)
    return joined


class CommandParser(Parser):
    """The top parser: without a command, it parses the options of the default command."""

    def parse_args(self, args=None, namespace=None):
        words = list(sys.argv[1:] if args is None else args)
        if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
            words = [DEFAULT_COMMAND, *words]
        known = self.commands.choices
        if not words[0].startswith("-") and words[0] not in known:
            near = _similar(words[0], known)
            self.error(f"argument COMMAND: invalid choice: {words[0]!r}, choose from {', '.join(known)}{near}")
        if words[0] == "tensorboard":  # all other words are TensorBoard's
            return argparse.Namespace(command=words[0], words=words[1:], debug=False)
        options, rest = self.parse_known_args(words, namespace)
        if rest:
            known[options.command].refuse_words(rest, self.owners)
        return options

    def owners(self, option):
        """The names of the commands that have an option."""
        return [name for name, command in self.commands.choices.items() if option in command.options()]


class _Version(argparse.Action):
    """Print the versions of this program, TensorFlow and Python."""

    def __call__(self, parser, namespace, values, option_string=None):
        from legacy_graph import tf_setup

        tf_setup.import_tensorflow()
        import tensorflow.compat.v1 as tf

        python = ".".join(map(str, sys.version_info[:3]))
        print(f"legacy_graph {__version__}, TensorFlow {tf.__version__}, Python {python}")
        parser.exit()


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line. The parsed `command` is the name of a module of this package."""
    top = CommandParser(
        prog=launch_command(),
        description="Watch a convolutional network with TensorBoard, in TensorFlow 1's graph mode.",
        epilog=f"Without a command: {DEFAULT_COMMAND}.",
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print the versions and exit")
    commands = top.commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)

    def add(name, help):
        numbers = "Numbers are written in the digits 0 to 9, such as 1000, 0.5 or 1e-4."
        command = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".", epilog=numbers)
        command.add_argument("--debug", action="store_true", help="show the traceback of an unexpected error")
        return command

    add_options(add("train", "train the network and fill the log directory"))
    _add_check(add("check", "list which dashboards have data in a log directory, and why a dashboard is empty"))
    layers = add("layers", "list the layers of a network with shapes, receptive fields and parameters")
    shared_options.add_graph_options(layers)
    _add_features(add("features", "show what each feature map of a layer responds to"))
    _add_deconv(add("deconv", "show the activations and projections of your own picture"))
    _add_cluster(add("cluster", "run train or features on several tasks of this machine, to try TF_CONFIG"))
    board = "open TensorBoard with a DECONVNET dashboard; its options are those of TensorBoard"
    commands.add_parser("tensorboard", help=board)  # `CommandParser` parses no options of it
    return top


def _add_cluster(command):
    add = command.add_argument
    add("--workers", type=integer(1, 64), required=True, metavar="N",
        help="number of tasks that compute, the chief included")  # fmt: skip
    add("--ps", action="store_true", help="one more task, a parameter server that holds the variables")
    add("words", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="train or features, with its options")


def _add_check(command):
    add_options(command, ("logdir",))
    command.add_argument("path", nargs="*", type=path, metavar="LOGDIR", help="the same as --logdir")


def _add_ties(command):
    help = "as for train, where several maxima of a pool window are equal (default: shared; not with --graph)"
    command.add_argument("--ties", choices=config.TIES, help=help)


def _add_features(command):
    add_options(command, ("logdir", "task_timeout"))
    _add_ties(command)
    add = command.add_argument
    add("--data-dir", type=option_values.data_directory, metavar="DIR", help="directory with the data of "
        "the run (default: the one that train used)")  # fmt: skip
    add("--other-data", action="store_true", help="scan --data-dir although the run was trained on other data")
    add("--layer", type=option_values.name, metavar="NAME", help="one or more names from the list of the command "
        "layers, separated by commas, or all (default: conv2; required with --graph)")  # fmt: skip
    add("--maps", type=integer_list, metavar="N,N", help="feature maps, separated by commas (default: all)")
    add("--top", type=integer(1, 100), default=config.TOP, metavar="N",
        help="activations per map (default: %(default)s)")  # fmt: skip
    add("--order", choices=["wins", "number"], help="order of the maps. wins: the map that is the strongest at most "
        "positions comes first; number: by number (default: wins, or the order of --maps)")  # fmt: skip
    add("--context", action="store_true", help="also draw the complete images, with a frame around what the tiles show")
    add("--images", type=path, metavar="PATH", help="scan these images instead of the test digits: an IDX file of "
        "28 x 28 images; with --graph a folder of pictures, an .npy or .npz array or an IDX file")  # fmt: skip
    add("--steps", type=option_values.step_list, default=(), metavar="N,N", help="training steps with kept kernels, "
        "separated by commas, or all: writes results for each step, and a sheet with a column for each step "
        "(default: the step of the newest checkpoint)")  # fmt: skip
    add("--control", choices=[config.RANDOM, config.OCCLUSION], help="random: also project the same activations with "
        "a random kernel, and compare; occlusion: also compare each projection with its occlusion")  # fmt: skip
    shared_options.add_method_options(command, "deconvnet; with --graph chosen for the layer, and printed")
    shared_options.add_graph_options(command)
    shared_options.add_image_options(command)


def _add_deconv(command):
    add = command.add_argument
    add("pictures", nargs="+", type=option_values.local_path, metavar="PICTURE", help="PNG, JPEG, BMP, GIF or "
        "WebP, up to 50 million pixels; with --graph also one .npy or .npz array")  # fmt: skip
    add_options(command, ("logdir",))
    _add_ties(command)
    add("--fit", choices=["digit", "none"], help=FIT_HELP)
    add("--step", type=integer(0, 10**9), metavar="N", help="a training step with kept kernels "
        "(default: the step of the newest checkpoint)")  # fmt: skip
    add("--class-names", type=path, metavar="FILE", help="text file with the ten class names, one a line")
    add("--layer", type=option_values.name, metavar="NAME", help="one or more names from the list of the command "
        "layers, separated by commas, or all (default: conv1,conv2); required with --graph")  # fmt: skip
    add("--maps", type=integer_list, metavar="N,N", help="also project each of these feature maps alone, and its "
        "strongest activation alone; numbers separated by commas")  # fmt: skip
    shared_options.add_method_options(command, "all projections that are defined")
    shared_options.add_graph_options(command)
    shared_options.add_image_options(command)
