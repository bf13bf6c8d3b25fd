"""The README's first pictures, from a run: python -m tests.browser.side_by_side [LOGDIR]

One picture a layer, layer1.png and layer2.png in tests/screenshots: ten test digits, what the article's program made of
them, and what the deconvnet does, both before training and after it.
"""

import io
import os
import sys

from PIL import Image, ImageDraw, ImageFont
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(os.path.dirname(HERE), "screenshots")
SIZE, GAP, LEFT, LINE = 64, 4, 250, 18  # pixels: a digit's side, between digits, the captions' width, a line of text
INK, FAINT = (32, 33, 36), (95, 99, 104)


def rows(layer):
    """Tag, whether the last step (or the first), and two lines of caption for each row of a layer's picture."""
    return [
        ("input", True, "the digits", "ten of the test set, one of each class"),
        (f"reverse_conv{layer}", False, "as published, step {}", "random kernels"),
        (f"reverse_conv{layer}", True, "as published, step {}", "random kernels: nothing learned"),
        (f"deconv{layer}", False, "deconvnet, step {}", "the network's own kernels, still random"),
        (f"deconv{layer}", True, "deconvnet, step {}", "the network's own kernels, learned"),
    ]


def draw(events, layer):
    """The picture of a layer, RGB."""
    lines = rows(layer)
    canvas = Image.new("RGB", (LEFT + 10 * (SIZE + GAP) + GAP, len(lines) * (SIZE + 3 * GAP) + GAP), "white")
    pen, large, small = ImageDraw.Draw(canvas), ImageFont.load_default(15), ImageFont.load_default(12)
    for row, (tag, last, title, remark) in enumerate(lines):
        top = row * (SIZE + 3 * GAP) + 2 * GAP
        for number in range(10):
            event = events.Images(f"{tag}/image/{number}")[-1 if last else 0]
            digit = Image.open(io.BytesIO(event.encoded_image_string)).convert("RGB")
            canvas.paste(digit.resize((SIZE, SIZE), Image.NEAREST), (LEFT + number * (SIZE + GAP), top))
        pen.text((2 * GAP, top + SIZE // 2 - LINE), title.format(f"{event.step:,}"), INK, large)
        pen.text((2 * GAP, top + SIZE // 2 + GAP), remark, FAINT, small)
    return canvas


def main(logdir):
    os.makedirs(FOLDER, exist_ok=True)
    events = EventAccumulator(os.path.join(logdir, "test"), {"images": 0}).Reload()
    for layer in (1, 2):
        path = os.path.join(FOLDER, f"layer{layer}.png")
        draw(events, layer).save(path, optimize=True)
        print(path)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "log")
