"""The film strip of a map, the control of each method, and the search for runs, by small results."""

import numpy as np
import pytest

from tests.board.site import Site
from tests.support.result_arrays import good


@pytest.fixture
def ask(tmp_path):
    site = Site(str(tmp_path))

    def ask(route, **query):
        status, found = site.ask(route, {"run": ".", "layer": "conv2", **query})
        assert status == 200
        return found

    return ask


@pytest.fixture
def save(tmp_path):
    """save(NAME, ARRAYS...) writes results of the layer conv2 into the log directory."""
    folder = tmp_path / "features" / "conv2"
    folder.mkdir(parents=True)
    return lambda name, **arrays: np.savez(str(folder / name), **dict(good(), **arrays))


def test_the_strip_has_one_column_a_step_in_order(save, ask, tmp_path):
    save("features.npz", step=np.array(30), activations=np.full((2, 2), 3.0))
    for step in (4, 30, 200):
        save(f"features-{step}.npz", step=np.array(step), activations=np.full((2, 2), step + 0.5))
    (tmp_path / "features" / "conv2" / "features-5.npz").write_bytes(b"damaged")
    columns = ask("strip", map="3", method="guided")["columns"]
    assert [column["step"] for column in columns] == [4, 5, 30, 200]
    assert [column["spot"]["activation"] for column in columns if "spot" in column] == [4.5, 30.5, 200.5]
    assert "run the command features again" in columns[1]["error"]
    assert (columns[0]["spot"]["image"], columns[0]["spot"]["label"]) == (2, "c")


def test_a_dead_map_has_a_column_without_a_spot(save, ask):
    save("features.npz", images=np.array([[2, 0], [-1, -1]]))
    assert [column["spot"] for column in ask("strip", map="0", method="guided")["columns"]] == [None]


def test_each_method_is_compared_with_its_own_control(save, ask):
    """By guided backpropagation the control equals the projection; by the gradient, one control is empty."""
    values = np.random.RandomState(0).normal(size=(2, 2, 6, 5)).astype(np.float32)
    halved = values * np.array([1, 0], np.float32).reshape(1, 2, 1, 1)
    save(
        "features.npz", projections=values, control=values, gradient=values, control_gradient=-halved, deconvnet=values
    )
    found = {method: ask("map", map="3", method=method) for method in ("guided", "gradient", "control")}
    assert [spot["rank_correlation"] for spot in found["guided"]["spots"]] == pytest.approx([1, 1])
    assert [spot["rank_correlation"] for spot in found["gradient"]["spots"]] == [pytest.approx(-1), None]
    assert found["control"]["control_scale"] is None


def test_only_earlier_results_are_shown_as_the_newest(save, ask):
    save("features-4.npz", step=np.array(4))
    save("features-12.npz", step=np.array(12))
    assert ask("maps")["step"] == 12
    assert ask("runs")["runs"][0]["layers"]["conv2"]["earlier"] == [4, 12]
