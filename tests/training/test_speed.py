"""What makes a run quick, without a clock: what a plain step computes and is fed, what TensorFlow is told first."""

import os
import subprocess
import sys

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.benchmarks.workers import Settings, Worker
from tests.support.program import ROOT, SAMPLE

PLAIN, IMAGES = "step 7", "step 30, pictures"  # of the run that all tests share: no summary is due at step 7


@pytest.fixture(scope="module")
def computed(trained):
    """{tag: the names of the operations that a traced step ran}."""
    found = EventAccumulator(os.path.join(trained.logdir, "train")).Reload()
    return {
        tag: {node.node_name for device in found.RunMetadata(tag).step_stats.dev_stats for node in device.node_stats}
        for tag in (PLAIN, IMAGES)
    }


def test_a_plain_step_computes_no_deconvolution_and_no_summary(computed):
    assert any(name.startswith("train/gradients/conv2/convolution") for name in computed[PLAIN])
    for word in ("deconv", "reverse_conv1", "conv2d_transpose", "switches", "summaries", "accuracy", "Merge", "save"):
        assert not [name for name in computed[PLAIN] if word in name], word


def test_the_same_look_finds_them_at_a_step_with_images(computed):
    for word in ("deconv", "reverse_conv1", "conv2d_transpose", "switches", "Merge"):
        assert [name for name in computed[IMAGES] if word in name], word
    assert not [name for name in computed[IMAGES] if name.startswith("train/")]


@pytest.mark.parametrize("users, seen", [(None, "1"), ("0", "0")])
def test_onednn_is_on_unless_the_user_has_chosen(users, seen):
    environment = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    if users is not None:
        environment["TF_ENABLE_ONEDNN_OPTS"] = users
    code = (
        "import os, sys\n"
        "from legacy_graph import tf_setup\n"
        "class Spy:\n"
        "    def find_spec(name, *_):\n"
        "        if name == 'tensorflow': raise SystemExit(print(os.environ['TF_ENABLE_ONEDNN_OPTS']))\n"
        "sys.meta_path.insert(0, Spy)\n"
        "tf_setup.import_tensorflow()\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert run.stdout.strip() == seen


def test_the_benchmark_still_drives_the_default_run(tmp_path):
    worker = Worker("ours:whole", Settings(SAMPLE, str(tmp_path / "log"), 1000))
    measured = worker(3)
    worker.close()
    assert measured.seconds > 0
    assert os.listdir(str(tmp_path / "log" / "train"))
