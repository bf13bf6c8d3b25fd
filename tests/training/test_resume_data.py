"""Which data resumes a run: the same images and labels, also where the run is of an earlier version."""

import json
import os

from legacy_graph.config import Config
from legacy_graph.data import mnist
from legacy_graph.training import loop
from tests.support.faulty_runs import OPTIONS, earlier


def test_other_labels_are_another_run(stopped, data, capsys):
    labels = (data.train.labels + 1) % 10
    changed = data._replace(train=mnist.Digits(data.train.images, labels))
    loop.run(Config(logdir=stopped.logdir, **dict(OPTIONS, steps=6)), changed)
    assert "Starting a new run; the run with other data (9,000 digits with the checksum" in capsys.readouterr().out
    assert len(earlier(stopped.logdir)) == 1


def test_a_run_of_an_earlier_version_is_resumed(stopped):
    """Its options name the data by a checksum of the training images alone; this is the text of the first version."""
    old = {name: OPTIONS[name] for name in ("seed", "batch_size", "learning_rate", "keep_prob")}
    with open(os.path.join(stopped.logdir, "checkpoints", "options.json"), "w") as file:
        json.dump(dict(old, data_dir="9,000 digits with the checksum 236c9301"), file)
    assert "Resuming at step 6 of 12" in stopped(stop_at=6)
    assert earlier(stopped.logdir) == []
