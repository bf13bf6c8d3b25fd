"""The tests on every Python and TensorFlow that this machine can have, as a table: `bash run.sh matrix`.

    bash run.sh matrix [WORDS FOR PYTEST]
    python tests/matrix.py --where 3.7       where that interpreter is; exit status 1 if nowhere

Interpreters are looked for on PATH and under ~/.pyenv. Only the standard library is imported: no environment yet.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
from typing import List, NamedTuple, Optional

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VERSIONS = ("3.7", "3.10", "3.11", "3.12", "3.13")
MIDPOINT = "3.11"  # the Python for TensorFlow 2.15
ROW = "{:<8}{:<12}{:<32}{:>8}"


class Plan(NamedTuple):
    """How one row comes about: commands that end with the tests, and the interpreter they make."""

    python: str  # the version, "3.11"
    commands: List[List[str]]
    inside: str


def find(version: str) -> Optional[str]:
    """The path of a Python `version`, such as "3.11", that really runs; None if there is none."""
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    patches = glob.glob(os.path.join(pyenv, "versions", version + ".*", "bin", "python"))
    patches.sort(key=lambda path: [int(number) for number in re.findall(r"\d+", path)], reverse=True)
    for python in filter(None, [shutil.which("python" + version)] + patches):
        # A shim that pyenv put on PATH may stand for nothing.
        if output([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]) == version:
            return python
    return None


def output(command: List[str]) -> str:
    """What a command prints, stripped; empty where it fails."""
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return run.stdout.strip() if run.returncode == 0 else ""


def plan(version: str, words: List[str]) -> Plan:
    """The tests on the TensorFlow that requirements.txt names for a Python."""
    return Plan(version, [["bash", "run.sh", "test", *words]], os.path.join(ROOT, ".venv-" + version, "bin", "python"))


def plan_midpoint(words: List[str]) -> Plan:
    """The tests on TensorFlow 2.15, in an environment of its own, since requirements.txt does not name it."""
    home = os.path.join(ROOT, f".venv-{MIDPOINT}-tensorflow-2.15")
    inside = os.path.join(home, "bin", "python")
    files = ["-r", "tests/requirements-2.15.txt", "-r", "tests/requirements.txt"]
    commands = [[find(MIDPOINT), "-m", "venv", home], [inside, "-m", "pip", "install", *files]]
    return Plan(MIDPOINT, commands + [[inside, "-m", "pytest", *words]], inside)


def carry_out(chosen: Plan, log: str) -> bool:
    """Run the commands until one fails, all that they print into the file `log`; print the row. True if all is well."""
    variables = dict(os.environ, PYTHON=find(chosen.python), PYTHONPATH=ROOT)
    with open(log, "w", encoding="utf-8") as file:
        good = all(
            subprocess.call(command, cwd=ROOT, env=variables, stdout=file, stderr=subprocess.STDOUT) == 0
            for command in chosen.commands
        )
    with open(log, encoding="utf-8", errors="replace") as file:
        last = file.read().strip().rpartition("\n")[2]
    tests = ", ".join(re.findall(r"\d+ (?:passed|failed|errors?)\b", last)) or "not run"
    seconds = re.search(r" in ([\d.]+)s", last)
    tensorflow = output([chosen.inside, "-c", "import tensorflow; print(tensorflow.__version__)"]) or "none"
    print(ROW.format(chosen.python, tensorflow, tests, seconds.group(1) if seconds else "-"), flush=True)
    if not good:
        print(f"        see {log}", flush=True)
    return good


def main(words: List[str]) -> int:
    """Print the table row by row. Returns 1 if any interpreter that is there does not pass, else 0."""
    if words[:1] == ["--where"]:
        python = find(words[1])
        print(python or "")
        return 0 if python else 1
    logs = tempfile.mkdtemp(prefix="legacy_graph-matrix-")
    print(ROW.format("Python", "TensorFlow", "tests", "seconds"), flush=True)
    results = []
    for version in VERSIONS:
        if find(version):
            results.append(carry_out(plan(version, words), os.path.join(logs, version + ".log")))
        else:
            print(ROW.format(version, "-", "no such Python on this machine", "-"), flush=True)
    if find(MIDPOINT):
        results.append(carry_out(plan_midpoint(words), os.path.join(logs, "midpoint.log")))
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
