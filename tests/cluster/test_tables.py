"""The tables of clusters, by hand."""

import signal

from tests.cluster import tables


def test_a_lost_task_has_its_longest_time_and_a_chief_none():
    text = tables.faults(10, "ps 0", {("ps 0", signal.SIGKILL): [1.0, 2.0], ("chief 0", signal.SIGSTOP): [None]})
    assert "| ps 0 | SIGKILL | 2 | 75 | 2.0 |" in text
    assert "| chief 0 | SIGSTOP, then SIGKILL | 1 | that of SIGKILL |  |" in text


def test_a_prediction_by_hand():
    """Two machines, batch 50, 1 Gbit/s: 8 ms + 0.3 ms x 25 + 16 x 13.1e6 / 1e9 s = 225.1 ms; pays from 209.6 / 0.15."""
    cells = tables.predictions(0.008, 0.0003).splitlines()[5].split(" | ")
    assert cells[2] == "4.44 steps/s, 222 images/s" and cells[-1] == "1,397 |"
