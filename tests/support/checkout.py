"""A small checkout with run.sh and a fake Python that records how it is called: nothing is downloaded."""

import os
import re
import shutil
import subprocess
import sys

from tests.support.program import ROOT

TOOLS = "sh bash cat cksum cp cut dirname grep ln mkdir pwd readlink rm rmdir sed sleep tail".split()
LIMIT = 120  # seconds; a real set-up on a busy machine takes half a minute
# @VERSION@ and @REAL@ are replaced for each interpreter. `pip` does what $PIP says, with the log of the set-up as its
# output; its packages are complete unless $MEETS is 1. The code that takes the lock runs in the real Python. A program
# prints its process number, its directory and its arguments.
PYTHON = r"""#!/bin/sh
case "$1 $2 $3" in
  "-I -c import sys;"*) echo @VERSION@ ;;
  "-I -c import ensurepip"*) exit "${BARE:-0}" ;;
  "-I -c import os, sys, venv"*) echo "venv $4" >>"$CALLS"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
  "-I "*"/.lock/steps.py pip") log=$4; shift 4; echo "pip $*" >>"$CALLS"; eval "${PIP:-}" >"$log" 2>&1 ;;
  "-I "*"/.lock/steps.py meets") exit "${MEETS:-0}" ;;
  "-I "*"/.lock/steps.py lock") exec @REAL@ "$@" ;;
  *) [ "$1" != -c ] || { echo "checkout $3"; shift 3; }
     printf '%s\n' "python @VERSION@" "process $$" "in $PWD"
     printf '<%s>\n' "$@"
     exit "${STATUS:-0}" ;;
esac
"""


class Checkout:
    """A copy of run.sh with tiny requirements and locks, in a folder whose path has a space, a colon and 卷积."""

    def __init__(self, folder):
        self.home, self.bin, self.user = folder / "卷积: checkout", folder / "bin", folder / "user's own"
        for made in (self.home / "tests", self.home / ".lock", self.bin, self.user):
            made.mkdir(parents=True)
        self.calls_file = folder / "calls"
        self.calls_file.touch()
        self.script = self.home / "run.sh"
        shutil.copy(os.path.join(ROOT, "run.sh"), str(self.home))
        self.steps = self.home / ".lock" / "steps.py"
        for name in ("steps.py", "python.sh", "uv.in", "uv.txt"):
            shutil.copy(os.path.join(ROOT, ".lock", name), str(self.steps.parent))
        self.requirements = self.home / "requirements.txt"
        self.lock = self.home / ".lock" / "run.txt"
        self.environment = self.home / ".venv"
        self.mark = self.environment / ".run.sh"
        self.require("tensorflow==2.21.0")
        (self.home / "tests" / "requirements.txt").write_text("pytest==9\n")
        (self.home / ".lock" / "tests.txt").write_text(self.made_from("tests/requirements.txt"))
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.python("python3.11", "3.11")

    def made_from(self, path):
        """The line of a lock that names a requirements file."""
        checksum = subprocess.run(["cksum", path], cwd=str(self.home), stdout=subprocess.PIPE, text=True, check=True)
        return f"# made from: {checksum.stdout}"

    def require(self, line):
        """Write requirements.txt, and its lock with an invented hash."""
        self.requirements.write_text(line + "\n")
        self.lock.write_text(f"{self.made_from('requirements.txt')}{line} --hash=sha256:{'0' * 64}\n")

    def python(self, name, version):
        """Put a fake Python on PATH."""
        file = self.bin / name
        file.write_text(PYTHON.replace("@VERSION@", version).replace("@REAL@", f'"{sys.executable}"'))
        file.chmod(0o755)
        return file

    def uv(self, path, status=0):
        """Put a fake uv at a path. It "installs" the fake Python 3.13 at $FETCHED."""
        path.write_text(
            f'#!/bin/sh\necho "uv $*" >>"$CALLS"\n[ {status} = 0 ] || exit {status}\n'
            "bin=$UV_PYTHON_INSTALL_DIR/cpython-$3-linux-x86_64-gnu/bin\n"
            'mkdir -p "$bin" && cp "$FETCHED" "$bin/python3.13"\n'
        )
        path.chmod(0o755)
        return path

    def start(self, *words, **variables):
        """Start run.sh, or the `script` given, in the user's directory."""
        shell, script = variables.pop("SHELL", "bash"), variables.pop("script", self.script)
        environment = {"PATH": str(self.bin), "CALLS": str(self.calls_file), "LC_ALL": "C.UTF-8", **variables}
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [shell, str(script), *words]
        return subprocess.Popen(command, cwd=str(self.user), env=environment, encoding="utf-8", **streams)

    def run(self, *words, **variables):
        """Run it to the end, and add `stdout_text` and `stderr_text` to the process."""
        process = self.start(*words, **variables)
        try:
            process.stdout_text, process.stderr_text = process.communicate(timeout=LIMIT)
        finally:
            process.kill()
        return process

    def calls(self):
        """What `venv` and `pip` were called with since the last time, one line each."""
        lines = self.calls_file.read_text().splitlines()
        self.calls_file.write_text("")
        return lines

    def called(self):
        """The same without arguments: "venv" or "pip"."""
        return [line.split()[0] for line in self.calls()]


def arguments(process):
    """The arguments that the fake Python printed."""
    return re.findall(r"<(.*)>", process.stdout_text)


def assert_refused(process, *parts):
    """Status 2, nothing on stdout, and one line on stderr (besides those that announce a set-up) with `parts`."""
    lines = [line for line in process.stderr_text.splitlines() if not re.search("setting up|getting Python", line)]
    assert (process.returncode, process.stdout_text, len(lines)) == (2, "", 1), process.stderr_text
    assert lines[0].startswith("run.sh: ")
    for part in parts:
        assert part in lines[0]
