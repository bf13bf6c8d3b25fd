"""Results are one unit: what belongs to earlier results, such as a control, does not stay beside new ones."""

import io

import numpy as np
import pytest

from legacy_graph.visualize import publishing


@pytest.mark.parametrize("step, suffix", [(7, ""), (5, "-5")])
def test_an_earlier_control_of_the_step_is_removed(tmp_path, step, suffix):
    """Also of an earlier step than the newest, whose files have the step in their names; other files stay."""

    def publish(step, names):
        file = io.BytesIO()
        np.savez(file, step=step)
        picture = {"sheet": np.zeros([2, 2], np.uint8)}
        files = {name: file.getvalue() for name in names}
        publishing.publish(str(tmp_path), step, picture, files, keep_earlier=True)

    publish(5, ["features.npz", "control.npz"])
    publish(7, ["features.npz", "control.npz"])
    publish(step, ["evolution.png"])
    assert (tmp_path / f"control{suffix}.npz").exists()
    publish(step, ["features.npz"])
    names = {path.name for path in tmp_path.iterdir() if "tfevents" not in path.name}
    assert names == {"features.npz", "features-5.npz", "evolution.png", "control.npz", "control-5.npz"} - {
        f"control{suffix}.npz"
    }


def test_a_resumed_publication_removes_nothing_new(tmp_path):
    """The kill came after the stale files were removed and the new control was moved."""
    (tmp_path / ".ready").mkdir()
    (tmp_path / ".ready" / "features.npz").write_text("new")
    (tmp_path / "control.npz").write_text("new")
    publishing.publish(str(tmp_path), 1, {"sheet": np.zeros([2, 2], np.uint8)}, {"evolution.png": b"png"})
    assert (tmp_path / "control.npz").read_text() == (tmp_path / "features.npz").read_text() == "new"
