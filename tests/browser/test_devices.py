"""GRAPHS of a run on a cluster: boxes coloured by device, times and memory of every task."""

import re

import pytest
from playwright.sync_api import expect

from tests.support import board

pytestmark = pytest.mark.slow  # it starts a TensorBoard of its own
TASKS = ["chief/task:0", "ps/task:0", "worker/task:0"]


def fill(page, name):
    """The colours of a box: those of its devices."""
    rect = page.locator(f"g.node[data-name='{name}'] > .nodeshape > rect")
    reference = re.fullmatch(r'url\("#(.+)"\)', rect.evaluate("element => getComputedStyle(element).fill"))
    stops = page.locator(f"[id='{reference.group(1)}'] stop")
    return set(stops.evaluate_all("elements => elements.map(one => getComputedStyle(one).stopColor)"))


def test_graphs_shows_the_tasks(cluster_run, browser):
    log = board.read(cluster_run.logdir)
    with board.tensorboard(cluster_run.logdir) as address, board.looking(browser, address, log) as look:
        page = look.open("graphs", height=1300)
        expect(page.locator("g.node[data-name='tower_1']")).to_be_visible()
        page.locator("tf-graph-controls paper-radio-button", has_text="Device").click()
        for task in TASKS:
            expect(page.get_by_text(f"{task}/device:CPU:0", exact=True)).to_be_visible()
        (chief,) = fill(page, "loss")
        assert chief in fill(page, "conv1") and chief not in fill(page, "tower_1")
        (parameters,) = fill(page, "conv1") - {chief}
        assert len(fill(page, "tower_1") - {chief, parameters}) == 1
        assert len(fill(page, "train")) == len(TASKS)
        page.locator("tf-graph-controls .tags-row input").click()
        page.locator("tf-graph-controls .tags-row paper-item", has_text=re.compile("step 15")).click()
        for choice in ("Compute time", "Memory"):
            page.locator("tf-graph-controls paper-radio-button", has_text=choice).click()
            for task in TASKS:
                name = task.replace("/", "/replica:0/") + "/device:CPU:0"
                expect(page.get_by_text(name, exact=True).first).to_be_visible()
        page.locator("g.node[data-name='tower_1']").click()
        for row in ("Compute Time", "Memory"):
            shown = page.locator("tf-node-info .sub-list-table-row").filter(has_text=row)
            expect(shown).to_have_text(re.compile(r"[1-9]\S* \S+\s*$"))
        assert page.complaints == []
