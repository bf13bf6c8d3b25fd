"""run.sh, with a stand-in for Python that notes what it was called with: nothing is downloaded here."""

import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOLS = "sh bash cat cksum cp cut dirname grep ln mkdir pwd readlink rm sleep tail".split()
WORDS = "train tensorboard check layers features deconv setup test agreement lint matrix screenshots bench help".split()
# @VERSION@ is put in for each interpreter. `pip` does what $PIP says. A program tells who and where it is.
PYTHON = r"""#!/bin/sh
case "$1 $2" in
  "-c import sys"*) echo @VERSION@ ;;
  "-c import ensurepip"*) exit "${BARE:-0}" ;;
  "-m venv") echo "venv $3" >>"$CALLS"; mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
  "-m pip") shift 3; echo "pip $*" >>"$CALLS"; eval "${PIP:-}" ;;
  *) printf '%s\n' "python @VERSION@" "process $$" "in $PWD" "path $PYTHONPATH"
     printf '<%s>\n' "$@"
     exit "${STATUS:-0}" ;;
esac
"""


class Checkout:
    """A copy of run.sh and of the requirement files in a folder whose path has a space and Chinese characters."""

    def __init__(self, folder):
        self.home, self.bin, self.user = folder / "卷积 checkout", folder / "bin", folder / "user's own"
        for made in (self.home / "tests", self.bin, self.user):
            made.mkdir(parents=True)
        self.calls_file = folder / "calls"
        self.calls_file.touch()
        shutil.copy(os.path.join(ROOT, "run.sh"), str(self.home))
        self.requirements = self.home / "requirements.txt"
        self.requirements.write_text("tensorflow==2.21.0\n")
        (self.home / "tests" / "requirements.txt").write_text("pytest==9\n")
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))

    def python(self, name, version):
        file = self.bin / name
        file.write_text(PYTHON.replace("@VERSION@", version))
        file.chmod(0o755)
        return file

    def start(self, *words, **variables):
        environment = {"PATH": str(self.bin), "CALLS": str(self.calls_file), "LC_ALL": "C.UTF-8", **variables}
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = ["bash", str(self.home / "run.sh"), *words]
        return subprocess.Popen(command, cwd=str(self.user), env=environment, encoding="utf-8", **streams)

    def run(self, *words, **variables):
        process = self.start(*words, **variables)
        process.stdout_text, process.stderr_text = process.communicate(timeout=60)
        return process

    def calls(self):
        """What `venv` and `pip` were asked for since the last time."""
        lines = self.calls_file.read_text().splitlines()
        self.calls_file.write_text("")
        return [line.split()[0] for line in lines]


@pytest.fixture
def checkout(tmp_path):
    made = Checkout(tmp_path)
    made.python("python3.11", "3.11")
    return made


def words_of(process):
    return re.findall(r"<(.*)>", process.stdout_text)


def refused(process, *parts):
    """Status 2, nothing on stdout, and one line on stderr (after the one that a set-up begins with) with `parts`."""
    lines = [line for line in process.stderr_text.splitlines() if "setting up" not in line]
    assert (process.returncode, process.stdout_text, len(lines)) == (2, "", 1), process.stderr_text
    assert lines[0].startswith("run.sh: ")
    for part in parts:
        assert part in lines[0]


def test_help_names_every_word_and_needs_no_python(checkout):
    (checkout.bin / "python3.11").unlink()
    for word in ("help", "--help", "-h"):
        process = checkout.run(word)
        assert process.returncode == 0
        assert [word for word in WORDS if not re.search(rf"\b{word}\b", process.stdout_text)] == []
    assert os.listdir(str(checkout.user)) == [] and not (checkout.home / ".venv").exists()


def test_train_is_the_default_where_the_user_is(checkout):
    process = checkout.run()
    assert words_of(process) == ["-m", "legacy_graph", "train"]
    assert f"in {checkout.user}\n" in process.stdout_text
    assert f"path {checkout.home}\n" in process.stdout_text
    assert words_of(checkout.run("--steps", "5")) == ["-m", "legacy_graph", "train", "--steps", "5"]


def test_words_and_exit_status_pass_unchanged(checkout):
    words = ["check", "a log", "", "*", "$HOME", "卷积", "--", "it's"]
    process = checkout.run(*words, STATUS="7")
    assert words_of(process) == ["-m", "legacy_graph"] + words
    assert process.returncode == 7


def test_the_program_takes_the_place_of_the_shell_so_that_signals_reach_it(checkout):
    process = checkout.run("train")
    assert f"process {process.pid}\n" in process.stdout_text


def test_set_up_happens_once(checkout):
    assert checkout.run("setup").returncode == 0
    assert checkout.calls() == ["venv", "pip"]
    assert checkout.run("train").stderr_text == ""
    assert checkout.calls() == []


def test_changed_requirements_are_brought_into_the_environment_that_is_there(checkout):
    checkout.run("setup")
    checkout.calls()
    checkout.requirements.write_text("tensorflow==2.22.0\n")
    assert checkout.run("train").returncode == 0
    assert checkout.calls() == ["pip"]


def test_an_interrupted_set_up_is_begun_anew(checkout):
    assert checkout.run("train", PIP="kill -9 $PPID").returncode == -signal.SIGKILL
    assert checkout.calls() == ["venv", "pip"]
    process = checkout.run("train")
    assert words_of(process) == ["-m", "legacy_graph", "train"]
    assert checkout.calls() == ["venv", "pip"]


def test_an_environment_whose_python_went_away_is_made_anew(checkout):
    checkout.run("setup")
    checkout.calls()
    (checkout.home / ".venv" / "bin" / "python").unlink()
    assert checkout.run("setup").returncode == 0
    assert checkout.calls() == ["venv", "pip"]


def test_two_starts_at_once_set_up_once(checkout):
    first, second = [checkout.start("train", PIP="sleep 1") for _ in range(2)]
    for process in (first, second):
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert checkout.calls() == ["venv", "pip"]
    assert not os.path.islink(str(checkout.home / ".venv.lock"))


def test_pip_that_fails_is_told_in_one_line_and_tried_anew(checkout):
    fails = "echo ERROR: first; echo ERROR: No matching distribution found for tensorflow; exit 1"
    log = str(checkout.home / ".venv" / "setup.log")
    refused(checkout.run("train", PIP=fails), "no network?", "No matching distribution found for tensorflow", log)
    assert checkout.run("train").returncode == 0


def test_pip_that_fails_for_the_tests_leaves_training_as_it_was(checkout):
    checkout.run("setup")
    refused(checkout.run("test", PIP="echo ERROR: no; exit 1"), "no network?")
    checkout.calls()
    assert checkout.run("train").returncode == 0
    assert checkout.calls() == []


def test_no_network_with_a_real_python_and_pip(checkout):
    checkout.requirements.write_text("tensorflow==0.0.1\n")
    process = checkout.run("setup", PYTHON=sys.executable, PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull)
    refused(process, "no network?", "No matching distribution found for tensorflow==0.0.1", "setup.log")


def test_the_newest_python_that_fits_is_taken(checkout):
    for version in ("3.7", "3.10", "3.12", "3.14"):
        checkout.python("python" + version, version)
    checkout.python("python3.13", "")  # as pyenv's shim for a version that is not switched on
    checkout.python("python3", "3.9")
    assert "python 3.12\n" in checkout.run().stdout_text
    assert (checkout.home / ".venv" / ".met").exists()


def test_python_picks_the_interpreter_and_has_an_environment_of_its_own(checkout):
    python = checkout.python("my python", "3.7")
    for named in ("my python", str(python)):
        assert "python 3.7\n" in checkout.run(PYTHON=named).stdout_text
    assert checkout.calls() == ["venv", "pip"]
    assert (checkout.home / ".venv-3.7" / ".met").exists() and not (checkout.home / ".venv").exists()


@pytest.mark.parametrize("version", ["2.7", "3.9", "3.14"])
def test_a_python_that_does_not_fit(checkout, version):
    (checkout.bin / "python3.11").unlink()
    checkout.python("python3", version)
    for variables in ({}, {"PYTHON": "python3"}):
        refused(checkout.run(**variables), f"python3 is Python {version}", "3.10 to 3.13, or 3.7 for TensorFlow 1.15")


def test_no_python(checkout):
    (checkout.bin / "python3.11").unlink()
    refused(checkout.run(), "python3 does not run", "3.10 to 3.13")
    refused(checkout.run(PYTHON="no such"), "no such does not run", "3.10 to 3.13")


def test_no_venv_module(checkout):
    refused(checkout.run(BARE="1"), "apt install python3.11-venv")
    refused(checkout.run(BARE="1", PYTHON="python3.11"), "apt install python3.11-venv")


@pytest.mark.parametrize("requirement, used", [("pytest>1", True), ("pytest==0.1", False), ("no-such-package", False)])
def test_an_active_environment_is_used_if_it_has_what_is_needed(checkout, requirement, used):
    checkout.requirements.write_text(f"# a comment\nno-such-package; python_version < '3'\n{requirement}  # why\n")
    (checkout.home / "legacy_graph.py").write_text("import sys; print('real', sys.prefix)")
    process = checkout.run("train", VIRTUAL_ENV=sys.prefix)
    assert (f"real {sys.prefix}\n" in process.stdout_text) is used
    assert (checkout.home / ".venv").exists() is not used


@pytest.mark.parametrize(
    "given, passed",
    [
        ([], ["--host", "localhost", "--logdir", "log"]),
        (["--logdir", "my log"], ["--host", "localhost", "--logdir", "my log"]),
        (["--logdir=x", "--port", "0"], ["--host", "localhost", "--logdir=x", "--port", "0"]),
        (["--bind_all"], ["--logdir", "log", "--bind_all"]),
        (["--host", "::1"], ["--logdir", "log", "--host", "::1"]),
    ],
)
def test_tensorboard_shows_log_to_this_machine_unless_told_otherwise(checkout, given, passed):
    assert words_of(checkout.run("tensorboard", *given)) == ["-m", "tensorboard.main"] + passed


def test_test_installs_what_it_needs_and_runs_pytest_in_the_checkout(checkout):
    checkout.run("setup")
    process = checkout.run("test", "-k", "deconv or mnist", STATUS="5")
    assert words_of(process) == ["-m", "pytest", "-k", "deconv or mnist"]
    assert f"in {checkout.home}\n" in process.stdout_text
    assert process.returncode == 5
    assert checkout.calls() == ["venv", "pip", "pip"]
    (checkout.home / "tests" / "browser").mkdir()
    (checkout.home / "tests" / "browser" / "setup.py").touch()
    assert words_of(checkout.run("test")) == ["-m", "tests.browser.setup", "-m", "pytest"]
    assert checkout.calls() == []
