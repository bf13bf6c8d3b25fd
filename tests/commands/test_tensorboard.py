"""The tensorboard command: its defaults, and that all other words are TensorBoard's own flags."""

import tensorboard.version

from legacy_graph.commands.parser import make_parser
from legacy_graph.commands.tensorboard import add_defaults
from tests.support.program import legacy_graph

LOCAL, LOG = ["--host", "localhost"], ["--logdir", "log"]


def test_log_is_served_to_this_machine_by_default():
    for given, passed in [
        ([], [*LOCAL, *LOG]),
        (["--logdir", "my log"], [*LOCAL, "--logdir", "my log"]),
        (["--logdir=x", "--port", "0"], [*LOCAL, "--logdir=x", "--port", "0"]),
        (["--logdir_spec", "a:x"], [*LOCAL, "--logdir_spec", "a:x"]),
        (["--bind_all"], [*LOG, "--bind_all"]),
        (["--host", "::1"], [*LOG, "--host", "::1"]),
        (["serve", "--port", "0"], ["serve", *LOCAL, *LOG, "--port", "0"]),
    ]:
        assert add_defaults(given) == passed


def test_the_parser_passes_all_words_on():
    words = ["--logdir", "x", "--help", "--", "-1,1"]
    assert make_parser().parse_args(["tensorboard", *words]).words == words


def test_words_are_flags_of_tensorboard():
    shown, refused = legacy_graph("tensorboard", "--version"), legacy_graph("tensorboard", "--no-such-flag")
    assert (shown.returncode, shown.stdout) == (0, tensorboard.version.VERSION + "\n"), shown.stderr
    assert refused.returncode == 2
    assert "--no-such-flag" in refused.stderr.splitlines()[-1]


def test_flags_that_exclude_each_other_are_refused_in_one_line():
    """TensorBoard raises an exception for them, which is no bug of this program."""
    run = legacy_graph("tensorboard", "--logdir", "")
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert line.startswith("legacy_graph: tensorboard: expected flags that TensorBoard accepts, found A logdir or db ")
    assert line.endswith(" tensorboard --help")
