"""One task of a measured cluster. The chief reads "train BATCH STEPS" or "scan", and prints how long it takes."""

import dataclasses
import sys
import time

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph import tf_setup
from legacy_graph.article import network
from legacy_graph.cluster import server, watch
from legacy_graph.cluster.tf_config import read_cluster
from legacy_graph.config import SHARED, TOP, Config
from legacy_graph.data import mnist
from legacy_graph.data.images import Preprocessing, from_array
from legacy_graph.training.program import build_program
from legacy_graph.visualize import feature_sheets, top_activations

SCANNED = 10000


def main(data_dir):
    tf_setup.import_tensorflow(cluster=True)
    cluster = read_cluster(60)
    if cluster is not None and not cluster.is_chief:
        return server.serve(cluster)
    target = ""
    if cluster is not None:
        target = server.start_server(cluster).target
        watch.wait_for_tasks(cluster)
    data = mnist.load(data_dir)
    train, scan = _training(target, cluster, data), _scanning(target, cluster, data)
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        begun = time.perf_counter()
        if words[0] == "train":
            train(int(words[1]), int(words[2]))
        else:
            scan()
        print("seconds", time.perf_counter() - begun, flush=True)
    if cluster is not None:
        server.release(cluster)
    return None


def _training(target, cluster, data):
    program = build_program(dataclasses.replace(Config(), batch_size=1000), cluster)
    session = tf.Session(target, program.graph)
    session.run(program.initialise)

    def train(batch, steps):
        batches = mnist.batches(data.train, batch, 0)
        for _ in range(steps):
            feed = network.feed(program.network, *next(batches))
            session.run([program.network.loss, program.train], feed)

    return train


def _scanning(target, cluster, data):
    digits = np.resize(data.train.images, [SCANNED, mnist.PIXELS]).reshape(-1, mnist.SIDE, mnist.SIDE, 1)
    images = from_array(digits, Preprocessing(0, 1), "digits")
    found = feature_sheets.prepare("conv2", None, TOP, len(images), ties=SHARED, cluster=cluster)
    session = tf.Session(target, found.graph)
    with found.graph.as_default():
        session.run([one.initializer for one in found.graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)])
    return lambda: top_activations.scan(session, found.probe, images, TOP, found.towers)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
