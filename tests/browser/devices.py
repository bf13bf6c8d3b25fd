"""Make the picture of GRAPHS coloured by device: python -m tests.browser.devices.

It trains 20 steps on a chief and a worker of this machine, with the digits of the package.
"""

import tempfile

from playwright.sync_api import expect

from tests.browser.screenshots import Shoot
from tests.support import board, cluster_runs
from tests.support.program import SAMPLE


def main():
    """Train, open TensorBoard, and write devices.png."""
    with tempfile.TemporaryDirectory() as logdir:
        words = ["train", "--logdir", logdir, "--data-dir", SAMPLE, "--steps", "20"]
        cluster_runs.cluster(2, False, *words).check_returncode()
        with board.tensorboard(logdir) as address, board.chromium() as browser:
            shoot = Shoot(browser, address)
            page = shoot.open("graphs", width=1300, height=900)
            expect(page.locator("g.node[data-name='tower_1']")).to_be_visible()
            page.locator("tf-graph-controls paper-radio-button", has_text="Device").click()
            shoot.keep(page, "devices", clip={"x": 0, "y": 64, "width": 1300, "height": 836})


if __name__ == "__main__":
    main()
