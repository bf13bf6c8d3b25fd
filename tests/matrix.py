"""Run the tests on every supported Python that is installed here and print a table.

    bash run.sh matrix [--write] [PYTEST OPTIONS]      --write also writes the table into tests/README.md
    python -m tests.matrix --where 3.7       print the path of that interpreter; exit status 1 if there is none

Interpreters are searched for on PATH and under ~/.pyenv. The module and its imports use only the standard library,
because it runs before any environment exists.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
from typing import List, NamedTuple, Optional, Tuple

from tests.benchmarks import machine
from tests.lock_requirements import OTHERS
from tests.support import page_tables

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(ROOT, "tests", "README.md")
VERSIONS = ("3.7", "3.10", "3.11", "3.12", "3.13")
HEADING = ("Python", "TensorFlow", "tests", "seconds")
ROW = "{:<8}{:<12}{:<32}{:>8}"


class Plan(NamedTuple):
    """How to get one row of the table."""

    python: str  # the version, "3.11"
    commands: List[List[str]]  # the last one runs the tests
    inside: str  # the interpreter of the environment that the commands create


def find(version: str) -> Optional[str]:
    """The path of a Python of this version, such as "3.11", that runs; None if there is none."""
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    patches = glob.glob(os.path.join(pyenv, "versions", version + ".*", "bin", "python"))
    patches.sort(key=lambda path: [int(number) for number in re.findall(r"\d+", path)], reverse=True)
    for python in filter(None, [shutil.which("python" + version)] + patches):
        # A pyenv shim is on PATH even if its version is not active; it then fails.
        if output([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]) == version:
            return python
    return None


def output(command: List[str]) -> str:
    """What a command prints, stripped; "" if it fails or does not exist."""
    try:
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return ""
    return run.stdout.strip() if run.returncode == 0 else ""


def plan(version: str, words: List[str]) -> Plan:
    """Test a Python with the TensorFlow that requirements.txt names for it."""
    return Plan(version, [["bash", "run.sh", "test", *words]], os.path.join(ROOT, ".venv-" + version, "bin", "python"))


def plan_other(tensorflow: str, words: List[str]) -> Plan:
    """Test a TensorFlow that requirements.txt does not name, such as "2.15", in an environment of its own."""
    version = OTHERS[tensorflow]
    home = os.path.join(ROOT, f".venv-{version}-tensorflow-{tensorflow}")
    inside = os.path.join(home, "bin", "python")
    install = [inside, "-m", "pip", "install", "--require-hashes", "-r", f".lock/tensorflow-{tensorflow}.txt"]
    commands = [[find(version), "-m", "venv", home], install]
    tests = [inside, "-m", "pytest", *(words or ["-n", "2", "--dist", "worksteal"])]  # as run.sh does
    return Plan(version, [*commands, tests], inside)


def run_plan(chosen: Plan, log: str) -> Tuple[bool, Tuple[str, ...]]:
    """Run the commands until one fails, with their output in the file `log`. Return (all succeeded, printed row)."""
    variables = dict(os.environ, PYTHON=find(chosen.python), PYTHONPATH=ROOT)
    with open(log, "w", encoding="utf-8") as file:
        good = all(
            subprocess.call(command, cwd=ROOT, env=variables, stdout=file, stderr=subprocess.STDOUT) == 0
            for command in chosen.commands
        )
    tensorflow = output([chosen.inside, "-c", "import tensorflow; print(tensorflow.__version__)"]) or "none"
    row = (chosen.python, tensorflow, *read_result(log))
    print(ROW.format(*row), flush=True)
    if not good:
        print(f"        see {log}", flush=True)
    return good, row


def read_result(log: str) -> Tuple[str, str]:
    """("2 passed, 1 failed", seconds) from pytest's last summary line. TensorFlow's messages can follow this line."""
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = re.findall(r"^.*\b\d+ (?:passed|failed|errors?)\b.* in [\d.]+s.*$", file.read(), re.MULTILINE)
    if not lines:
        return "not run", "-"
    seconds = re.search(r" in ([\d.]+)s", lines[-1]).group(1)
    return ", ".join(re.findall(r"\d+ (?:passed|failed|errors?)\b", lines[-1])), seconds


def main(words: List[str]) -> int:
    """Print the table row by row. Returns 1 if the tests fail on an installed interpreter, else 0."""
    if words[:1] == ["--where"]:
        python = find(words[1])
        print(python or "")
        return 0 if python else 1
    to_page = words[:1] == ["--write"]
    words = words[to_page:]
    conditions = machine.conditions()  # before the tests write anything into the checkout
    logs = tempfile.mkdtemp(prefix="legacy_graph-matrix-")
    print(ROW.format(*HEADING), flush=True)
    results = []
    for version in VERSIONS:
        if find(version):
            results.append(run_plan(plan(version, words), os.path.join(logs, version + ".log")))
        else:
            print(ROW.format(version, "-", "no such Python on this machine", "-"), flush=True)
    for tensorflow, version in OTHERS.items():
        if find(version):
            results.append(run_plan(plan_other(tensorflow, words), os.path.join(logs, f"tensorflow-{tensorflow}.log")))
    if to_page:
        table = page_tables.Table(HEADING, [row for _, row in results])
        page_tables.write(PAGE, "matrix", {"matrix": f"{table}\n\n{conditions}."})
    return 0 if results and all(good for good, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
