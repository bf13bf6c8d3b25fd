"""What features and deconv publish survives a kill, and two publishers at once."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

from legacy_graph.visualize import publishing
from tests.support.program import ROOT
from tests.support.published import images_of

# Starts one publisher for each argument FOLDER:STEP:CALL and prints the exit statuses. The step is also the content of
# two files. The publisher is killed before its call number CALL; 0 means never. One import of TensorFlow serves all.
PUBLISHERS = """
import os, signal, sys
import numpy as np
from legacy_graph.visualize import publishing

def publish(folder, step, call):
    left = int(call)
    def count(real):
        def counted(*words, **options):
            nonlocal left
            left -= 1
            if not left: os.kill(os.getpid(), signal.SIGKILL)
            return real(*words, **options)
        return counted
    for name in ("mkdir", "replace", "remove"): setattr(os, name, count(getattr(os, name)))
    files = {name: step.encode() for name in ("features.npz", "features.png")}
    publishing.publish(folder, int(step), {"sheet": np.full([2, 2], int(step), np.uint8)}, files)

started = []
for word in sys.argv[1:]:
    started.append(os.fork())
    if not started[-1]:
        os.write(1, b"started\\n")
        publish(*word.split(":"))
        os._exit(0)
for process in started: print(os.waitpid(process, 0)[1], flush=True)
"""


def start(words):
    command = [sys.executable, "-c", PUBLISHERS, *words]
    return subprocess.Popen(command, env=dict(os.environ, PYTHONPATH=ROOT), stdout=subprocess.PIPE, text=True)


def publish(folder, step):
    files = {name: str(step).encode() for name in ("features.npz", "features.png")}
    publishing.publish(folder, step, {"sheet": np.full([2, 2], step, np.uint8)}, files)


def read(folder):
    found = {}
    for name in ("features.npz", "features.png"):
        with open(os.path.join(folder, name)) as file:
            found[name] = file.read()
    return found


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """{call: folder}: a publisher was killed before its call number 3, 4, 5 or 6.

    Two calls make directories; then come the three renames and the removal of the old events.
    """
    folders = {call: tmp_path_factory.mktemp("killed") / "features" / "conv2" for call in (3, 4, 5, 6)}
    for folder in folders.values():
        publish(str(folder), 1)
        (folder / "mine.txt").write_text("mine")
    process = start([f"{folder}:2:{call}" for call, folder in folders.items()])
    statuses = [line for line in process.communicate(timeout=60)[0].splitlines() if line != "started"]
    assert statuses == [str(int(signal.SIGKILL))] * 4
    return folders


@pytest.mark.parametrize("call", [3, 4, 5, 6])
def test_a_killed_publisher_leaves_an_old_or_a_new_sheet(killed, call):
    folder, above = str(killed[call]), str(killed[call].parent)
    assert set(read(folder).values()) <= {"1", "2"}
    runs = EventMultiplexer().AddRunsFromDirectory(os.path.dirname(above)).Runs()
    assert list(runs) == ["features/conv2"]  # no draft among them
    assert [name for name in os.listdir(folder) if "tfevents" in name]
    publish(folder, 3)
    assert set(read(folder).values()) == {"3"}
    assert images_of(folder)["sheet"][0] == 3
    names = sorted(name for name in os.listdir(folder) if "tfevents" not in name)
    assert names == ["features.npz", "features.png", "mine.txt"]
    assert os.listdir(above) == ["conv2"]


def test_publishers_wait_for_each_other(tmp_path):
    folder = str(tmp_path / "conv2")
    os.mkdir(folder)
    with publishing._locked(folder):
        process = start([f"{folder}:{step}:0" for step in (1, 2, 3)])
        assert [process.stdout.readline() for _ in range(3)] == ["started\n"] * 3
        time.sleep(0.5)
        assert os.listdir(folder) == []
    assert process.communicate(timeout=60)[0] == "0\n" * 3
    assert len(set(read(folder).values())) == 1  # both files of the same publisher
    assert len(images_of(folder)) == 1
