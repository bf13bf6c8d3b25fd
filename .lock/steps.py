"""The steps of run.sh that are written in Python: python -I .lock/steps.py STEP ARGUMENTS. Standard library only.

lock VENV             wait for the lock on file descriptor 9, which belongs to VENV
meets HOME LOCK...    status 0 if this interpreter has what the requirements files of the locks name
pip LOG ARGUMENTS...  run pip; its output goes into LOG, and its progress to a terminal
"""

import ast
import fcntl
import os
import re
import signal
import subprocess
import sys
import time

LIMIT = 1800  # seconds to wait for another set-up
# The settings of the user's pip that say where packages come from. All others are dropped: `user`, `target`, `prefix`
# and `root` install elsewhere than into the environment, `dry-run` and `no-deps` leave packages out.
KEPT = (
    "index-url pypi-url extra-index-url no-index find-links proxy cert client-cert trusted-host timeout "
    "default-timeout retries cache-dir no-cache-dir keyring-provider use-feature use-deprecated "
    "disable-pip-version-check"
).split()
SECTIONS = ("global", "install", ":env:")  # the later one wins


def lock(venv):
    """Take the lock. The kernel releases it when the last process with the file descriptor exits, also after a kill."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    began = time.monotonic()
    if _taken():
        return
    print("run.sh: waiting for another run.sh, which is setting up", venv, file=sys.stderr, flush=True)
    while not _taken():
        if time.monotonic() - began >= LIMIT:
            message = "run.sh: %s is still being set up after %d s: stop that process, then try again"
            sys.exit(message % (venv, LIMIT))
        time.sleep(0.25)


def _taken():
    """Try to take the lock. True also if the file system has no locks."""
    try:
        fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        message = "run.sh: this file system has no locks (%s): do not start another set-up now"
        print(message % error, file=sys.stderr)
    return True


def meets(home, *locks):
    """Read the metadata of the packages, because importing them takes seconds."""
    try:
        from importlib.metadata import version
    except ImportError:  # Python 3.7
        from pip._vendor import pkg_resources

        def version(name):
            return pkg_resources.get_distribution(name).version

    try:
        from packaging.requirements import Requirement
    except ImportError:
        from pip._vendor.packaging.requirements import Requirement
    for path in locks:
        for source in re.findall("^# made from: .* (.*)$", _read(os.path.join(home, path)), re.MULTILINE):
            lines = [line.partition("#")[0].strip() for line in _read(os.path.join(home, source)).splitlines()]
            for needed in map(Requirement, filter(None, lines)):
                if not needed.marker or needed.marker.evaluate():
                    assert version(needed.name) in needed.specifier, needed


def _read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def pip(log, *arguments):
    """Replace this process by pip. It gets the settings `KEPT` by variables, and reads no file of configuration."""
    terminal = os.dup(2) if os.isatty(2) else None
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644), 2)
    os.dup2(2 if terminal is None else terminal, 1)
    given = [] if terminal is None else ["--log", log]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    variables["PIP_CONFIG_FILE"] = os.devnull
    for name, value in _settings():
        variables["PIP_" + name.upper().replace("-", "_")] = value
    os.execve(sys.executable, [sys.executable, "-I", "-m", "pip", *arguments, *given], variables)


def _settings():
    """The settings `KEPT` of the user: (name, value), the one that wins last."""
    # pip's own option -v outweighs a `quiet` of the user, which would hide the list.
    command = [sys.executable, "-I", "-m", "pip", "-vvv", "config", "list"]
    listing = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8")
    if listing.returncode != 0:
        sys.exit(listing.returncode)
    found = []
    for section, name, value in re.findall(r"^(\S+?)\.(\S+?)=(.*)$", listing.stdout, re.MULTILINE):
        if section in SECTIONS and name in KEPT:
            found.append((SECTIONS.index(section), name, ast.literal_eval(value)))
    return [(name, value) for _, name, value in sorted(found)]


if __name__ == "__main__":
    {"lock": lock, "meets": meets, "pip": pip}[sys.argv[1]](*sys.argv[2:])
