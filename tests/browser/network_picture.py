"""Make tests/screenshots/board-network.png: python -m tests.browser.network_picture GRAPH PHOTO LAYER

A photo in the view "Your network" of the DECONVNET dashboard, by guided backpropagation. The graph takes pixels from -1
to 1.
"""

import contextlib
import sys
import tempfile
from urllib.parse import quote

from playwright.sync_api import expect

from tests.browser.screenshots import Shoot
from tests.support import board


def main(graph, photo, layer):
    view = f"deconvnet&p.deconvnet.view=network&p.deconvnet.method=guided&p.deconvnet.layer={quote(layer, '')}"
    options = "--graph", graph, "--range", "-1,1"
    with contextlib.ExitStack() as stack:
        empty = stack.enter_context(tempfile.TemporaryDirectory())
        address = stack.enter_context(board.tensorboard(empty, *options))
        shoot = Shoot(stack.enter_context(board.chromium()), address)
        page = shoot.open(view, width=1280, height=900)
        frame = page.frame_locator("iframe[src*=deconvnet]")
        expect(frame.locator("#grid .empty")).to_be_visible()
        frame.locator("input[type=file]").set_input_files(photo)
        expect(frame.locator("#heat canvas")).to_be_visible()
        expect(frame.locator("#detail")).to_have_attribute("aria-busy", "false")
        frame.locator("aside div [role=status]").evaluate("one => one.textContent = ''")  # a time
        shoot.keep(page, "board-network")


if __name__ == "__main__":
    main(*sys.argv[1:])
