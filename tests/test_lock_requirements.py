"""The lock files: complete, with hashes, and current, as far as can be told without the network."""

import os
import re

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
    locks += [selected(each.path, here) for each in lock.LOCKS if each.path.startswith(".lock/tensorflow-")]
    (locked,) = [names for names in locks if names["tensorflow"] == "==" + metadata.version("tensorflow")]
    checked = [package for package in metadata.distributions() if canonical(package.metadata["Name"]) in locked]
    for package in checked:
        for needed in map(Requirement, package.requires or []):
            if not needed.marker or needed.marker.evaluate(here):
                assert canonical(needed.name) in locked, f"{package.metadata['Name']} needs {needed}"
    assert len(checked) > 30
