"""损失函数和准确率的变化: what a run leaves in its event files, as TensorBoard's own reader finds it."""

import io
import os
import shlex
import subprocess

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from legacy_graph.article import deconv, network, published
from legacy_graph.data import mnist
from legacy_graph.training import recording
from tests.support import faulty_runs
from tests.support.program import SAMPLE, STEPS

VARIABLES = [f"{layer}/{kind}/summaries" for layer in ("conv1", "conv2", "fc1", "fc2") for kind in ("weights", "bias")]
SCALARS = ["loss", "accuracy"] + [f"{v}/{what}" for v in VARIABLES for what in ("mean", "stddev", "max", "min")]
HISTOGRAMS = [f"{variable}/histogram" for variable in VARIABLES]
PICTURES = ["input", "reverse_conv1", "reverse_conv2", "deconv1", "deconv2"]
# What only one of the runs has: the training batch's activations, and what was learned, on the test digits.
ONLY_SCALARS = {
    "train": ["conv1/sparsity", "conv2/sparsity", "fc1/sparsity"],
    "test": ["conv1/dead", "conv2/dead", "learned/conv1", "learned/conv2"],
}


def read(folder):
    """All events of a run, as TensorBoard reads them."""
    everything = dict.fromkeys(["scalars", "images", "histograms", "audio"], 0)
    return EventAccumulator(folder, everything).Reload()


def pixels(event):
    return np.asarray(Image.open(io.BytesIO(event.encoded_image_string)))


@pytest.fixture(scope="module", params=["train", "test"])
def events(request, trained):
    return request.param, read(os.path.join(trained.logdir, request.param))


def steps(found):
    return [event.step for event in found]


def test_each_cadence_keeps_its_steps(events):
    run, found = events
    every = 5 if run == "train" else 10
    assert all(steps(found.Scalars(tag)) == list(range(0, STEPS + 1, every)) for tag in SCALARS)
    assert all(steps(found.Scalars(tag)) == list(range(0, STEPS + 1, 10)) for tag in ONLY_SCALARS[run])
    assert all(steps(found.Histograms(tag)) == list(range(0, STEPS + 1, 10)) for tag in found.Tags()["histograms"])
    assert all(steps(found.Images(f"{tag}/image/9")) == list(range(0, STEPS + 1, 10)) for tag in PICTURES)


def test_the_loss_begins_high_and_falls_in_both_runs(events):
    _, found = events
    loss = [event.value for event in found.Scalars("loss")]
    accuracy = [event.value for event in found.Scalars("accuracy")]
    # Summed over a batch of 20; ln(10) a digit would be a network that knows nothing.
    assert loss[0] > 20 * np.log(10)
    assert loss[-1] < loss[0] / 3
    assert accuracy[0] < 0.4 < 0.6 < accuracy[-1]


@pytest.mark.parametrize(
    "labels, shown",
    [
        ([1, 0] * 10, [1, 0, 2, 3, 4, 5, 6, 7, 8, 9]),
        ([0] * 15 + [2], [0, 15, 1, 2, 3, 4, 5, 6, 7, 8]),
        ([7, 7, 3], [2, 0, 1]),
    ],
)
def test_other_images_replace_missing_classes(labels, shown):
    digits = mnist.Digits(np.arange(len(labels))[:, None], np.array(labels))
    assert recording.one_of_each(digits)[:, 0].tolist() == shown


def test_images_show_the_first_digit_of_each_class(events):
    run, found = events
    digits = getattr(mnist.load(SAMPLE), run)
    for label in range(10):
        shown = found.Images(f"input/image/{label}")
        digit = digits.images[np.flatnonzero(digits.labels == label)[0]].reshape(28, 28)
        # v1 scaling: the brightest pixel becomes 255, and what is lost is less than one grey level.
        expected = digit / digit.max() * 255.0
        assert all(np.abs(pixels(event) - expected).max() <= 1 for event in shown)


@pytest.fixture(scope="module")
def projected(trained, events):
    """What the last checkpoint makes of the run's ten digits: {tag: float32 [10, 28, 28]}."""
    with tf.Graph().as_default(), tf.Session() as session:
        net = network.build()
        made = dict(zip(["reverse_conv1", "reverse_conv2"], published.reverse(*net.layers)))
        made.update({f"deconv{n}": deconv.deconvolve(net.layers, f"conv{n}", ties="shared") for n in (1, 2)})
        checkpoint = tf.train.latest_checkpoint(os.path.join(trained.logdir, "checkpoints"))
        tf.train.Saver(tf.global_variables()).restore(session, checkpoint)
        digits = getattr(mnist.load(SAMPLE), events[0])
        first = [np.flatnonzero(digits.labels == label)[0] for label in range(10)]
        made = session.run(made, {net.images: mnist.scale_pixels(digits.images[first])})
    return {tag: values[..., 0] for tag, values in made.items()}


def last_pictures(found, tag):
    return np.stack([pixels(found.Images(f"{tag}/image/{number}")[-1]) for number in range(10)]).astype(int)


@pytest.mark.parametrize("tag", ["deconv1", "deconv2"])
def test_deconvolution_images_share_a_scale_with_zero_mid_grey(events, projected, tag):
    expected = 128 + 127 * projected[tag] / np.abs(projected[tag]).max()
    assert np.abs(last_pictures(events[1], tag) - expected).max() < 0.6


@pytest.mark.parametrize("tag", ["reverse_conv1", "reverse_conv2"])
def test_the_published_pictures_have_the_scaling_of_then(events, projected, tag):
    """Each picture on its own scale; some value is negative in each, so zero becomes 128."""
    assert (projected[tag].min((1, 2)) < 0).all()
    expected = 128 + 127 * projected[tag] / np.abs(projected[tag]).max((1, 2), keepdims=True)
    assert np.abs(last_pictures(events[1], tag) - expected).max() <= 1.1


def test_the_graph_is_written_once_and_times_three_steps(trained):
    found = read(os.path.join(trained.logdir, "train"))
    graph = tf.GraphDef.FromString(found.Graph().SerializeToString())
    scopes = {node.name.split("/")[0] for node in graph.node}
    wanted = "input input_image conv1 conv2 fc1 fc2 loss train accuracy deconv reverse_conv1"
    assert scopes >= set(wanted.split())
    assert not scopes & {"init", "save", "Merge"}  # helpers are no part of the picture
    assert not read(os.path.join(trained.logdir, "test")).Tags()["graph"]
    traced = found.Tags()["run_metadata"]
    assert traced == ["step 7", "step 15", "step 22", "step 30, pictures"]


def test_last_checkpoint_has_the_printed_accuracy(trained):
    checkpoint = tf.train.latest_checkpoint(os.path.join(trained.logdir, "checkpoints"))
    reader = tf.train.NewCheckpointReader(checkpoint)
    assert reader.get_tensor("input/step") == STEPS
    weights = reader.get_tensor("conv1/weights/Variable")
    last = read(os.path.join(trained.logdir, "train")).Scalars("conv1/weights/summaries/max")[-1]
    assert (last.step, last.value) == (STEPS, weights.max())


def test_what_the_user_is_told(trained):
    *_, accuracy, opening = trained.stdout.strip().splitlines()
    assert accuracy.startswith("Accuracy on all 1,000 test digits: 0.")
    test = read(os.path.join(trained.logdir, "test")).Scalars("accuracy")[-1].value
    assert float(accuracy.split()[-1]) == pytest.approx(test, abs=1e-4)  # on the sample both test the same 1,000
    words = shlex.split(opening.split(": ", 1)[1])
    assert os.path.basename(words[0]).startswith("python")
    assert words[1:] == ["-m", "legacy_graph", "tensorboard", "--logdir", os.path.abspath(trained.logdir)]
    assert f"step {STEPS}/{STEPS}" in trained.stderr
    for chatter in ("oneDNN", "cuda", "cuInit", "rebuild TensorFlow", "InitializeLog", "GPU", "deprecated"):
        assert chatter not in trained.stderr


def test_the_same_seed_gives_the_same_losses(undisturbed, tmp_path):
    """In another process, and in a log directory whose path has spaces and Chinese characters.

    The article forbids such a path; on today's TensorBoard it works.
    """
    logdir = str(tmp_path / "机器学习 tensorflow log")
    run = subprocess.run(faulty_runs.words(logdir), env=faulty_runs.environment(), stdout=subprocess.PIPE, text=True)
    assert run.returncode == 0
    losses = [
        [event.value for event in read(os.path.join(folder, "train")).Scalars("loss")]
        for folder in (logdir, undisturbed)
    ]
    assert len(losses[0]) == 13
    assert losses[0] == losses[1]
    assert set(read(os.path.join(logdir, "train")).Tags()["scalars"]) >= set(SCALARS)
    assert shlex.split(run.stdout.strip().splitlines()[-1])[-1] == logdir
