"""What features and deconv publish survives a kill, and two publishers at once."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

from legacy_graph.visualize import publishing
from tests.support.program import ROOT
from tests.support.published import images_of

# Publishes sys.argv[2] as the step and as the content of two files, and is killed before call number sys.argv[3].
KILLED = """
import os, signal, sys
import numpy as np
from legacy_graph.visualize import publishing
calls = int(sys.argv[3])
def count(module, name):
    real = getattr(module, name)
    def counted(*words, **options):
        global calls
        calls -= 1
        if not calls: os.kill(os.getpid(), signal.SIGKILL)
        return real(*words, **options)
    setattr(module, name, counted)
for name in ("mkdir", "replace", "remove"): count(os, name)
files = {name: sys.argv[2].encode() for name in ("features.npz", "features.png")}
publishing.publish(sys.argv[1], int(sys.argv[2]), {"sheet": np.full([2, 2], int(sys.argv[2]), np.uint8)}, files)
print("published")
"""


def start(folder, step, killed_at=0):
    command = [sys.executable, "-c", KILLED, folder, str(step), str(killed_at)]
    environment = dict(os.environ, PYTHONPATH=ROOT)
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def publish(folder, step):
    files = {name: str(step).encode() for name in ("features.npz", "features.png")}
    publishing.publish(folder, step, {"sheet": np.full([2, 2], step, np.uint8)}, files)


def read(folder):
    found = {}
    for name in ("features.npz", "features.png"):
        with open(os.path.join(folder, name)) as file:
            found[name] = file.read()
    return found


@pytest.mark.parametrize("call", [3, 4, 5, 6])
def test_a_killed_publisher_leaves_an_old_or_a_new_sheet(tmp_path, call):
    """Two calls make directories. Killed before each of the three renames, and before the old events are removed."""
    folder = str(tmp_path / "features" / "conv2")
    publish(folder, 1)
    (tmp_path / "features" / "conv2" / "mine.txt").write_text("mine")
    process = start(folder, 2, call)
    out, err = process.communicate()
    assert process.returncode == -signal.SIGKILL, err
    assert set(read(folder).values()) <= {"1", "2"}
    runs = EventMultiplexer().AddRunsFromDirectory(str(tmp_path)).Runs()
    assert list(runs) == ["features/conv2"]  # no draft among them
    assert [name for name in os.listdir(folder) if "tfevents" in name]
    publish(folder, 3)
    assert set(read(folder).values()) == {"3"}
    assert images_of(folder)["sheet"][0] == 3
    names = sorted(name for name in os.listdir(folder) if "tfevents" not in name)
    assert names == ["features.npz", "features.png", "mine.txt"]
    assert os.listdir(str(tmp_path / "features")) == ["conv2"]


def test_publishers_wait_for_each_other(tmp_path):
    folder = str(tmp_path / "conv2")
    os.mkdir(folder)
    with publishing._locked(folder):
        processes = [start(folder, step) for step in (1, 2, 3)]
        with pytest.raises(subprocess.TimeoutExpired):
            for process in processes:
                process.wait(timeout=4)
        assert os.listdir(folder) == []
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, b"published\n"), err
    assert len(set(read(folder).values())) == 1  # both files of the same publisher
    assert len(images_of(folder)) == 1
