"""The train command: train the article's network and fill the log directory."""

import argparse

from legacy_graph import tf_setup
from legacy_graph.cluster.tf_config import check_batch, read_cluster
from legacy_graph.commands.cluster import serve_unless_chief
from legacy_graph.commands.option_values import from_options
from legacy_graph.data import mnist
from legacy_graph.errors import ExitStatus
from legacy_graph.logdir import layout, locate
from legacy_graph.training.signals import deferred_signals


def run(options: argparse.Namespace) -> ExitStatus:
    """Train, then print the accuracy and the command that opens the log directory.

    A task of `TF_CONFIG` that is not the chief serves until the chief has ended.
    """
    settings = from_options(options)
    tf_setup.check_pattern("--logdir", settings.logdir)
    cluster = read_cluster(settings.task_timeout)
    if serve_unless_chief(cluster):
        return ExitStatus.OK
    if not settings.beside_others:
        locate.check_no_others(settings.logdir)
    if cluster is not None:
        check_batch(cluster, settings.batch_size)
    data = mnist.load(settings.data_dir, batch_size=settings.batch_size)
    print(f"Data: {data.source}", flush=True)
    # Signals are deferred before TensorFlow is imported: some of its imports swallow a KeyboardInterrupt.
    with layout.lock(settings.logdir), deferred_signals() as signals:
        tf_setup.import_tensorflow(cluster is not None)
        from legacy_graph.training import loop
        from legacy_graph.visualize.publishing import finish_publishing

        finish_publishing(settings.logdir)
        accuracy = loop.run(settings, data, signals, cluster)
    if data.sample:
        print("Note: trained on the digits in this package, not on the complete set; the line Data gives the reason")
    print(f"Accuracy on all {len(data.test.labels):,} test digits: {accuracy:.4f}")
    print(f"Open the result with: {layout.tensorboard_command(settings.logdir)}")
    return ExitStatus.OK
