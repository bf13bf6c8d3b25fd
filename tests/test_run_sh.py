"""run.sh: its commands, and how it starts a program."""

import os
import re
import shutil
import sys

import pytest

from tests.support.checkout import Checkout, arguments, assert_refused
from tests.support.program import ROOT

COMMANDS = "train tensorboard check layers features deconv setup test agreement lint matrix screenshots bench lock help"


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


@pytest.fixture
def real(checkout):
    """Runs code as the program, in the real Python that runs this test."""

    def run(code, **variables):
        checkout.require("pytest>1")
        (checkout.home / "legacy_graph.py").write_text(code)
        return checkout.run("train", VIRTUAL_ENV=sys.prefix, **variables)

    return run


def test_help_names_every_command_and_needs_no_python(checkout):
    (checkout.bin / "python3.11").unlink()
    for word in ("help", "--help", "-h"):
        process = checkout.run(word)
        assert process.returncode == 0
        assert [word for word in COMMANDS.split() if not re.search(rf"\b{word}\b", process.stdout_text)] == []
    assert os.listdir(str(checkout.user)) == [] and not checkout.environment.exists()


@pytest.mark.parametrize("shell", [name for name in ("bash", "dash", "ksh", "zsh") if shutil.which(name)])
def test_train_is_the_default_in_the_users_directory(checkout, shell):
    shell = shutil.which(shell)
    process = checkout.run(SHELL=shell)
    assert arguments(process) == ["legacy_graph", "train"], process.stderr_text
    assert f"in {checkout.user}\n" in process.stdout_text
    assert f"checkout {checkout.home}\n" in process.stdout_text
    assert arguments(checkout.run("--steps", "5", SHELL=shell)) == ["legacy_graph", "train", "--steps", "5"]


def test_arguments_and_exit_status_pass_unchanged(checkout):
    words = ["check", "a log", "", "*", "$HOME", "卷积", "--", "it's"]
    process = checkout.run(*words, STATUS="7")
    assert arguments(process) == ["legacy_graph"] + words
    assert process.returncode == 7


def test_the_program_replaces_the_shell_so_signals_reach_it(checkout):
    process = checkout.run("train")
    assert f"process {process.pid}\n" in process.stdout_text


def test_a_colon_in_the_path_of_the_checkout(checkout, real):
    """PYTHONPATH would split the path there."""
    assert ":" in str(checkout.home)
    process = real("import sys, legacy_graph; print(__name__, sys.argv[1:], legacy_graph.__file__)")
    line = f"__main__ ['train'] {checkout.home}/legacy_graph.py"
    assert process.stdout_text.splitlines()[-1:] == [line], process.stderr_text


@pytest.mark.parametrize("variables", [{}, {"PYTHONPATH": ":"}, {"PYTHONPATH": "."}, {"PYTHONSAFEPATH": "1"}])
def test_files_of_the_user_are_never_imported(checkout, real, variables):
    for name in ("argparse", "runpy", "packaging", "encodings", "sitecustomize", "venv", "fcntl"):
        (checkout.user / f"{name}.py").write_text(f"raise SystemExit('imported {name} of the user')")
    process = real("import argparse, sys; print('' in sys.path, sys.argv[1:])", **variables)
    assert (process.stdout_text, process.stderr_text) == ("False ['train']\n", "")


def test_ctrl_c_during_the_first_imports_shows_no_traceback(real):
    """As a signal that arrives before the program handles it."""
    process = real("raise KeyboardInterrupt")
    assert (process.returncode, process.stdout_text, process.stderr_text) == (130, "", "")


@pytest.mark.parametrize("absolute", [True, False])
def test_run_sh_called_through_symlinks(checkout, absolute):
    """The user's project has its own .venv, which is neither used nor deleted."""
    other = checkout.user / "bin dir"
    (checkout.user / ".venv").mkdir()
    (checkout.user / ".venv" / "precious").touch()
    other.mkdir()
    (other / "first").symlink_to(checkout.script if absolute else os.path.relpath(str(checkout.script), str(other)))
    (checkout.user / "run.sh").symlink_to("bin dir/first")
    for _ in range(2):
        refused = checkout.run("setup", script=checkout.user / "run.sh", PIP="echo ERROR: no; exit 1")
        assert_refused(refused, f"{checkout.environment}/setup.log")
    process = checkout.run(script=checkout.user / "run.sh")
    assert f"checkout {checkout.home}\n" in process.stdout_text, process.stderr_text
    assert os.listdir(str(checkout.user / ".venv")) == ["precious"]


def test_test_installs_packages_and_runs_pytest(checkout):
    checkout.run("setup")
    process = checkout.run("test", "-k", "deconv or mnist", STATUS="5")
    assert arguments(process) == ["pytest", "-k", "deconv or mnist"]
    assert f"in {checkout.home}\n" in process.stdout_text
    assert process.returncode == 5
    assert checkout.called() == ["venv", "pip", "pip", "pip"]
    (checkout.home / "tests" / "browser").mkdir()
    (checkout.home / "tests" / "browser" / "setup.py").touch()
    assert arguments(checkout.run("test")) == ["tests.browser.setup", "pytest", "-n", "2", "--dist", "worksteal"]
    assert checkout.called() == []


def test_bench_has_an_environment_of_its_own(checkout):
    """PyTorch is not installed into the user's environment, nor is an active one used."""
    benchmarks = checkout.home / "tests" / "benchmarks"
    benchmarks.mkdir()
    (benchmarks / "requirements.txt").write_text("pytest>1\n")
    checkout.run("setup")
    checkout.calls()
    assert arguments(checkout.run("bench", VIRTUAL_ENV=sys.prefix)) == ["tests.benchmarks"]
    venv, locked, own = checkout.calls()
    assert venv == f"venv {checkout.home}/.venv-bench"
    assert locked == f"pip install --require-hashes -r {checkout.lock}"
    assert own == f"pip install -r {benchmarks}/requirements.txt"
    assert checkout.run("bench").stderr_text == checkout.run("train").stderr_text == ""
    checkout.run("bench", PYTHON="python3.11")
    assert (checkout.home / ".venv-bench-3.11" / ".run.sh").exists()


@pytest.mark.parametrize("word, module", [
    ("bench", "benchmarks/__main__.py"), ("screenshots", "browser/screenshots.py"), ("lock", "lock_requirements.py"),
    ("matrix", "matrix.py"),
])  # fmt: skip
def test_help_of_a_module_needs_no_environment(checkout, word, module):
    """It is the text at the top of the module. Nothing is installed, and no other option is looked at."""
    path = checkout.home / "tests" / module
    path.parent.mkdir(exist_ok=True)
    shutil.copy(os.path.join(ROOT, "tests", module), str(path))
    for option in ("-h", "--help"):
        process = checkout.run(word, option, "--write")
        assert (process.returncode, checkout.called()) == (0, []), process.stderr_text
        assert f"bash run.sh {word}" in process.stdout_text and "\nimport " not in process.stdout_text
