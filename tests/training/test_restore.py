"""Checkpoints that are missing, damaged, of another network or not finite: one line each, before anything is used."""

import os
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.errors import UserError
from legacy_graph.training.checkpoints import restore_weights
from tests.support.program import STEPS


@pytest.fixture
def logdir(trained, tmp_path):
    copy = str(tmp_path / "log")
    shutil.copytree(trained.logdir, copy)
    return copy


def restored(logdir):
    """The step and the variables by name, from a finalised graph."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        network.build()
        variables = tf.global_variables()
        values = [variable.read_value() for variable in variables]
        graph.finalize()
        step = restore_weights(session, logdir)
        return step, dict(zip([variable.op.name for variable in variables], session.run(values)))


def refused(logdir, *words):
    with pytest.raises(UserError) as caught:
        restored(logdir)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def save(logdir, variables):
    """Make these, {name: values}, the newest checkpoint."""
    with tf.Graph().as_default(), tf.Session() as session:
        made = [tf.get_variable(name, initializer=tf.constant(value)) for name, value in variables.items()]
        session.run(tf.global_variables_initializer())
        tf.train.Saver(made).save(
            session, os.path.join(logdir, "checkpoints", "model.ckpt"), 999, write_meta_graph=False
        )


def newest(logdir, ending):
    return tf.train.latest_checkpoint(os.path.join(logdir, "checkpoints")) + ending


def test_what_was_saved_comes_back(logdir):
    step, values = restored(logdir)
    assert step == STEPS
    reader = tf.train.load_checkpoint(newest(logdir, ""))
    assert len(values) == 9
    for name, value in values.items():
        np.testing.assert_array_equal(value, reader.get_tensor(name))


def test_no_checkpoint(tmp_path):
    refused(str(tmp_path / "none"), "--logdir", "no such directory", "legacy_graph train --logdir")
    refused(str(tmp_path), "--logdir", "found none")


def damage(path, how):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 9] if how == "cut" else b"\xff" * 50 + content[50:])


def whole(logdir):
    """The steps of the checkpoints, the newest first."""
    names = [path.name for path in pathlib.Path(logdir, "checkpoints").glob("model.ckpt-*.index")]
    return sorted([int(name[len("model.ckpt-") : -len(".index")]) for name in names], reverse=True)


@pytest.mark.parametrize("ending", [".index", ".data-00000-of-00001"])
@pytest.mark.parametrize("how", ["cut", "garbage"])
def test_a_damaged_checkpoint_is_replaced_by_the_previous(logdir, ending, how, capsys):
    last, before = whole(logdir)[:2]
    expected = tf.train.load_checkpoint(os.path.join(logdir, "checkpoints", f"model.ckpt-{before}"))
    damage(pathlib.Path(newest(logdir, ending)), how)
    step, values = restored(logdir)
    assert step == before
    for name, value in values.items():
        np.testing.assert_array_equal(value, expected.get_tensor(name))
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 1
    assert f"model.ckpt-{last} is damaged" in told[0]


@pytest.mark.parametrize("ending", [".index", ".data-00000-of-00001"])
@pytest.mark.parametrize("how", ["cut", "garbage"])
def test_all_checkpoints_damaged(logdir, ending, how):
    for path in pathlib.Path(logdir, "checkpoints").glob("*" + ending):
        damage(path, how)
    refused(logdir, "expected", "train a new run", f"model.ckpt-{whole(logdir)[-1]}")


def test_tensorflows_note_of_the_newest_is_not_asked(logdir):
    """A kill may leave it one behind, and a full disk empty."""
    pathlib.Path(logdir, "checkpoints", "checkpoint").write_bytes(b"\xff" * 50)
    assert restored(logdir)[0] == STEPS


def test_another_networks_checkpoint(logdir):
    values = restored(logdir)[1]
    save(logdir, dict(values, **{"conv1/weights/Variable": np.zeros([3, 3, 1, 32], "f")}))
    refused(logdir, "conv1/weights/Variable of the shape [5, 5, 1, 32]", "[3, 3, 1, 32]")
    save(logdir, {"something": np.zeros(3, "f")})
    refused(logdir, "no such variable")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(logdir, value):
    values = restored(logdir)[1]
    values["fc2/bias/Variable"][3:5] = value
    save(logdir, values)
    refused(logdir, "finite numbers in fc2/bias/Variable", "found 2 that are not")
