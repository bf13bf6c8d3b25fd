"""How much the test curves vary from seed to seed: python -m tests.browser.seeds DATA_DIR [SEEDS]

Trains the article's network once for each seed and writes tests/screenshots/seeds.json, from which curves.py draws. One
seed takes a minute. The file is written anew after each seed.
"""

import json
import sys

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph import config
from legacy_graph.article import network
from legacy_graph.data import mnist
from tests.browser.curves import MEASURED

GROUP, GROUPS = 50, 20  # the program tested on 50 digits; so many such groups are tested here
UPDATES = [0, 1, 2, 5, 10, 20, 35, 50, 75, 100, 150, *range(200, 1501, 50), 501, 1001, 1501]


def measure(data, seed):
    """{"loss": [updates][groups], "accuracy": the same}: of each group of 50 test digits after so many updates."""
    with tf.Graph().as_default(), tf.Session() as session:
        net = network.build(seed)
        train = network.training(net, config.Config.learning_rate)
        session.run(tf.global_variables_initializer())
        batches = mnist.batches(data.train, config.Config.batch_size, seed, 0)
        found = {"loss": [], "accuracy": []}
        for done in range(max(UPDATES) + 1):
            if done in UPDATES:
                tested = np.array([evaluate(session, net, data.test, number) for number in range(GROUPS)], float)
                found["loss"].append(tested[:, 0].round(2).tolist())
                found["accuracy"].append(tested[:, 1].round(2).tolist())
            images, labels = next(batches)
            session.run(train, {net.images: images, net.labels: labels, net.keep_prob: 1.0})
    return found


def evaluate(session, net, digits, number):
    """The summed loss and the accuracy of one group."""
    group = slice(number * GROUP, (number + 1) * GROUP)
    images, labels = mnist.scale_pixels(digits.images[group]), mnist.one_hot(digits.labels[group])
    return session.run([net.loss, net.accuracy], {net.images: images, net.labels: labels, net.keep_prob: 1.0})


def main(data_dir, seeds=10):
    data, runs = mnist.load(data_dir), []
    for seed in range(int(seeds)):
        runs.append(measure(data, seed))
        with open(MEASURED, "w") as file:
            json.dump({"updates": sorted(UPDATES), "seeds": runs}, file)
            file.write("\n")
        print(f"seed {seed}: loss {np.mean(runs[-1]['loss'][-1]):.2f}, {MEASURED}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
