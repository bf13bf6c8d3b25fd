"""What users' logs and checkpoints already contain, as `pinned.json`: event tags, GRAPHS nodes, variables, options.

A change of these breaks saved runs, dashboards or scripts. If it is intended, regenerate the file and give the reason
in the commit:

    bash run.sh test tests/training/test_pinned.py     # shows what changed
    python -m tests.support.pinned                     # trains `SHORT_RUN`, writes pinned.json
    python -m tests.support.pinned LOGDIR              # the same from a run of `SHORT_RUN` that exists
"""

import json
import os
import sys
import tempfile

import tensorflow.compat.v1 as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.support.program import SAMPLE, SHORT_RUN, legacy_graph

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pinned.json")
KINDS = ("scalars", "images", "audio", "histograms", "run_metadata")
GRADIENTS = "train/gradients/"  # TensorFlow names these nodes, and each version some of them differently


def describe(logdir):
    """What a run of `SHORT_RUN` contains, in the form of pinned.json."""
    runs = {run: EventAccumulator(os.path.join(logdir, run)).Reload() for run in ("train", "test")}
    checkpoints = os.path.join(logdir, "checkpoints")
    nodes = [node.name for node in runs["train"].Graph().node]
    with open(os.path.join(checkpoints, "options.json"), encoding="utf-8") as file:
        options = json.load(file)
    return {
        "tags": {run: {kind: sorted(events.Tags()[kind]) for kind in KINDS} for run, events in runs.items()},
        "nodes": sorted(name for name in nodes if not name.startswith(GRADIENTS)),
        "variables": tf.train.load_checkpoint(checkpoints).get_variable_to_shape_map(),
        "options": sorted(options),
    }


def pinned():
    """The content of pinned.json."""
    with open(FILE, encoding="utf-8") as file:
        return json.load(file)


def main(words):
    """Write pinned.json from the run in the directory `words[0]`, or from a new one."""
    with tempfile.TemporaryDirectory() as folder:
        logdir = words[0] if words else os.path.join(folder, "log")
        if not words:
            legacy_graph("train", "--logdir", logdir, "--data-dir", SAMPLE, *SHORT_RUN).check_returncode()
        described = describe(logdir)
    with open(FILE, "w", encoding="utf-8") as file:
        json.dump(described, file, indent=0, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1:])
