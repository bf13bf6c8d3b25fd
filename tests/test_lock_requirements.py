"""The lock files: complete, with hashes, and current, as far as can be told without the network."""

import os
import re
import subprocess
import sys

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from tests import lock_requirements as lock
from tests.support.program import ROOT

try:
    from importlib import metadata
except ImportError:  # Python 3.7
    import importlib_metadata as metadata

PYTHONS = ("3.7", "3.10", "3.11", "3.12", "3.13")
SYSTEMS = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    "macos": {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
}
FAKE_UV = r"""
import sys
words = sys.argv[1:]
target = words[words.index("--output-file") + 1]
if target == FAILS:
    sys.exit("no network")
with open(target, "a") as file:
    file.write("new\n")
"""


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def requirements(path):
    """The requirements in a file, without comments and hashes."""
    lines = re.sub(r"\s*#.*", "", read(path).replace("\\\n", " ")).splitlines()
    return [Requirement(line.partition("--hash")[0]) for line in lines if line.strip()]


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def selected(path, environment):
    """Name -> version specifier of what an interpreter installs from a file."""
    chosen = [wanted for wanted in requirements(path) if not wanted.marker or wanted.marker.evaluate(environment)]
    names = [canonical(wanted.name) for wanted in chosen]
    assert len(set(names)) == len(names), f"{path} selects two versions of one package"
    return {canonical(wanted.name): str(wanted.specifier) for wanted in chosen}


def environment(python, system):
    version = {"python_version": python, "python_full_version": python + ".1", "extra": ""}
    return dict(default_environment(), **SYSTEMS[system], **version)


@pytest.mark.parametrize("locked", lock.LOCKS, ids=lambda locked: locked.path)
def test_a_lock_names_its_requirements_as_they_are_now(locked):
    """The same comparison as in run.sh, which so refuses a lock that is older than its requirements."""
    made_from = re.findall("^# made from: (.*)$", read(locked.path), re.MULTILINE)
    assert made_from == [lock.checksum(source) for source in locked.sources]


@pytest.mark.parametrize("locked", lock.LOCKS, ids=lambda locked: locked.path)
def test_every_locked_package_has_one_version_and_hashes(locked):
    text = read(locked.path)
    entries = [line for line in text.replace("\\\n", "").splitlines() if not line.lstrip().startswith("#")]
    assert entries
    for entry in entries:
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+ (; .*?)?( +--hash=sha256:[0-9a-f]{64})+ *", entry), entry
    # It holds for every user's package index, and names none.
    assert not re.search(r"://|--(extra-)?index|--find-links|file:|trusted-host", text)


@pytest.mark.parametrize("system", sorted(SYSTEMS))
@pytest.mark.parametrize("python", PYTHONS)
def test_the_locks_hold_what_the_requirements_pin(python, system):
    here = environment(python, system)
    run, tests = selected(lock.RUN, here), selected(lock.TESTS, here)
    for path, locked in [("requirements.txt", run), ("tests/requirements.txt", tests)]:
        pinned = selected(path, here)
        assert pinned and {name: locked[name] for name in pinned} == pinned
    assert {name: tests[name] for name in tests if name in run} == {name: run[name] for name in run if name in tests}


@pytest.mark.parametrize("tensorflow", lock.OTHERS)
def test_other_tensorflows_get_all_packages(tensorflow):
    here = environment(lock.OTHERS[tensorflow], "linux")
    assert set(selected("requirements.txt", here)) <= set(selected(f"tests/requirements-{tensorflow}.txt", here))


def test_the_locks_hold_what_their_packages_need():
    """Checked for the packages that are installed here: what each needs on this interpreter is locked too."""
    here = dict(default_environment(), extra="")
    locks = [dict(selected(lock.RUN, here), **selected(lock.TESTS, here))]
    locks += [selected(one.path, here) for one in lock.LOCKS if one.path.startswith(".lock/tensorflow-")]
    (locked,) = [one for one in locks if one["tensorflow"] == "==" + metadata.version("tensorflow")]
    installed = {canonical(found.metadata["Name"]): found for found in metadata.distributions()}
    checked = [installed[name] for name in locked if name in installed]
    for found in checked:
        for needed in map(Requirement, found.requires or []):
            if not needed.marker or needed.marker.evaluate(here):
                assert canonical(needed.name) in locked, f"{found.metadata['Name']} needs {needed}"
    assert len(checked) > 30


@pytest.fixture
def checkout(tmp_path):
    """Runs the module on a copy, with a fake uv that appends a line to a lock; returns status and the new texts."""
    for folder in ("tests", ".lock", "modules"):
        (tmp_path / folder).mkdir()
    for path in (
        ".lock/uv.in",
        "tests/lock_requirements.py",
        "requirements.txt",
        "tests/requirements.txt",
        *[f"tests/requirements-{tensorflow}.txt" for tensorflow in lock.OTHERS],
    ):
        (tmp_path / path).write_text(read(path), encoding="utf-8")
    for locked in lock.LOCKS:
        (tmp_path / locked.path).write_text("old\n")

    def run(fails=""):
        (tmp_path / "modules" / "uv.py").write_text(f"FAILS = {fails!r}\n{FAKE_UV}")
        variables = dict(os.environ, PYTHONPATH=str(tmp_path / "modules"))
        status = subprocess.call([sys.executable, "tests/lock_requirements.py"], cwd=str(tmp_path), env=variables)
        return status, [(tmp_path / locked.path).read_text() for locked in lock.LOCKS]

    return run


def test_lock_starts_from_the_old_file_and_names_its_sources(checkout):
    status, texts = checkout()
    assert status == 0
    for text, locked in zip(texts, lock.LOCKS):
        made_from = "".join(f"# made from: {lock.checksum(source)}\n" for source in locked.sources)
        assert text == f"# Written by: bash run.sh lock\n{made_from}old\nnew\n"


def test_a_lock_that_cannot_be_resolved_stays_as_it_was(checkout, capfd):
    status, texts = checkout(fails=lock.RUN)
    assert (status, texts) == (2, ["old\n"] * len(lock.LOCKS))
    assert "uv cannot resolve .lock/run.txt; that file is unchanged" in capfd.readouterr().err
