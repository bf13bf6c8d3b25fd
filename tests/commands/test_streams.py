"""Standard streams that are closed, full, or of a poor encoding; and no directory for temporary files."""

import errno
import os
import subprocess
import sys
import tempfile

import pytest

from legacy_graph import tf_setup
from legacy_graph.__main__ import main
from tests.support import faulty_runs
from tests.support.program import SAMPLE
from tests.support.published import assert_refused

PROGRAM = [sys.executable, "-m", "legacy_graph"]


def start(*words, program=PROGRAM, env=(), **options):
    environment = dict(faulty_runs.environment(), **dict(env))
    return subprocess.run([*program, *words], env=environment, timeout=300, **options)


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path, capsys):
    """Otherwise an event file is number 1 or 2, and what is printed goes into it."""
    place = str(tmp_path / "log")
    words = ["train", "--logdir", place, "--data-dir", SAMPLE, "--steps", "1", "--batch-size", "5"]
    closed = ["bash", "-c", 'exec "$0" "$@" 0<&- 1>&- 2>&-', *PROGRAM]
    assert start(*words, program=closed).returncode == 0
    assert main(["check", place]) == 0
    report = capsys.readouterr().out
    assert report.endswith("7 of the 7 dashboards of TensorBoard have data.\n")
    assert "damaged" not in report


@pytest.mark.parametrize("words", [["--help"], ["train", "--data-dir", SAMPLE]])
def test_standard_output_on_a_full_disk_is_one_line(tmp_path, words):
    with open("/dev/full", "w") as full:
        run = start(*words, stdout=full, stderr=subprocess.PIPE, cwd=str(tmp_path))
    assert run.returncode == 2
    assert run.stderr.decode() == (
        "legacy_graph: standard output: expected to write to it, found No space left on device; "
        "fix this, then run the same command again\n"
    )


@pytest.mark.parametrize("error", [BrokenPipeError(errno.EPIPE, "Broken pipe"), OSError("no route")], ids=repr)
def test_an_error_of_a_socket_is_reported_as_a_bug(monkeypatch, capsys, error):
    def run(options):
        raise error

    monkeypatch.setattr("legacy_graph.commands.layers.run", run)
    assert main(["layers"]) == 70
    assert capsys.readouterr().err.startswith(f"legacy_graph: {type(error).__name__}: {error}; this is a bug")
    with pytest.raises(type(error)):
        main(["layers", "--debug"])


def test_an_ascii_terminal_shows_a_chinese_path_escaped(tmp_path):
    (tmp_path / "日志").mkdir()
    run = start("check", str(tmp_path / "日志"), stdout=subprocess.PIPE, env={"PYTHONIOENCODING": "ascii"})
    assert run.returncode == 1
    assert rb"\u65e5\u5fd7" in run.stdout


def test_without_a_temporary_directory_nothing_is_filtered(monkeypatch, capfd):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with tf_setup.filter_stderr():
        os.write(2, b"I0000 chatter\n")
    assert capfd.readouterr().err == "I0000 chatter\n"
    monkeypatch.undo()
    with tf_setup.filter_stderr():
        os.write(2, b"I0000 chatter\nkept\n")
    assert capfd.readouterr().err == "kept\n"


@pytest.mark.parametrize("words", [["check", "log"], ["train", "--steps", "1"], ["deconv", "x.png"]])
def test_a_deleted_current_directory_is_one_line(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(str(tmp_path))
    tmp_path.rmdir()
    assert_refused(capsys, words, "current directory: expected one that exists, found No such file or directory")
