"""Arguments of the Python interface: what is taken unchanged, and what is refused."""

import pathlib

import numpy as np
import pytest

from legacy_graph.data import arguments
from legacy_graph.errors import UserError

NOT_INTEGERS = [1.0, 1.7, "1", None, True, [True], [1.5], [None], [[1], [1, 2]], 10**30, float("nan"), -1, [-1], b"1"]


@pytest.mark.parametrize("value", [2, [2, 0], (2,), range(3), np.array([2, 1], np.uint8), np.int32(2)], ids=repr)
def test_integers_are_taken_unchanged(value):
    found = arguments.integers("maps", value)
    assert found.dtype == np.int64
    assert found.tolist() == np.atleast_1d(value).tolist()


def test_an_iterator_and_a_set_are_read_once():
    assert arguments.integers("maps", (number for number in (3, 1))).tolist() == [3, 1]
    assert sorted(arguments.integers("maps", {3, 1})) == [1, 3]


@pytest.mark.parametrize("value", [*NOT_INTEGERS, [], [[1, 2]]], ids=repr)
def test_other_values_are_no_integers(value):
    with pytest.raises(UserError, match="^maps: "):
        arguments.integers("maps", value)


@pytest.mark.parametrize("value", [*NOT_INTEGERS, [1], 0], ids=repr)
def test_other_values_are_no_integer(value):
    with pytest.raises(UserError, match="^top: "):
        arguments.integer("top", value, 1)


def test_an_integer_of_numpy_is_one():
    assert arguments.integer("top", np.uint8(7), 1) == 7


@pytest.mark.parametrize("value", [1, "0,1", (1,), (1, 2, 3), (0, float("nan")), (0, float("inf")), ("0", "1"), None])
def test_a_range_is_two_finite_numbers(value):
    with pytest.raises(UserError, match="^range: "):
        arguments.numbers("range", value, (2,))
    assert arguments.numbers("range", np.array([-1, 1]), (2,)) == (-1.0, 1.0)


@pytest.mark.parametrize("value", [None, 3, "", b"x", "a\0b", ["a"]], ids=repr)
def test_a_path_is_text(value):
    with pytest.raises(UserError, match="^path: "):
        arguments.file_path("path", value)
    assert arguments.file_path("path", pathlib.Path("a", "b")) == str(pathlib.Path("a", "b"))


@pytest.mark.parametrize("value", [3, ["a"], {"a": 1}, {"a": "False"}, {1: True}], ids=repr)
def test_switches_are_names_and_bools(value):
    with pytest.raises(UserError, match="^values: "):
        arguments.switches("values", value)
    assert arguments.switches("values", {"training": np.bool_(False)}) == {"training": False}
