"""Files and directories that another user owns, or that are closed: one line, status 2, nothing changed.

Root ignores permissions. As root, the commands therefore run in a child that becomes another user by `os.setuid`.
"""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

import numpy as np
import pytest
from PIL import Image

from tests.support import faulty_runs as runs
from tests.support.log_files import fill
from tests.support.program import SAMPLE, SHORT_RUN

IS_ROOT, NOBODY = os.geteuid() == 0, 65534
# Runs each list of words in sys.argv[1] and prints [status, stderr] of each. What the commands import is imported as
# root, because another user may not read the directory of Python: a short training run imports all of it.
CHILD = """
import contextlib, importlib, io, json, os, pkgutil, sys, tempfile
import legacy_graph
from legacy_graph import tf_setup
from legacy_graph.__main__ import main
from PIL import Image
tf_setup.import_tensorflow()
Image.init()
for module in pkgutil.walk_packages(legacy_graph.__path__, "legacy_graph."):
    importlib.import_module(module.name)
with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
    assert main(["train", "--logdir", folder, "--data-dir", sys.argv[2], "--steps", "1", "--batch-size", "5"]) == 0
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
found = []
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(io.StringIO()):
        found.append((main(words), said.getvalue()))
print(json.dumps(found))
"""


def close(path):
    os.chmod(path, 0)


def give_away(path):
    """Make it the property of another user. Only root can do this; for others a closed path has the same effect."""
    if IS_ROOT:
        os.chown(path, 0, 0)
        os.chmod(path, 0o700)
    else:
        close(path)


def show_only(path):
    """Everyone can read the directory, and nobody can write into it."""
    if IS_ROOT:
        os.chown(path, 0, 0)
    os.chmod(path, 0o555)


TRAIN = ["train", "--logdir", "{}/log", "--data-dir", "{}/data", *SHORT_RUN]
OTHER_RUN = [*TRAIN, "--seed", "7"]
DECONV = ["deconv", "{}/picture.png", "--logdir", "{}/log"]
CHECKPOINTS, INDEX = "log/checkpoints", "log/checkpoints/model.ckpt-30.index"
DENIED = "found Permission denied; "
READ_AND_WRITTEN = ": expected a directory that can be read and written, " + DENIED
# Name -> words, what is closed, how, the line.
CASES = {
    "index": (TRAIN, INDEX, close, "model.ckpt-30: expected a readable checkpoint, " + DENIED),
    "data": (DECONV, INDEX.replace("index", "data-00000-of-00001"), close, "a readable checkpoint, " + DENIED),
    "options": (TRAIN, "log/checkpoints/options.json", close, "expected the options of a run as JSON, " + DENIED),
    "options of deconv": (DECONV, "log/checkpoints/options.json", close, "options of a run as JSON, " + DENIED),
    "checkpoints": (TRAIN, CHECKPOINTS, close, "log/checkpoints" + READ_AND_WRITTEN),
    "checkpoints of deconv": (DECONV, CHECKPOINTS, close, "checkpoints: expected .*, " + DENIED),
    "checkpoints not listed": (DECONV, CHECKPOINTS, lambda path: os.chmod(path, 0o311), "directory of checkpoints, "),
    "checkpoints of another user": (OTHER_RUN, CHECKPOINTS, show_only, "log/checkpoints" + READ_AND_WRITTEN),
    "log": (TRAIN, "log", show_only, r"--logdir: expected a writable directory, found '.*/log' \(Permission denied\)"),
    "no log": (TRAIN, "log", shutil.rmtree, r"--logdir: expected a writable directory, found .* \(Permission denied\)"),
    "train": (TRAIN, "log/train", give_away, "log/train" + READ_AND_WRITTEN),
    "train to archive": (OTHER_RUN, "log/train", show_only, "log/train" + READ_AND_WRITTEN),
    "data directory": (TRAIN, "data", close, "data: expected a directory that can be read, " + DENIED),
    "data file": (TRAIN, "data/train-images-idx3-ubyte.gz", close, "ubyte.gz: expected .* IDX file, found .*denied"),
    "picture": (DECONV, "picture.png", close, "picture.png: expected .*, found .*denied"),
    "features": (OTHER_RUN, "log/features", show_only, "log/features" + READ_AND_WRITTEN),
    "events": (["check", "{}/log"], "log/train/events.out.tfevents.1", close, "readable event files, " + DENIED),
}  # fmt: skip


def everything(folder):
    """All paths under a folder with owner, mode, size and time."""
    found = {}
    for where, folders, names in os.walk(folder):
        for name in folders + names:
            status = os.lstat(os.path.join(where, name))
            found[os.path.join(where, name)] = status.st_uid, status.st_mode, status.st_size, status.st_mtime
    return found


def prepare(place, options):
    """A log directory with a run of this program, its data, and a picture: all belong to the user of the child."""
    fill(f"{place}/log", "train", "test", "checkpoints", "features")
    shutil.copy(options, f"{place}/log/checkpoints/options.json")
    for ending in ("index", "data-00000-of-00001"):
        with open(f"{place}/log/checkpoints/model.ckpt-30.{ending}", "wb") as file:
            file.write(b"any")
    open(f"{place}/log/.lock", "w").close()
    shutil.copytree(SAMPLE, f"{place}/data")
    Image.fromarray(np.tri(40, 30, -5, np.uint8) * 255).save(f"{place}/picture.png")
    for path in [place, *everything(place)] if IS_ROOT else []:
        os.chown(path, NOBODY, NOBODY)


@pytest.fixture(scope="module")
def found(trained):
    """Name of a case -> status, stderr, and what has changed in its directory."""
    folder = tempfile.mkdtemp()  # other users cannot enter the directories of pytest
    os.chmod(folder, 0o755)
    places, before = {name: f"{folder}/{number}" for number, name in enumerate(CASES)}, {}
    for name, place in places.items():
        words, path, change, _ = CASES[name]
        prepare(place, os.path.join(trained.logdir, "checkpoints", "options.json"))
        change(f"{place}/{path}")
        if change == shutil.rmtree:
            show_only(place)
        before[name] = everything(place)
    words = [[word.format(place) for word in CASES[name][0]] for name, place in places.items()]
    command = [sys.executable, "-c", CHILD, json.dumps(words), SAMPLE]
    run = subprocess.run(command, env=runs.environment(), capture_output=True, text=True, cwd="/")
    assert run.returncode == 0, run.stderr
    results = json.loads(run.stdout.splitlines()[-1])
    changed = {}
    for name, place in places.items():
        after = everything(place)
        changed[name] = [path for path in {**before[name], **after} if before[name].get(path) != after.get(path)]
    yield {name: (*result, changed[name]) for name, result in zip(places, results)}
    for path, (_, mode, *_) in everything(folder).items():
        os.chmod(path, mode | stat.S_IRWXU)
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", CASES)
def test_a_closed_path_is_one_line_and_changes_nothing(found, name):
    status, said, changed = found[name]
    assert (status, said.count("\n")) == (2, 1), said
    assert re.search(CASES[name][3], said), said
    assert [path for path in changed if not path.endswith("/.lock")] == []
