"""The processor time to read a JPEG for a graph: .venv/bin/python -m tests.benchmarks.jpeg

Reads files with `legacy_graph.data.pictures.read_picture`: in turns as it is, and with every JPEG decoded at its full
size. The pictures are smooth noise. Writes the table into legacy_graph/graphs/README.md.
"""

import os
import statistics
import tempfile
import time
from unittest import mock

import numpy as np
import PIL
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from legacy_graph.data.pictures import read_picture
from tests.benchmarks import machine
from tests.support import page_tables
from tests.support.program import ROOT

PAGE = os.path.join(ROOT, "legacy_graph", "graphs", "README.md")
SIZES = [(4032, 3024), (2048, 1536), (500, 375)]  # width and height
SHAPE = (224, 224, 3)  # of the images of the graph
PICTURES, ROUNDS = 5, 8  # pictures of each size, readings of each picture
HEADING = ("JPEG", "kB of a file", "reduced size, then scaled", "full size, then scaled")


def main(sizes=SIZES, page=PAGE):
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for width, height in sizes:
            paths = [os.path.join(folder, f"{width}-{seed}.jpg") for seed in range(PICTURES)]
            for seed, path in enumerate(paths):
                picture(width, height, seed).save(path, quality=90)
            kilobytes = statistics.median(map(os.path.getsize, paths)) / 1e3
            times = [f"{1e3 * statistics.median(found):.1f} ms" for found in measure(paths)]
            rows.append((f"{width} x {height}", f"{kilobytes:,.0f}", *times))
            print(*rows[-1], sep=", ", flush=True)
    text = f"{page_tables.Table(HEADING, rows)}\n\n{machine.conditions()}, Pillow {PIL.__version__}."
    page_tables.write(page, "jpeg", {"jpeg": text})


def picture(width, height, seed):
    """Noise of every size. The exponent gives files about as large as those of photos with as many pixels."""
    random, size, values = np.random.RandomState(seed), 2, 0.0
    while size < 2 * width:
        noise = random.randint(0, 256, (max(1, size * height // width), size, 3)).astype(np.uint8)
        values = (
            values + (np.asarray(Image.fromarray(noise).resize((width, height), Image.BICUBIC)) - 127.5) * size**-0.3
        )
        size *= 2
    return Image.fromarray(np.clip(128 + 50 * values / values.std(), 0, 255).astype(np.uint8))


def measure(paths):
    """Seconds of processor time of every reading: (at reduced size, at full size)."""
    reduced, full = [], []
    for turn in range(1 + ROUNDS):
        for path in paths:
            times = seconds(path), at_full_size(seconds, path)
            if turn > 0:  # the first reading is not counted
                reduced.append(times[0])
                full.append(times[1])
    return reduced, full


def at_full_size(function, *arguments):
    """The result of a function during which Pillow decodes every JPEG at its full size."""
    with mock.patch.object(JpegImageFile, "draft"):
        return function(*arguments)


def seconds(path):
    began = time.thread_time()
    read_picture(path, SHAPE)
    return time.thread_time() - began


if __name__ == "__main__":
    main()
