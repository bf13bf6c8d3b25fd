"""The convolution weights of each image step: kept as they were, through stops, kills and damage."""

import os
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.errors import UserError
from legacy_graph.logdir import kept_kernels
from legacy_graph.training import kernels
from tests.support.faulty_runs import damage, earlier, weights
from tests.support.published import read_npz


def contents(logdir):
    """{file name: bytes} of the kept kernels."""
    folder, found = os.path.join(logdir, "kernels"), {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = file.read()
    return found


@pytest.fixture(scope="module")
def net():
    """An untrained network and a session of it."""
    with tf.Graph().as_default(), tf.Session() as session:
        net = network.build(seed=1)
        initialise = tf.global_variables_initializer()
        tf.get_default_graph().finalize()
        session.run(initialise)
        yield session, net


def test_kept_kernels_are_those_of_the_checkpoints(undisturbed):
    """The run keeps the steps 0, 6 and 12, and has a checkpoint of the last one."""
    assert kept_kernels.kept_steps(undisturbed) == [0, 6, 12]
    kept, checkpoint = kept_kernels.read(undisturbed, 12), weights(undisturbed)
    assert sorted(kept) == ["conv1/bias", "conv1/weights", "conv2/bias", "conv2/weights"]
    assert all(np.array_equal(kept[name], checkpoint[name + "/Variable"]) for name in kept)
    assert not np.array_equal(kept["conv2/weights"], kept_kernels.read(undisturbed, 6)["conv2/weights"])
    assert os.path.getsize(kept_kernels.path(undisturbed, 12)) < 250000


def test_restored_kernels_are_those_that_were_kept(undisturbed, net):
    session, net = net
    before = session.run("fc1/weights/Variable/Read/ReadVariableOp:0")
    for step in (12, 0):
        kernels.restore(session, undisturbed, step)
        restored, kept = session.run(kernels.variables(net)), kept_kernels.read(undisturbed, step)
        assert all(np.array_equal(restored[name], kept[name]) for name in kept)
    assert np.array_equal(session.run("fc1/weights/Variable/Read/ReadVariableOp:0"), before)


def test_kernels_of_lost_steps_are_written_again(run, undisturbed):
    """As after a kill: step 6 was kept, but the newest checkpoint that is left is of step 4."""
    run(stop_at=8)
    damage(run.logdir, 9)
    damage(run.logdir, 8)
    with open(kept_kernels.path(run.logdir, 6), "wb") as file:
        file.write(b"cut off")
    with open(kept_kernels.path(run.logdir, 6) + ".tmp", "w"):
        pass
    run()
    assert contents(run.logdir) == contents(undisturbed)


def test_the_end_of_a_shorter_run_is_not_kept(run, undisturbed):
    run(steps=7)
    assert kept_kernels.kept_steps(run.logdir) == [0, 6, 7]
    run()
    assert contents(run.logdir) == contents(undisturbed)


def test_kernels_are_archived_with_their_run(stopped, stopped_at_6):
    before = contents(stopped_at_6)
    stopped(stop_at=1, fresh=True)
    (when,) = earlier(stopped.logdir)
    assert contents(os.path.join(stopped.logdir, "earlier", when)) == before
    assert kept_kernels.kept_steps(stopped.logdir) == [0]


def spoil_a_byte(path):
    with open(path, "r+b") as file:
        file.seek(100000)
        file.write(b"spoiled")


def cut(path):
    with open(path, "r+b") as file:
        file.truncate(100000)


def other_shape(path):
    np.savez(path, step=12, **{"conv1/weights": np.zeros([3, 3, 1, 8], "f")})


def not_finite(path):
    found = read_npz(path)
    found["conv1/bias"][3] = np.nan
    np.savez(path, **found)


def without_a_layer(path):
    """As after a changed byte in the directory of the zip file: the arrays after that byte are not listed."""
    found = read_npz(path)
    np.savez(path, **{name: array for name, array in found.items() if not name.startswith("conv2")})


def one_array(path):
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))


def later_zip(path):
    """A byte of the directory says that a later version of the zip format is needed."""
    with open(path, "r+b") as file:
        content = file.read()
        file.seek(content.rindex(b"PK\1\2") + 6)
        file.write(b"\xff")


def other_step(path):
    shutil.copy(path.replace("000012", "000006"), path)


@pytest.mark.parametrize("spoil", [
    spoil_a_byte, cut, other_shape, without_a_layer, one_array, later_zip, not_finite, other_step, os.remove,
])  # fmt: skip
def test_unusable_kernels_are_refused_by_name(undisturbed, net, tmp_path, spoil):
    logdir = str(tmp_path)
    shutil.copytree(os.path.join(undisturbed, "kernels"), os.path.join(logdir, "kernels"))
    spoil(kept_kernels.path(logdir, 12))
    with pytest.raises(UserError, match="step-000012.npz: expected |one of these") as caught:
        kernels.restore(net[0], logdir, 12)
    assert ("0, 6, found 12" in str(caught.value)) == (spoil is os.remove)
    kernels.restore(net[0], logdir, 6)


def test_no_run_has_kept_nothing(tmp_path, net):
    assert kept_kernels.kept_steps(str(tmp_path)) == []
    with pytest.raises(UserError, match="has kept: none, found 5"):
        kernels.restore(net[0], str(tmp_path), 5)


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    (tmp_path / "kernels").mkdir()
    with pytest.raises(UserError, match="to write the kernels of step 3, found No space left on device"):
        kept_kernels.write(str(tmp_path), 3, {})
    assert kept_kernels.kept_steps(str(tmp_path)) == []


def test_damaged_first_kernels_do_not_stop_a_run(stopped):
    without_a_layer(kept_kernels.path(stopped.logdir, 0))
    printed = stopped(steps=8)
    assert stopped.seen == [6, 7, 8]
    (line,) = [line for line in printed.splitlines() if line.startswith("The curves learned/ and dead")]
    assert "step-000000.npz: expected the shapes " in line
