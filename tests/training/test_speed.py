"""What makes a run quick, without a clock: what a plain step computes and is fed, what TensorFlow is told first."""

import dataclasses
import os
import subprocess
import sys
from collections import Counter

import pytest
import tensorflow.compat.v1 as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from legacy_graph.article import network
from legacy_graph.config import Config
from legacy_graph.training import loop
from tests.benchmarks.layers import FORWARD, LAYERS
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


def test_a_plain_step_is_one_run_with_two_fetches(data, tmp_path, monkeypatch):
    runs, genuine = [], tf.Session.run

    def spied(session, fetches, feed_dict=None, **options):
        runs.append((fetches, feed_dict))
        return genuine(session, fetches, feed_dict, **options)

    monkeypatch.setattr(tf.Session, "run", spied)
    config = dataclasses.replace(
        Config(), logdir=str(tmp_path / "log"), steps=9, batch_size=10, summary_every=5, histogram_every=5,
        image_every=5, test_every=5,
    )  # fmt: skip
    loop.run(config, data)
    plain = [(set(fetches), len(feed)) for fetches, feed in runs if isinstance(fetches, dict) and "train" in fetches]
    assert Counter(len(fetches) for fetches, _ in plain) == {2: 7, 7: 2}  # steps 0 and 5 write everything
    assert all((fetches, fed) == ({"loss", "train"}, 3) for fetches, fed in plain if len(fetches) == 2)


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


def test_benchmark_arithmetic_against_the_profiler():
    with tf.Graph().as_default() as graph:
        net = network.build()
    with tf.Graph().as_default() as alone:  # the same for one digit: the profiler wants every shape whole
        tf.import_graph_def(graph.as_graph_def(), {net.images.name: tf.placeholder(tf.float32, [1, 784])}, name="")
    options = tf.profiler.ProfileOptionBuilder
    options = options(options.float_operation()).with_empty_output().build()
    left, counted = [tf.profiler.profile(alone, options=options)], {}
    while left:
        node = left.pop()
        left += node.children
        counted[node.name] = node.float_ops
    names = {layer: layer + ("/convolution" if layer.startswith("conv") else "/MatMul") for layer in LAYERS}
    assert {layer: counted[name] for layer, name in names.items()} == {
        layer: pytest.approx(1e9 * count) for layer, count in FORWARD.items()
    }


def test_the_benchmark_still_drives_the_default_run(tmp_path):
    worker = Worker("ours:whole", Settings(SAMPLE, str(tmp_path / "log"), 1000))
    measured = worker(3)
    worker.close()
    assert measured.seconds > 0
    assert os.listdir(str(tmp_path / "log" / "train"))
