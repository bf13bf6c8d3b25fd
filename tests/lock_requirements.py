"""Write the lock files .lock/*.txt: every package of the environments with its version and hashes.

    bash run.sh lock                         keeps each locked version that still fits
    bash run.sh lock --upgrade               takes the newest that fit; options go to `uv pip compile`

A lock holds for all supported interpreters and systems: environment markers select the lines. Its first lines name the
requirements files that it was made from, with their checksums; run.sh refuses a lock that does not match them.
"""

import os
import subprocess
import sys
from typing import List, NamedTuple

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RUN, TESTS = ".lock/run.txt", ".lock/tests.txt"
UV, UV_SOURCE = ".lock/uv.txt", ".lock/uv.in"
OTHERS = {"2.15": "3.11", "2.22": "3.13"}  # TensorFlow that only the matrix tests -> Python


class Lock(NamedTuple):
    """A lock file, the requirements files whose checksums it carries, and what is given to uv."""

    path: str
    sources: List[str]
    arguments: List[str]


LOCKS = [
    Lock(RUN, ["requirements.txt"], ["requirements.txt", "--python-version", "3.7"]),
    # run.sh installs this one after the first, so the packages of both must have the same versions.
    Lock(
        TESTS,
        ["requirements.txt", "tests/requirements.txt"],
        ["tests/requirements.txt", "--constraints", RUN, "--python-version", "3.7"],
    ),
    Lock(UV, [UV_SOURCE], [UV_SOURCE, "--python-version", "3.8"]),
    *[
        Lock(f".lock/tensorflow-{version}.txt", sources, [*sources, "--python-version", python])
        for version, python in OTHERS.items()
        for sources in [[f"tests/requirements-{version}.txt", "tests/requirements.txt"]]
    ],
]


def checksum(path: str) -> str:
    """The line that the POSIX command `cksum` prints for a file of the checkout."""
    return subprocess.run(["cksum", path], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def write(lock: Lock, options: List[str]) -> bool:
    """Resolve a lock, starting from the versions in the present file, and write it. False if uv fails."""
    command = [sys.executable, *"-m uv pip compile --quiet --universal --generate-hashes --no-header".split()]
    command += ["--output-file", lock.path, *lock.arguments, *options]
    if subprocess.call(command, cwd=ROOT, stdout=subprocess.DEVNULL) != 0:
        return False
    path = os.path.join(ROOT, lock.path)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    header = "".join(f"# made from: {checksum(source)}\n" for source in lock.sources)
    with open(path, "w", encoding="utf-8") as file:
        file.write("# Written by: bash run.sh lock\n" + header + text)
    return True


def main(options: List[str]) -> int:
    """Write the locks one after the other. Returns the exit status."""
    os.makedirs(os.path.join(ROOT, ".lock"), exist_ok=True)
    for lock in LOCKS:
        if not write(lock, options):
            print(f"run.sh: uv cannot resolve {lock.path}; that file is unchanged", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
