"""FeaturesHook: it changes no loss and no graph. It records what TensorFlow and numpy compute of the same weights."""

import glob
import os
import shlex
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import legacy_graph
from legacy_graph.__main__ import main
from legacy_graph.board import runs
from legacy_graph.logdir import kept_kernels
from legacy_graph.visualize import evolution, spot_schema
from legacy_graph.visualize.rank_correlation import rank_correlation
from tests.support import shapes_program
from tests.support.plain_loop import PICTURES, plain_session
from tests.support.published import assert_refused, read_npz, tree

RECORDED = [0, 20, 30]  # the last step is not one of `config.is_image_step`


def train(logdir, with_hook):
    """(losses, the operations with their inputs and seeds) of the program."""
    with tf.Graph().as_default() as graph:
        losses = list(shapes_program.train(logdir, with_hook))
    seeds = [[node.attr[name].i for name in ("seed", "seed2")] for node in graph.as_graph_def().node]
    nodes = [(node.name, node.op, list(node.input)) for node in graph.as_graph_def().node]
    return losses, list(zip(nodes, seeds))


@pytest.fixture(scope="module")
def hooked(tmp_path_factory):
    """(log directory, losses, operations) of the program with the hook."""
    logdir = str(tmp_path_factory.mktemp("hook") / "log")
    return (logdir, *train(logdir, True))


def test_losses_and_graph_are_those_without_the_hook(hooked):
    _, losses, operations = hooked
    expected, expected_operations = train("", False)
    assert len(losses) == shapes_program.STEPS and losses == expected
    assert operations == expected_operations


def test_the_dashboards_find_each_layer_and_step(hooked):
    (run,) = runs.find_runs(hooked[0]).values()
    assert {layer: sorted(paths) for layer, paths in run.sheets.items()} == dict.fromkeys(
        ["conv1", "conv2"], ["", "0", "20"]
    )
    for layer, paths in run.sheets.items():
        assert [int(spot_schema.read(paths[step])["step"]) for step in ("0", "20", "")] == RECORDED
        folder = os.path.join(run.folder, "features", layer)
        events = EventAccumulator(folder, {"images": 0}).Reload()
        assert [event.step for event in events.Images("features/sheet")] == RECORDED
        assert os.path.exists(os.path.join(folder, "evolution.png"))


def test_the_command_draws_chosen_steps_again(hooked, capsys):
    recorded = os.path.join(hooked[0], "features", "conv2")
    sheet = os.path.join(f"{recorded}-steps=0,30", "evolution.png")
    before = tree(recorded)
    assert main(["features", "--steps", "0,30", "--layer", "conv2", "--logdir", hooked[0]]) == 0
    assert capsys.readouterr().out == f"Evolution sheet: {sheet}\n"
    assert tree(recorded) == before
    arrays = read_npz(recorded, "features-0.npz")
    first = evolution.read_column(arrays)
    assert list(evolution.read_steps(recorded)) == RECORDED
    columns = evolution.read_steps(recorded, [0, 30])
    assert list(columns) == [0, 30] and (columns[0].projections == first.projections).all()
    expected = evolution.draw_steps(columns, "conv2 of your network")
    with Image.open(sheet) as picture:
        np.testing.assert_array_equal(np.asarray(picture), expected)
    for words, line in (
        (["--steps", "7"], "--steps: expected some of 0, 20, 30, or all, found 7"),
        (["--steps", "all", "--layer", "conv3"], "--layer: expected one of conv1, conv2, found 'conv3'"),
        (["--steps", "all", "--maps", "1"], "--maps: expected only --layer and --steps"),
        (["--steps", "all", "--range", "0,1"], "--range: expected --graph PATH beside it"),
        (["--maps", "1"], "found results of FeaturesHook; name another one, or draw these with: "),
        (["--maps", "1"], f"features --steps all --logdir {shlex.quote(hooked[0])}"),
    ):
        assert_refused(capsys, ["features", "--logdir", hooked[0], *words], line)


@pytest.fixture(scope="module")
def network():
    """(session, images, {layer: (activations, pool)}) of the program's network, without values."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        images = tf.placeholder(tf.float32, [None, shapes_program.SIDE, shapes_program.SIDE, 3])
        shapes_program.inference(images, 1.0)
        tensors = [
            [graph.get_tensor_by_name(f"{layer}/{name}:0") for name in (layer, "pool")] for layer in ("conv1", "conv2")
        ]
        yield session, images, dict(zip(["conv1", "conv2"], tensors))


@pytest.mark.parametrize("step", RECORDED)
def test_records_are_those_of_the_kept_weights(hooked, network, step):
    logdir, (session, images, layers) = hooked[0], network
    kept, first = [kept_kernels.read(logdir, number) for number in (step, 0)]
    assert sorted(kept) == ["conv1/biases", "conv1/weights", "conv2/biases", "conv2/weights"]
    for variable in session.graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES):
        if variable.op.name in kept:
            session.run(variable.initializer, {variable.initializer.inputs[1]: kept[variable.op.name]})
    feed = {images: shapes_program.make_shapes(40, 1)[0]}
    events = EventAccumulator(os.path.join(logdir, "learning"), {"scalars": 0, "histograms": 0, "images": 0}).Reload()
    assert set(events.Tags()["images"]) == {"features/conv1", "features/conv2", "kernels/conv1"}
    for layer, (relu, pool) in layers.items():
        activations, pooled = session.run([relu, pool], feed)
        paths = next(iter(runs.find_runs(logdir).values())).sheets[layer]
        arrays = spot_schema.read(paths.get(str(step), paths[""]))
        strongest = pooled.max(axis=(1, 2))  # [40, 8]
        order = np.sort(-strongest, axis=0)[:9].T
        np.testing.assert_allclose(arrays["activations"], np.maximum(-order, 0), rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(arrays["maps"], range(8))
        expected = {
            f"{layer}/sparsity": np.mean(activations == 0),
            f"{layer}/dead": np.mean(strongest.max(axis=0) <= 0),
            f"learned/{layer}": rank_correlation(*(one[f"{layer}/weights"].ravel() for one in (kept, first))),
        }
        for tag, value in expected.items():
            (event,) = [event for event in events.Scalars(tag) if event.step == step]
            assert event.value == pytest.approx(value, abs=1e-3), tag
        (histogram,) = [event for event in events.Histograms(f"{layer}/activations") if event.step == step]
        assert histogram.histogram_value.num == activations.size
        assert histogram.histogram_value.sum == pytest.approx(activations.sum(), rel=1e-3)


def test_a_plain_loop_records_with_one_call(tmp_path):
    with plain_session() as (plain, session):
        hook, values = plain.hook(tmp_path, every=3), {}
        for step in range(6):
            values[step] = session.run(plain.kernel)
            hook.record(session, step)
            session.run(plain.add)
        hook.end(session)
    assert kept_kernels.kept_steps(str(tmp_path)) == [0, 3, 5]
    for step in (0, 3):
        np.testing.assert_array_equal(kept_kernels.read(str(tmp_path), step)["kernel"], values[step])


def test_a_step_between_two_calls_is_recorded(tmp_path):
    """Steps 19 and 21 are seen, step 20 is due."""
    with plain_session() as (plain, session):
        hook = plain.hook(tmp_path)
        for step in (0, 19, 21, 22):
            hook.record(session, step)
    assert kept_kernels.kept_steps(str(tmp_path)) == [0, 21]


def test_the_log_of_a_training_run_is_refused(trained):
    expected = pytest.raises(legacy_graph.UserError, match="expected a directory without results of another training")
    with plain_session() as (plain, session), expected:
        plain.hook(trained.logdir).record(session, 0)


def test_results_of_another_network_are_refused(tmp_path):
    kept_kernels.write(str(tmp_path), 0, {"other": np.zeros(3, np.float32)})
    with plain_session() as (plain, session), pytest.raises(legacy_graph.UserError, match="of another network"):
        plain.hook(tmp_path).record(session, 20)


def test_a_bad_layer_and_no_global_step_are_refused(tmp_path):
    with plain_session() as (plain, session):
        hook = legacy_graph.FeaturesHook(plain.images, ["second"], str(tmp_path), pictures=PICTURES)
        with pytest.raises(legacy_graph.UserError, match="--layer: expected one of first, found 'second'"):
            hook.record(session, 0)
        with pytest.raises(legacy_graph.UserError, match="expected a graph with a global step"):
            hook.begin()


def test_pictures_are_refused_by_name(tmp_path):
    with plain_session() as (plain, session):
        for pictures in (None, PICTURES[:, 1:], list(PICTURES)):
            hook = legacy_graph.FeaturesHook(plain.images, None, str(tmp_path), pictures=pictures)
            with pytest.raises(legacy_graph.UserError, match="^pictures: "):
                hook.record(session, 0)


@pytest.mark.parametrize(
    "name, value",
    [
        ("images", 3), ("layers", []), ("layers", "conv1"), ("layers", [3]), ("logdir", None), ("every", 0),
        ("every", -1), ("every", 1.5), ("top", 0), ("method", "guide"), ("range", 3),
    ],
)  # fmt: skip
def test_arguments_of_another_kind_are_refused_by_name(name, value):
    with pytest.raises(legacy_graph.UserError, match=f"^{name}: "):
        legacy_graph.FeaturesHook(
            **{"images": "images", "layers": None, "logdir": "log", "pictures": PICTURES, name: value}
        )


def test_damaged_results_of_a_step_are_refused_by_name(hooked, tmp_path, capsys):
    copy = str(tmp_path / "log")
    shutil.copytree(hooked[0], copy)
    (first, *_) = sorted(glob.glob(os.path.join(copy, "features", "*", "features-*.npz")))
    with open(first, "wb") as file:
        file.write(b"junk")
    words = ["features", "--logdir", copy, "--steps", "all"]
    assert_refused(capsys, words, first, "intact results of a step")
    good = dict(np.load(first.replace("features-0", "features-20")), step=0)
    for wrong in (
        {"step": 0}, {**good, "step": [1, 2]}, {**good, "images": good["images"] + 50},
        {name: good[name] for name in good if not name.startswith("input")},
    ):  # fmt: skip
        np.savez(first, **wrong)
        assert_refused(capsys, words, first, "intact results of a step")
    os.remove(first)
    os.mkfifo(first)
    assert_refused(capsys, words, first, "not a regular file")
    shutil.rmtree(os.path.join(copy, "features"))
    assert_refused(capsys, words, "features: expected the results of FeaturesHook for each layer, found none")


def record_layers(logdir, build):
    """The scalars of the first record of a network: tag -> value."""
    with tf.Graph().as_default(), tf.Session() as session:
        images = tf.placeholder(tf.float32, [None, 10, 8, 3])
        build(images)
        session.run(tf.global_variables_initializer())
        legacy_graph.FeaturesHook(images, None, logdir, pictures=PICTURES).record(session, 0)
    events = EventAccumulator(os.path.join(logdir, "learning")).Reload()
    return {tag: event.value for tag in events.Tags()["scalars"] for event in events.Scalars(tag)}


def convolve(value, name, kernel, bias=0.0):
    variable = tf.get_variable(name.replace("/", "-") + "-kernel", initializer=np.asarray(kernel, np.float32))
    return tf.nn.relu(tf.nn.conv2d(value, variable, 1, "SAME", name=name) + np.asarray(bias, np.float32))


def test_maps_that_are_not_on_the_sheet_count_as_dead_too(tmp_path):
    """A sheet shows 256 maps; the last 30 of 300 are dead."""
    kernel = np.random.RandomState(1).normal(size=[1, 1, 3, 300])
    bias = np.where(np.arange(300) < 270, 0, -1e3)
    scalars = record_layers(str(tmp_path), lambda images: convolve(images, "first", kernel, bias))
    assert len(read_npz(tmp_path, "features", "first", "features.npz")["maps"]) == 256
    assert scalars["first/dead"] == pytest.approx(0.1)


def test_layers_with_one_directory_are_refused(tmp_path):
    kernel = np.ones([1, 1, 3, 3])
    with pytest.raises(legacy_graph.UserError, match="^layers: expected .*, found a/b and a_b; give a list"):
        record_layers(str(tmp_path), lambda images: convolve(convolve(images, "a/b", kernel), "a_b", kernel))
    assert os.listdir(str(tmp_path)) == []
