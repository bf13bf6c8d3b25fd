"""The deconv command: the activations and projections of the user's own pictures."""

import argparse
import contextlib
import os

from legacy_graph import tf_setup
from legacy_graph.commands.graph_folder import graph_folder
from legacy_graph.commands.graph_model import load_target
from legacy_graph.commands.graph_options import check_graph_options
from legacy_graph.config import SHARED
from legacy_graph.data import user_image
from legacy_graph.data.class_names import class_names
from legacy_graph.data.images import from_files
from legacy_graph.errors import ExitStatus, UserError, printable
from legacy_graph.logdir import identity, layout


def run(options: argparse.Namespace) -> ExitStatus:
    """Publish one report per picture in the log directory, and print its summary."""
    if options.graph is None:
        _publish_article(options)
    else:
        _publish_graph(options)
    from legacy_graph.visualize.publishing import finish_publishing

    finish_publishing(options.logdir)
    print(f"Open the result with: {layout.tensorboard_command(options.logdir)}")
    return ExitStatus.OK


def _publish(path, folder, source, step, report):
    from legacy_graph.visualize.publishing import publish

    folder = publish(folder, step, report.images, report.files, source)
    print(f"{printable(path)}: {report.summary}. See {os.path.join(folder, 'picture.png')}")


def _publish_article(options):
    """Publish in deconv/<picture>, with the article's network. Pictures of the same file name get numbers."""
    check_graph_options(options)
    if options.layer:
        raise UserError("--layer", "this option with --graph", "no --graph", "leave it out: all layers are shown")
    layout.check_trained(options.logdir)
    known = identity.run_data(options.logdir).known_name
    names = class_names(known, options.class_names)
    pictures = [user_image.read_image(path, options.fit, known == identity.MNIST) for path in options.pictures]
    tf_setup.import_tensorflow()
    from legacy_graph.visualize import digit_report

    ties = options.ties or SHARED
    graph, net, fetches = digit_report.build(ties)
    with _restored(options, graph) as (session, step, complete):
        found = [digit_report.read(session, net, fetches, picture.pixels, complete) for picture in pictures]
    for path, *one in zip(options.pictures, pictures, found):
        name = printable(os.path.basename(path))
        ending = "" if options.step is None else f"-step-{options.step}"
        folder = os.path.join(options.logdir, layout.DECONV, os.path.splitext(name)[0] + ending)
        report = digit_report.draw(name, *one, ties, names)
        _publish(path, folder, printable(os.path.abspath(path)) + "\n", step, report)


@contextlib.contextmanager
def _restored(options, graph):
    """(session, step, whether the weights of all layers are known) of --step, else of the newest checkpoint."""
    from legacy_graph.cluster.session import open_session
    from legacy_graph.training import checkpoints, kernels

    if options.step is None:
        with checkpoints.restored_session(graph, options.logdir) as (session, step):
            yield session, step, True
    else:
        with open_session(graph, None) as session:
            yield session, options.step, kernels.restore_step(session, options.logdir, options.step)


def _publish_graph(options):
    """Publish in graphs/<graph>-<layer>-<picture>, with the graph of --graph."""
    if options.fit or options.class_names or options.step is not None:
        raise UserError("--fit, --class-names and --step", "these options without --graph", "--graph", "leave them out")
    target = load_target(options, options.layer, lambda *settings: from_files(options.pictures, *settings))
    from legacy_graph.visualize import graph_report

    subject = f"{target.layer.label} of {printable(os.path.basename(os.path.normpath(options.graph)))}"
    names = [printable(os.path.basename(path)) for path in options.pictures]
    reports = graph_report.read_images(*target, names, options.method, subject)
    for path, report in zip(options.pictures, reports):
        _publish(path, *graph_folder(options, target.layer.label, path), 0, report)
