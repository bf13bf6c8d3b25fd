"""Find the first ReLU input whose sign differs between one and two towers, and write a table for each seed.

    python -m tests.cluster.signs --data-dir MNIST_data

Both networks run in this process, with dropout 0.5. The table is in legacy_graph/cluster/README.md.
"""

import argparse
import dataclasses

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.config import Config
from legacy_graph.data import mnist
from tests.cluster import tables

SEEDS = range(4)
STEPS = 40


class Trained:
    """A network that trains step by step."""

    def __init__(self, config, towers):
        with tf.Graph().as_default() as graph:
            net = self._network = network.build(config.seed, towers)
            every = [net, *net.towers]
            active = [tf.concat([tower.layers[layer].relu for tower in every], 0) > 0 for layer in range(2)]
            active.append(tf.concat([tower.features for tower in every], 0) > 0)
            self._fetches = [net.loss, active, network.training(net, config.learning_rate)]
            self._session = tf.Session(graph=graph)
            self._session.run(tf.global_variables_initializer())

    def step(self, images, labels):
        """The loss, and for each of conv1, conv2 and fc1 which values pass the ReLU; then one update."""
        return self._session.run(self._fetches, network.feed(self._network, images, labels, 0.5))[:2]


def compare(data, seed):
    """(first step with different signs, their layer and number, or None; largest relative difference of the losses)."""
    config = dataclasses.replace(Config(), seed=seed)
    alone, shared = Trained(config, []), Trained(config, [("/device:CPU:0", config.batch_size // 2)])
    first, largest = None, 0.0
    for step, batch in zip(range(STEPS), mnist.batches(data.train, config.batch_size, seed)):
        (loss, active), (other_loss, other_active) = alone.step(*batch), shared.step(*batch)
        largest = max(largest, abs(loss - other_loss) / loss)
        for layer, one, other in zip(("conv1", "conv2", "fc1"), active, other_active):
            if first is None and np.any(one != other):
                first = f"{step}, in {layer}: {np.sum(one != other)}"
    return first, largest


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", default=mnist.SAMPLE_DIR)
    tables.add_page_option(parser)
    options = parser.parse_args()
    data = mnist.load(options.data_dir)
    found = {seed: compare(data, seed) for seed in SEEDS}
    tables.record(options.page, "signs", {"signs": tables.signs(STEPS, found)})


if __name__ == "__main__":
    main()
