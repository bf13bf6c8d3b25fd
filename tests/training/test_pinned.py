"""Event tags, GRAPHS nodes and checkpoints stay as they are in users' logs: see tests/support/pinned.py."""

import pytest

from tests.support.pinned import GRADIENTS, KINDS, describe, pinned


@pytest.fixture(scope="module")
def described(trained):
    return describe(trained.logdir)


@pytest.mark.parametrize("run", ["train", "test"])
@pytest.mark.parametrize("kind", KINDS)
def test_event_tags_are_unchanged(described, run, kind):
    assert described["tags"][run][kind] == pinned()["tags"][run][kind]


def test_graph_nodes_are_unchanged(described):
    now, before = set(described["nodes"]), set(pinned()["nodes"])
    assert (sorted(now - before), sorted(before - now)) == ([], [])
    assert not any(name.startswith(GRADIENTS) for name in before)


def test_variables_in_a_checkpoint_are_unchanged(described):
    assert described["variables"] == pinned()["variables"]


def test_options_in_a_checkpoint_are_still_read(described):
    """A later version may add options. Each one that old runs saved must still be there."""
    assert set(pinned()["options"]) <= set(described["options"])
