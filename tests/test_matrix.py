"""tests.matrix: which interpreters it finds, and its table, with fake interpreters."""

import os
import subprocess
import sys

import pytest

from tests.support.program import ROOT

INTERPRETER = "#!/bin/sh\ncase $2 in *version_info*) echo {version} ;; *) echo TF ;; esac\n"
# TensorFlow can print a message after pytest's last line.
RUN = "#!/bin/sh\necho $PYTHON; echo '2 passed, 1 failed in 3.25s'; echo 'port.cc: oneDNN is on'; exit {status}\n"


class Machine:
    """A machine with only the interpreters that a test puts there; run.sh is replaced by a `bash` that prints."""

    def __init__(self, folder):
        self.path, self.pyenv = folder / "bin", folder / "pyenv"
        self.path.mkdir()
        self.tests_end_with(0)

    def write(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    def tests_end_with(self, status):
        self.write(self.path / "bash", RUN.format(status=status))

    def pyenv_python(self, patch, version):
        return self.write(self.pyenv / "versions" / patch / "bin" / "python", INTERPRETER.format(version=version))

    def run(self, *words):
        variables = dict(os.environ, PATH=str(self.path), PYENV_ROOT=str(self.pyenv), PYTHONPATH=ROOT)
        command = [sys.executable, "-m", "tests.matrix", *words]
        run = subprocess.run(command, env=variables, stdout=subprocess.PIPE, encoding="utf-8")
        return run.returncode, run.stdout.splitlines()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_where_prints_the_newest_patch_that_runs(machine):
    machine.write(machine.path / "python3.12", "#!/bin/sh\nexit 127\n")  # a pyenv shim of a version that is not active
    machine.pyenv_python("3.12.9", "3.12")
    newest = machine.pyenv_python("3.12.10", "3.12")
    machine.pyenv_python("3.12.11", "")
    assert machine.run("--where", "3.12") == (0, [newest])
    on_path = machine.write(machine.path / "python3.12", INTERPRETER.format(version="3.12"))
    assert machine.run("--where", "3.12") == (0, [on_path])
    assert machine.run("--where", "3.7") == (1, [""])


@pytest.mark.parametrize("status", [0, 1])
def test_a_row_for_each_python_and_the_log_of_a_failure(machine, status):
    assert machine.run()[0] == 1  # no Python at all
    python = machine.pyenv_python("3.10.2", "3.10")
    machine.tests_end_with(status)
    returned, lines = machine.run()
    assert returned == status
    rows = {line.split()[0]: line for line in lines[1:] if line.startswith("3.")}
    assert list(rows) == ["3.7", "3.10", "3.11", "3.12", "3.13"]
    assert [version for version in rows if "no such Python" not in rows[version]] == ["3.10"]
    assert rows["3.10"].split()[2:] == ["2", "passed,", "1", "failed", "3.25"]
    logs = [line.split()[-1] for line in lines if line.lstrip().startswith("see ")]
    assert len(logs) == status
    for log in logs:
        with open(log) as file:
            assert file.readline() == python + "\n"
