"""One task of a measured cluster. The chief reads "train BATCH STEPS", and prints how long it takes."""

import dataclasses
import sys
import time

import tensorflow.compat.v1 as tf

from legacy_graph import tf_setup
from legacy_graph.article import network
from legacy_graph.cluster import server, watch
from legacy_graph.cluster.tf_config import read_cluster
from legacy_graph.config import Config
from legacy_graph.data import mnist
from legacy_graph.training.program import build_program


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
    train = _training(target, cluster, data)
    print("ready", flush=True)
    for line in sys.stdin:
        begun = time.perf_counter()
        train(*map(int, line.split()[1:]))
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
