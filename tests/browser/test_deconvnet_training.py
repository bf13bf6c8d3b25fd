"""The DECONVNET dashboard while a training run writes into the log, in a browser."""

import os
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.support import board
from tests.support.program import ROOT, SAMPLE

pytestmark = pytest.mark.slow  # it waits for a complete training run
OPTIONS = (
    "--steps 1000 --batch-size 20 --checkpoint-every 25 --image-every 1000 --histogram-every 1000 --test-every 1000"
)
STEP = re.compile(r"model\.ckpt-(\d+)\.index")


def newest(logdir):
    folder = os.path.join(logdir, "checkpoints")
    steps = [STEP.fullmatch(name) for name in os.listdir(folder)] if os.path.isdir(folder) else []
    return max((int(step.group(1)) for step in steps if step), default=None)


def test_own_pictures_follow_a_run_that_is_training(browser, tmp_path):
    logdir = str(tmp_path / "log")
    command = [sys.executable, "-m", "legacy_graph", "train", "--logdir", logdir, "--data-dir", SAMPLE]
    environment = dict(os.environ, PYTHONPATH=ROOT)
    with open(str(tmp_path / "said"), "w+") as said:
        training = subprocess.Popen([*command, *OPTIONS.split()], env=environment, stdout=said, stderr=said)
        try:
            board.soon(lambda: newest(logdir) is not None)
            with board.tensorboard(logdir) as address, board.viewed(
                browser, address, "deconvnet&p.deconvnet.view=own"
            ) as (page, frame):
                board.draw(page, frame, (0.5, 0.15), (0.52, 0.85))
                expect(frame.locator("#detail h1")).to_contain_text("Read as ")
                step = frame.locator("#step-text")
                before = step.inner_text()
                board.soon(
                    lambda: page.evaluate("window.dispatchEvent(new Event('focus'))") and step.inner_text() != before
                )
                assert training.poll() is None
                expect(frame.locator("#detail h1")).to_contain_text("Read as ")
                assert training.wait(120) == 0
                page.evaluate("window.dispatchEvent(new Event('focus'))")
                expect(step).to_have_text("1,000")
                expect(frame.locator("#detail")).to_have_attribute("aria-busy", "false")
                before = files(logdir)
                board.draw(page, frame, (0.2, 0.2), (0.8, 0.2))
                frame.get_by_role("tab", name="Strongest images").click()
                expect(frame.locator("#grid .empty code")).to_contain_text("features --layer conv2")
        finally:
            training.kill()
            training.wait()
    assert files(logdir) == before


def files(logdir):
    """{path: (size, time of the last change)} of all files and directories of the log."""
    paths = [os.path.join(folder, name) for folder, names, inner in os.walk(logdir) for name in [*names, *inner, "."]]
    return {path: (os.stat(path).st_size, os.stat(path).st_mtime_ns) for path in paths}
