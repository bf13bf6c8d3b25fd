"""Processor time of `layers --graph` for a graph of many nodes, for one checkout or several.

    .venv/bin/python -m tests.benchmarks.graph_size                # this checkout, 10,000 nodes
    .venv/bin/python -m tests.benchmarks.graph_size 10000 . OTHER  # this checkout and another one, in turns

Prints the median of `RUNS` runs of the command for each checkout, with the start of TensorFlow and without it.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow.compat.v1 as tf

RUNS = 3
START = ["-m", "legacy_graph", "layers"]  # the table of the article's network: the same start, and nearly nothing else


def graph_of(nodes: int) -> tf.GraphDef:
    """Convolutions 1 x 1 with batch norm, ReLU and residual additions, until the graph has this many nodes."""
    random = np.random.RandomState(0)
    with tf.Graph().as_default() as graph:
        value = tf.placeholder(tf.float32, [None, 64, 64, 4], "images")
        while len(graph.get_operations()) < nodes:
            kernel = random.normal(0, 0.5, [1, 1, 4, 4]).astype("f")
            new = tf.nn.conv2d(value, kernel, [1] * 4, "SAME")
            ones, zeros = np.ones(4, "f"), np.zeros(4, "f")
            value += tf.nn.relu(tf.nn.batch_normalization(new, zeros, ones, zeros, ones, 1e-3))
    return graph.as_graph_def()


def seconds(checkout: str, words) -> float:
    """Processor time of Python with these arguments in a checkout, in user mode."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([sys.executable, *words], cwd=checkout, stdout=subprocess.DEVNULL, check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def medians(checkouts, commands):
    """For each checkout the median processor times of the commands, run `RUNS` times in turns."""
    taken = {checkout: [] for checkout in checkouts}
    for _ in range(RUNS):
        for checkout in checkouts:
            taken[checkout].append([seconds(checkout, words) for words in commands])
    return {checkout: [statistics.median(column) for column in zip(*runs)] for checkout, runs in taken.items()}


def main(words) -> None:
    """Measure the checkouts in turns and print a line for each."""
    nodes, checkouts = int(words[0]) if words else 10000, words[1:] or ["."]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.pb")
        with open(path, "wb") as file:
            file.write(graph_of(nodes).SerializeToString())
        taken = medians(checkouts, [[*START, "--graph", path], START])
    for checkout, (total, start) in taken.items():
        print(f"{checkout}: {total:.1f} s of processor time, {total - start:.1f} s without the start of TensorFlow")


if __name__ == "__main__":
    main(sys.argv[1:])
