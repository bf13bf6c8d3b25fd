"""Make tests/screenshots/images-conv2.png from a run of 20,000 steps: python -m tests.browser.image_steps [LOGDIR]

The sheet of all feature maps of layer two in TensorBoard's IMAGES dashboard, with the slider at the first, a middle and
the last step.
"""

import io
import re
import sys

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.browser.screenshots import PANE, Shoot
from tests.support import board

TAG, RUN, MIDDLE = "features/conv2/image", "test", 2000
MARGIN = 10  # pixels beside the card, for its slider
SIZE = "async image => (await (await fetch(image.src)).arrayBuffer()).byteLength"


def main(logdir):
    """Take one picture of the card for each step, and save them side by side."""
    events = board.read(logdir)[RUN].Images(TAG)
    steps = [event.step for event in events]
    with board.tensorboard(logdir) as address, board.chromium() as browser:
        shoot = Shoot(browser, address)
        page = shoot.open("images", f"^{TAG}$", f"^{RUN}$", width=1100, height=1000, scale=1.1)
        shown = [picture(page, index, events[index]) for index in (0, steps.index(MIDDLE), len(steps) - 1)]
    shoot.save(Image.fromarray(np.concatenate(shown, axis=1)), "images-conv2")


def picture(page, index, event):
    """The card after the slider was moved to a step, uint8 [H, W, 3]."""
    card = choose_step(page, index, event.step)
    # The page shows the step before its picture has loaded.
    board.soon(lambda: card.locator("img").evaluate(SIZE) == len(event.encoded_image_string))
    box = card.bounding_box()
    clip = {**box, "x": box["x"] - MARGIN, "width": box["width"] + 2 * MARGIN}
    seen = board.settled(lambda: page.screenshot(clip=clip), pause=2)
    return np.asarray(Image.open(io.BytesIO(seen)).convert("RGB"))


def choose_step(page, index, step):
    """Move the slider of the only card to a position, where it must show `step`; returns the card."""
    card = page.locator(PANE).locator("tf-image-loader")
    expect(card).to_have_count(1)
    card.locator("paper-slider").evaluate("slider => slider.focus({preventScroll: true})")
    page.keyboard.press("Home")
    for _ in range(index):
        page.keyboard.press("ArrowRight")
    expect(card).to_contain_text(re.compile(rf"step\s*{step:,}\s"))
    return card


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "log20k")
