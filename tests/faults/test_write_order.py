"""The order of a run's system calls, recorded by strace: new files are on the disk before older ones are removed."""

import os
import re
import shutil
import subprocess

import pytest

from tests.support import faulty_runs as runs

pytestmark = pytest.mark.slow
HELP = "this needs Linux and strace: install strace (on Debian: apt install strace)"
TRACED = "fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat"
CALL = re.compile(r"(fsync|fdatasync|rename|unlink)\w*\((.*)\) += 0")
OPTIONS = dict(runs.NEVER, steps=12, batch_size=5, checkpoint_every=2)
STEPS = range(0, 13, 2)  # of the checkpoints; the last three are kept
PARTS = ("data-00000-of-00001", "index")


def system_calls(text, logdir):
    """[(call, path below logdir)] of the output of `strace -f -y`, in the order in which the calls returned."""
    waiting, found = {}, []
    for line in text.splitlines():
        process, _, call = line.partition(" ")
        if call.endswith("<unfinished ...>"):
            waiting[process] = call[: -len("<unfinished ...>")]
            continue
        resumed = re.match(r"\s*<\.\.\. \w+ resumed>(.*)", call)
        match = CALL.search(waiting.pop(process) + resumed.group(1) if resumed else call)
        if match:
            name, given = match.groups()
            path = re.findall(r"<(.*)>" if "sync" in name else r'"([^"]*)"', given)[-1]
            if path.startswith(logdir):
                found.append((name.replace("fdata", "f"), os.path.relpath(path, logdir)))
    return found


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    assert shutil.which("strace"), HELP
    folder = str(tmp_path_factory.mktemp("strace"))
    logdir = os.path.join(folder, "log")
    command = ["strace", "-f", "-y", "-qq", "-o", os.path.join(folder, "calls"), "-e", f"trace={TRACED}"]
    run = subprocess.run(
        [*command, *runs.words(logdir, **OPTIONS)], capture_output=True, text=True, env=runs.environment()
    )
    assert run.returncode == 0, f"{HELP}\n{run.stderr}"
    with open(os.path.join(folder, "calls"), errors="replace") as file:
        yield system_calls(file.read(), logdir)
    shutil.rmtree(folder)


def place_of(calls, call, path, start=0):
    """The index of the first such call from `start`."""
    return calls.index((call, path), start)


def test_a_checkpoint_is_on_the_disk_before_an_older_is_removed(calls):
    """The removal of step N - 6 comes after the fsync of data, index and directory of step N."""
    for step in STEPS[3:]:
        renamed = place_of(calls, "rename", f"checkpoints/model.ckpt-{step}.index")
        synced = [place_of(calls, "fsync", f"checkpoints/model.ckpt-{step}.{part}", renamed) for part in PARTS]
        directory = place_of(calls, "fsync", "checkpoints", max(synced))
        removed = [place_of(calls, "unlink", f"checkpoints/model.ckpt-{step - 6}.{part}") for part in PARTS]
        assert renamed < min(synced) <= max(synced) < directory < min(removed)


def test_nothing_else_is_removed(calls):
    removed = [path for call, path in calls if call == "unlink"]
    assert sorted(removed) == sorted(f"checkpoints/model.ckpt-{step}.{part}" for step in STEPS[:-3] for part in PARTS)


def test_events_are_on_the_disk_before_the_checkpoint_is_named(calls):
    """Otherwise a power cut could leave a checkpoint whose steps are missing in the curves."""
    (train,) = {path for call, path in calls if call == "fsync" and path.startswith("train/")}
    (test,) = {path for call, path in calls if call == "fsync" and path.startswith("test/")}
    for before, step in zip(STEPS, STEPS[1:]):
        begin, end = [place_of(calls, "rename", f"checkpoints/model.ckpt-{at}.index") for at in (before, step)]
        assert {("fsync", train), ("fsync", test)} <= set(calls[begin:end])


def test_the_options_are_on_the_disk_before_they_are_named(calls):
    expected = [("fsync", "checkpoints/options.json.tmp"), ("rename", "checkpoints/options.json"),
                ("fsync", "checkpoints"), ("fsync", ".")]  # fmt: skip
    assert calls[:4] == expected
