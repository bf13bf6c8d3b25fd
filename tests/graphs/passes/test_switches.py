"""Training switches: the value of a bool placeholder at inference."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.__main__ import main
from legacy_graph.errors import UserError
from legacy_graph.graphs.load import load_model
from tests.support.graph_files import constant, graph_of, images, run, write_frozen

BATCH = images(2, 12, 12, 3)


def conv(x):
    return tf.nn.conv2d(x, constant([3, 3, 3, 4]), [1] * 4, "SAME", name="conv")


def scaled(name, default=None):
    """The images times 3 if the placeholder is True, else times 2, as Switch and Merge."""

    def build(x):
        shape = {"input": default, "shape": [], "name": name}
        switch = tf.placeholder(tf.bool, [], name) if default is None else tf.placeholder_with_default(**shape)
        off, on = tf.raw_ops.Switch(data=x, pred=switch)
        return conv(tf.raw_ops.Merge(inputs=[off * 2, on * 3])[0])

    return build


def factor(model):
    """The factor of the images in the values of the model's layer."""
    values = run(model.graph_def, "conv", {model.input: BATCH})
    return float(np.median(values / run(graph_of(conv), "conv", {"images": BATCH})))


@pytest.mark.parametrize(
    "name, value",
    [
        ("is_latest_training", False), ("isTraining_1", False), ("keras_learning_phase", False), ("model/train", False),
        ("greatest/is_training", False), ("is_test", True), ("inference/flag", True), ("train/is_inference", True),
    ],
)  # fmt: skip
def test_whole_words_of_the_name_decide(name, value, tmp_path):
    model = load_model(write_frozen(tmp_path / "model.pb", scaled(name)))
    assert factor(model) == pytest.approx(3 if value else 2)
    assert model.notes == [f"The placeholder {name} is set to {value}, as at inference."]


def test_a_default_decides_where_the_name_does_not(tmp_path):
    model = load_model(write_frozen(tmp_path / "model.pb", scaled("latest", default=True)))
    assert factor(model) == pytest.approx(3)


@pytest.mark.parametrize("name", ["latest", "contest", "not_training", "train_or_test"])
def test_a_name_that_decides_nothing_is_asked_for(name, tmp_path, capsys):
    path = write_frozen(tmp_path / "model.pb", scaled(name))
    with pytest.raises(UserError, match=f"^placeholder {name}: .*--set {name}=false"):
        load_model(path)
    assert factor(load_model(path, values={name: True})) == pytest.approx(3)
    assert factor(load_model(path, values={name: False})) == pytest.approx(2)
    assert main(["layers", "--graph", path, "--set", f"{name}=true"]) == 0
    assert f"The placeholder {name} is set to True." in capsys.readouterr().out
    assert main(["layers", "--graph", path, "--set", "other=true"]) == 2
    assert name in capsys.readouterr().err


@pytest.mark.parametrize("inverted", [False, True])
def test_dropout_behind_a_switch_decides(inverted, tmp_path):
    def build(x):
        off, on = tf.raw_ops.Switch(data=x, pred=tf.placeholder(tf.bool, [], "latest"))
        off, on = (on, off) if inverted else (off, on)
        return conv(tf.raw_ops.Merge(inputs=[off * 2, tf.nn.dropout(on, rate=0.5)])[0])

    assert factor(load_model(write_frozen(tmp_path / "model.pb", build))) == pytest.approx(2)
