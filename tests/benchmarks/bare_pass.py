"""Processor time of `layers` and `features` for a graph, as multiples of a bare forward pass.

    .venv/bin/python -m tests.benchmarks.bare_pass model.pb photos LAYER -1,1        # this checkout
    .venv/bin/python -m tests.benchmarks.bare_pass model.pb photos LAYER -1,1 OTHER  # this checkout and another one

The bare pass starts TensorFlow, imports the graph, reads the photos, and runs each of them once to the layer.
`features` projects the nine strongest activations of `MAPS` maps by guided backpropagation. Prints the medians of
three runs, in turns.
"""

import os
import sys
import tempfile

from legacy_graph.graphs.load import find_layer, load_model
from tests.benchmarks.graph_size import medians

MAPS = 24
BARE = """
import sys
import numpy as np
import tensorflow.compat.v1 as tf
from PIL import Image
path, input, start, height, width, low, high, *photos = sys.argv[1:]
size, low, high = (int(width), int(height)), float(low), float(high)
pixels = np.array([np.asarray(Image.open(photo).convert("RGB").resize(size)) for photo in photos], np.float32)
with open(path, "rb") as file, tf.Graph().as_default() as graph:
    tf.import_graph_def(tf.GraphDef.FromString(file.read()), name="")
    with tf.Session(graph=graph) as session:
        for image in low + pixels * ((high - low) / 255):  # the file may fix the batch to one image
            session.run(start + ":0", {input + ":0": image[None]})
"""


def commands(path, photos, label, limits, log):
    """{what: the arguments of Python}."""
    model = load_model(path)
    layer = find_layer(model, label)
    files = [os.path.join(photos, name) for name in sorted(os.listdir(photos))]
    height, width, _ = model.input_shape
    graph = ["--graph", path]
    maps = ",".join(map(str, range(min(MAPS, layer.shape[2]))))
    show = ["--layer", label, "--images", photos, f"--range={limits}", "--method", "guided", "--maps", maps]
    numbers = [str(height), str(width), *limits.split(",")]
    return {
        "bare pass": ["-c", BARE, path, model.input, layer.start, *numbers, *files],
        "layers": ["-m", "legacy_graph", "layers", *graph],
        "features": ["-m", "legacy_graph", "features", *graph, *show, "--logdir", log],
    }


def main(words) -> None:
    """Measure the checkouts in turns and print a line for each."""
    path, photos, label, limits, *others = words
    with tempfile.TemporaryDirectory() as folder:
        wanted = commands(os.path.abspath(path), os.path.abspath(photos), label, limits, folder)
        taken = medians([".", *others], wanted.values())
    for checkout, (bare, *found) in taken.items():
        texts = [f"{name} {value:.1f} s ({value / bare:.1f})" for name, value in zip(list(wanted)[1:], found)]
        print(f"{checkout}: bare pass {bare:.1f} s; {', '.join(texts)}")


if __name__ == "__main__":
    main(sys.argv[1:])
