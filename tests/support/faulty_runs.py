"""Small training runs for fault tests, and functions that read the files they leave."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import numpy as np
import tensorflow.compat.v1 as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from legacy_graph.config import CONVOLUTIONS
from legacy_graph.logdir import layout
from legacy_graph.training import recorded_spots
from tests.support.program import ROOT, SAMPLE

# Every step writes something, and dropout is active.
OPTIONS = {
    "steps": 12, "batch_size": 20, "learning_rate": 1e-3, "keep_prob": 0.7, "seed": 3, "summary_every": 1,
    "histogram_every": 4, "image_every": 6, "test_every": 4, "checkpoint_every": 4,
}  # fmt: skip
# A long run that reports every 50th step and writes little besides the loss.
NEVER = dict.fromkeys(["image_every", "histogram_every", "test_every", "checkpoint_every"], 1000)
LONG = dict(NEVER, steps=1000, batch_size=5)
# Kind of event: method of TensorBoard's reader, attribute that holds the value.
KINDS = {
    "scalars": ("Scalars", "value"),
    "histograms": ("Histograms", "histogram_value"),
    "images": ("Images", "encoded_image_string"),
    "audio": ("Audio", "encoded_audio_string"),
}


def curves(logdir):
    """{"train/loss": [(step, value), ...], ...}: all events of train and test, without their times."""
    found = {}
    for run in ("train", "test"):
        events = EventAccumulator(os.path.join(logdir, run), dict.fromkeys(KINDS, 0)).Reload()
        tags = events.Tags()
        found[run + " traces"], found[run + " graph"] = sorted(tags["run_metadata"]), tags["graph"]
        for kind, (read, content) in KINDS.items():
            for tag in tags[kind]:
                found[f"{run}/{tag}"] = [(event.step, getattr(event, content)) for event in getattr(events, read)(tag)]
    return found


def weights(logdir):
    """Every variable of the newest checkpoint, Adam's moments among them: {name: array}."""
    reader = tf.train.load_checkpoint(os.path.join(logdir, "checkpoints"))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def assert_same(logdir, undisturbed):
    """Assert that variables, events, kernels and spots equal those of a run that was never stopped, bit for bit."""
    ours, theirs = weights(logdir), weights(undisturbed)
    assert sorted(ours) == sorted(theirs)
    assert [name for name in ours if not np.array_equal(ours[name], theirs[name])] == []
    ours, theirs = curves(logdir), curves(undisturbed)
    assert sorted(ours) == sorted(theirs)
    assert [name for name in ours if ours[name] != theirs[name]] == []
    ours, theirs = kept(logdir), kept(undisturbed)
    assert ours == theirs


def kept(logdir):
    """{file name: bytes} of the kernels and the spots of all image steps."""
    found, folders = {}, [recorded_spots.folder(logdir, layer) for layer in CONVOLUTIONS]
    for folder in [os.path.join(logdir, layout.KERNELS), *folders]:
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as file:
                found[os.path.join(os.path.basename(folder), name)] = file.read()
    return found


def words(logdir, **options):
    """The command line of a run with `OPTIONS`, updated by the given ones."""
    options = dict(OPTIONS, logdir=logdir, data_dir=SAMPLE, **options)
    command = [sys.executable, "-m", "legacy_graph", "train"]
    for name, value in options.items():
        command += ["--" + name.replace("_", "-")] + ([] if value is True else [str(value)])
    return command


def environment():
    """The environment of a user, in which output is buffered."""
    given = dict(os.environ, PYTHONPATH=ROOT, PYTHONIOENCODING="utf-8")
    given.pop("PYTHONUNBUFFERED", None)
    return given


@contextlib.contextmanager
def running(logdir, **options):
    """A training process with text pipes; killed at the end if it still runs."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(words(logdir, **options), env=environment(), cwd=ROOT, **pipes)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_step(process, step):
    """Read the lines of stderr until the run has reached `step`; returns them."""
    told = []
    for line in process.stderr:
        told.append(line)
        if line.startswith("step ") and int(line.split()[1].split("/")[0]) >= step:
            return told
    raise AssertionError("ended before step {}: {}".format(step, "".join(told)))


def stopped(logdir, step, by=signal.SIGINT, **options):
    """Send a signal to a run at `step` and wait; returns exit status, stdout and stderr."""
    with running(logdir, **options) as process:
        told = wait_for_step(process, step)
        process.send_signal(by)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, "".join(told) + err


def wait_until(condition, seconds=60):
    """Poll until `condition()` is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "condition not met in time"
        time.sleep(0.01)


def checkpoints(logdir):
    names = os.listdir(os.path.join(logdir, "checkpoints"))
    return sorted(int(name.split("-")[1].split(".")[0]) for name in names if name.endswith(".index"))


def damage(logdir, step, kind="data-00000-of-00001"):
    """Invert one byte in the middle of a checkpoint file."""
    with open(os.path.join(logdir, "checkpoints", f"model.ckpt-{step}.{kind}"), "r+b") as file:
        middle = os.fstat(file.fileno()).st_size // 2
        file.seek(middle)
        byte = file.read(1)[0]
        file.seek(middle)
        file.write(bytes([byte ^ 0xFF]))


def earlier(logdir):
    folder = os.path.join(logdir, "earlier")
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def lines(text):
    """The lines of stderr without progress."""
    return [line for line in text.splitlines() if not line.startswith("step ")]


def newest(place):
    """The step of the newest checkpoint. Reads every tensor, so a damaged one raises an error."""
    reader = tf.train.load_checkpoint(os.path.join(place, "checkpoints"))
    return int({name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}["input/step"])
