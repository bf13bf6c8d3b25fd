"""The tensorboard command: its defaults, and that all other words are TensorBoard's own flags."""

import os
import socket
import subprocess
import sys

import pytest
import tensorboard.version
import tensorflow.compat.v1 as tf

from legacy_graph.commands.parser import make_parser
from legacy_graph.commands.tensorboard import add_defaults, split_words
from legacy_graph.errors import UserError
from legacy_graph.logdir.event_writer import FileWriter
from tests.support.program import ROOT, legacy_graph

LOCAL, LOG, ALL = ["--host", "localhost"], ["--logdir", "log"], ["--samples_per_plugin", "images=1000"]


def test_log_is_served_to_this_machine_by_default():
    for given, passed in [
        ([], [*LOCAL, *LOG, *ALL]),
        (["--logdir", "my log"], [*LOCAL, *ALL, "--logdir", "my log"]),
        (["--logdir=x", "--port", "0"], [*LOCAL, *ALL, "--logdir=x", "--port", "0"]),
        (["--logdir_spec", "a:x"], [*LOCAL, *ALL, "--logdir_spec", "a:x"]),
        (["--bind_all"], [*LOG, *ALL, "--bind_all"]),
        (["--host", "::1"], [*LOG, *ALL, "--host", "::1"]),
        (["--samples_per_plugin=images=5"], [*LOCAL, *LOG, "--samples_per_plugin=images=5"]),
        (["--samples_per_plugin=scalars=5"], [*LOCAL, *LOG, "--samples_per_plugin=scalars=5,images=1000"]),
        (["-samples_per_plugin", "images=0"], [*LOCAL, *LOG, "--samples_per_plugin", "images=0"]),
        (["--samples_per_plugin", "audio=1"], [*LOCAL, *LOG, "--samples_per_plugin", "audio=1,images=1000"]),
        (["-logdir=x"], [*LOCAL, *ALL, "--logdir=x"]),  # the spelling of the article
        (["-logdir", "x", "-port", "0"], [*LOCAL, *ALL, "--logdir", "x", "--port", "0"]),
        (["-h"], [*LOCAL, *LOG, *ALL, "-h"]),
        (["serve", "--port", "0"], ["serve", *LOCAL, *LOG, *ALL, "--port", "0"]),
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


def test_an_option_of_another_command_is_named():
    for word, commands in [("--draw=signed", "features, deconv"), ("--steps", "train, features"), ("--ps", "cluster")]:
        with pytest.raises(UserError, match=f"{word.partition('=')[0]}: .* found one of {commands}; leave it out"):
            split_words(["--port", "0", word])
    assert split_words(["--logdir", "x", "--port=0"])[1] == ["--logdir", "x", "--port=0"]


def test_flags_that_exclude_each_other_are_refused_in_one_line():
    """TensorBoard raises an exception for them, which is no bug of this program."""
    run = legacy_graph("tensorboard", "--logdir", "")
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert line.startswith("legacy_graph: tensorboard: expected flags that TensorBoard accepts, found A logdir or db ")
    assert line.endswith(" tensorboard --help")


def one_line(*words, **options):
    run = legacy_graph("tensorboard", *words, **options)
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    return run.stderr.splitlines()[-1]


def test_a_graph_that_cannot_be_opened_ends_the_command(tmp_path):
    """TensorBoard catches what a plugin raises: it prints a traceback and serves without the tab."""
    line = one_line("--logdir", str(tmp_path), "--graph", str(tmp_path / "none.pb"), "--range", "0,1", "--port", "0")
    assert line.startswith(f"legacy_graph: {tmp_path / 'none.pb'}: expected a frozen graph")


def test_a_port_and_a_host_that_cannot_be_served(tmp_path):
    with socket.socket() as busy:
        busy.bind(("localhost", 0))
        busy.listen(5)
        port = str(busy.getsockname()[1])
        line = one_line("--logdir", str(tmp_path), "--port", port)
    assert line.startswith("legacy_graph: --port: ") and port in line
    line = one_line("--logdir", str(tmp_path), "--port", "-5")
    assert line.startswith("legacy_graph: --port: expected a whole number from 0 to 65535, found -5; ")
    line = one_line("--logdir", str(tmp_path), "--host", "192.0.2.1")  # of RFC 5737: no machine has it
    assert line.startswith("legacy_graph: --host: ") and "192.0.2.1" in line


def test_a_list_of_processes_that_cannot_be_written(tmp_path):
    (tmp_path / ".tensorboard-info").write_text("not a directory, as another user's is not writable")
    line = one_line("--logdir", str(tmp_path), env={"TMPDIR": str(tmp_path)})
    assert str(tmp_path / ".tensorboard-info") in line and "TMPDIR" in line


def test_a_log_that_is_not_there_is_reported_before_serving(tmp_path):
    """In the article's spelling. The host ends the command before it serves."""
    run = legacy_graph("tensorboard", "-logdir=" + str(tmp_path / "nolog"), "--host", "192.0.2.1")
    first = run.stderr.splitlines()[0]
    assert first.startswith(f"legacy_graph: {tmp_path / 'nolog'}: expected a directory, found nothing of that name; ")
    assert f"train --logdir {tmp_path / 'nolog'}" in first


def test_it_ends_quietly_while_it_reads_a_log(tmp_path):
    """Its thread that reads runs C++ code: where Python finalized meanwhile, the process aborted with status 134."""
    with tf.Graph().as_default():
        writer = FileWriter(str(tmp_path))
    value = tf.Summary.Value(tag="loss", simple_value=1)
    for step in range(20000):
        writer.add_summary(tf.Summary(value=[value]), step)
    writer.flush()
    slow = ["--load_fast", "false"] if tensorboard.version.VERSION.startswith("2") else []  # 1.15 has one way to load
    command = [sys.executable, "-m", "legacy_graph", "tensorboard", "--logdir", str(tmp_path), "--port", "0", *slow]
    environment = dict(os.environ, PYTHONPATH=ROOT)
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert any("http://localhost:" in line for line in process.stderr)
        process.terminate()
        assert process.stderr.read() in ("", "TensorBoard caught SIGTERM; exiting...\n")
    assert process.returncode == 0
