"""The page of clusters has the tables that the commands write."""

import signal

import pytest

from tests.cluster import equality, hosts, measure, signs, tables
from tests.support import page_tables
from tests.support.readme import read

STEPS = {(name, link, batch): 0.1 for name in measure.CLUSTERS for link in hosts.LINKS for batch in measure.STEPS}
SENT = dict.fromkeys([(name, batch) for name in measure.CLUSTERS for batch in measure.STEPS], 1e6)
SCANS = dict.fromkeys([(name, link) for name in measure.CLUSTERS for link in measure.SCAN_LINKS], 1.0)
THREADS = dict.fromkeys([(number, batch) for number in measure.THREADS for batch in measure.STEPS], 0.2)
EQUALITY = tables.equality(equality.UNTIL, [("0.5", "2", dict.fromkeys(equality.UNTIL, 1e-7))])
FAULTS = tables.faults(10, "ps 0", {("ps 0", signal.SIGKILL): [1.0, 2.0], ("chief 0", signal.SIGSTOP): [None]})
WRITTEN = {
    "equality": {"tensorflow_1": EQUALITY, "tensorflow_2": EQUALITY},
    "signs": {"signs": tables.signs(signs.STEPS, {0: ("3, in conv2: 1", 1e-6), 1: (None, 1e-7)})},
    "faults": {"tensorflow_1": FAULTS, "tensorflow_2": FAULTS},
    "measure": {
        "traffic": tables.traffic(measure.CLUSTERS, hosts.LINKS, measure.STEPS, STEPS, SENT),
        "scans": tables.scans(measure.CLUSTERS, measure.SCAN_LINKS, SCANS),
        "threads": tables.threads(measure.THREADS, measure.STEPS, THREADS),
        "predictions": tables.predictions(0.008, 0.0003),
    },
}


@pytest.mark.parametrize("command", WRITTEN)
def test_the_page_has_the_tables_that_the_command_writes(command):
    found = page_tables.regions(read(tables.PAGE), command)
    expected = {name: page_tables.headings(text) for name, text in WRITTEN[command].items()}
    assert {name: page_tables.headings(text) for name, text in found.items()} == expected
    assert tables.REGION in WRITTEN["equality"]


def test_a_lost_task_has_its_longest_time_and_a_chief_none():
    assert "| ps 0 | SIGKILL | 2 | 75 | 2.0 |" in FAULTS
    assert "| chief 0 | SIGSTOP, then SIGKILL | 1 | that of SIGKILL |  |" in FAULTS


def test_a_prediction_by_hand():
    """Two machines, batch 50, 1 Gbit/s: 8 ms + 0.3 ms x 25 + 16 x 13.1e6 / 1e9 s = 225.1 ms; pays from 209.6 / 0.15."""
    cells = tables.predictions(0.008, 0.0003).splitlines()[5].split(" | ")
    assert cells[2] == "4.44 steps/s, 222 images/s" and cells[-1] == "1,397 |"
