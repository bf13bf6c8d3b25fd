"""The 2018 program's test figures over our test curves: python -m tests.browser.curves [DATA_DIR [SEEDS]]

With DATA_DIR, trains the article's network once for each seed and writes tests/screenshots/seeds.json anew after each
seed, which takes a minute. Draws tests/screenshots/curves.png from this file.
"""

import json
import os
import sys

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph import config
from legacy_graph.article import network
from legacy_graph.data import mnist
from tests.browser.diagrams import LINE, Panel, Picture
from tests.support.program import ROOT

MEASURED, PICTURE = [os.path.join(ROOT, "tests", "screenshots", name) for name in ("seeds.json", "curves.png")]
# From the event log of one run of the program. It tested 50 digits at steps 0, 500, 1,000 and 1,500, AFTER the step's
# update.
PROGRAM_UPDATES = [1, 501, 1001, 1501]
PROGRAM = {"loss": [172.65, 8.69, 5.96, 5.78], "accuracy": [0.12, 0.96, 0.96, 0.98]}
TICKS = {"loss": [1, 3, 10, 30, 100, 300, 600], "accuracy": [0, 0.2, 0.4, 0.6, 0.8, 0.9, 1]}
TITLES = {"loss": "loss, summed over 50 test digits, logarithmic", "accuracy": "accuracy on test digits"}
GROUPS_BAND, SEEDS_BAND, POINT = "#dbe7f6", "#9dbfe8", "#d1341f"
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


def draw_test(panel, what, updates, groups):
    """The bands, our curve and the program's points. groups: [seeds, updates, groups]."""
    single = np.percentile(groups.transpose(1, 0, 2).reshape(len(updates), -1), [5, 95], axis=1)
    means = groups.mean(axis=2)
    panel.band(updates, *single, GROUPS_BAND)
    panel.band(updates, means.min(axis=0), means.max(axis=0), SEEDS_BAND)
    panel.line(updates, np.median(means, axis=0))
    for x, y in panel.points(PROGRAM_UPDATES, PROGRAM[what]):
        panel.point(x, y, POINT)


def draw(measured):
    picture, updates = Picture(), measured["updates"]
    for number, what in enumerate(PROGRAM):
        groups = np.array([seed[what] for seed in measured["seeds"]])
        panel = Panel(picture, number, TITLES[what], TICKS[what], updates, logarithmic=what == "loss")
        draw_test(panel, what, updates, groups)
    legend = {
        "the 2018 program, one run, 50 digits": POINT,
        f"ours, median of {len(measured['seeds'])} seeds, 1,000 digits": LINE,
        "ours, range over the seeds": SEEDS_BAND,
        "ours, 50 digits: 5 % to 95 % of all groups": GROUPS_BAND,
    }
    picture.legend(legend, width=340)
    return picture


def main(data_dir=None, seeds=10):
    runs = []
    for seed in range(int(seeds) if data_dir else 0):
        runs.append(measure(mnist.load(data_dir), seed))
        with open(MEASURED, "w") as file:
            json.dump({"updates": sorted(UPDATES), "seeds": runs}, file)
            file.write("\n")
        print(f"seed {seed}: loss {np.mean(runs[-1]['loss'][-1]):.2f}, {MEASURED}", flush=True)
    with open(MEASURED) as file:
        draw(json.load(file)).save(PICTURE)
    print(PICTURE)


if __name__ == "__main__":
    main(*sys.argv[1:])
