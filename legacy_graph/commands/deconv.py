"""The deconv command: the activations and projections of the user's own pictures."""

import argparse
import os

from legacy_graph import tf_setup
from legacy_graph.commands.graph_model import graph_name, load_target
from legacy_graph.commands.graph_options import check_graph_options
from legacy_graph.data import user_image
from legacy_graph.data.class_names import class_names
from legacy_graph.errors import ExitStatus, UserError, printable
from legacy_graph.graphs.images import from_files
from legacy_graph.logdir import layout
from legacy_graph.training import identity


def run(options: argparse.Namespace) -> ExitStatus:
    """Publish one report per picture in deconv/<name> of the log directory, and print its summary."""
    reports = _read_graph(options) if options.graph else _read_article(options)
    from legacy_graph.visualize.publishing import publish

    prefix = f"{graph_name(options.graph)}-" if options.graph else ""
    for path, name, (step, report) in zip(options.pictures, _folder_names(options.pictures), reports):
        folder = os.path.join(options.logdir, layout.DECONV, prefix + name)
        publish(folder, step, report.images, report.files)
        print(f"{printable(path)}: {report.summary}. See {os.path.join(folder, 'picture.png')}")
    print(f"Open the result with: {layout.tensorboard_command(options.logdir)}")
    return ExitStatus.OK


def _read_article(options):
    """(training step, report) for each picture, with the article's network."""
    check_graph_options(options)
    if options.layer:
        raise UserError("--layer", "this option with --graph", "no --graph", "leave it out: all layers are shown")
    data = identity.run_data(options.logdir)
    known = identity.MNIST if not data.text else data.name  # without options.json, assume MNIST
    names = class_names(known, options.class_names)
    pictures = [user_image.read_image(path, options.fit, known == identity.MNIST) for path in options.pictures]
    tf_setup.import_tensorflow()
    from legacy_graph.training.checkpoints import restored_session
    from legacy_graph.visualize import digit_report

    graph, net, fetches = digit_report.build(options.ties)
    with restored_session(graph, options.logdir) as (session, step):
        found = [digit_report.read(session, net, fetches, picture.pixels) for picture in pictures]
    titles = [printable(os.path.basename(path)) for path in options.pictures]
    return [(step, digit_report.draw(*one, options.ties, names)) for one in zip(titles, pictures, found)]


def _read_graph(options):
    """(0, report) for each picture, with the graph of --graph."""
    if options.fit or options.class_names:
        raise UserError("--fit and --class-names", "these options without --graph", "--graph", "leave them out")
    target = load_target(options, lambda shape, preprocessing: from_files(options.pictures, shape, preprocessing))
    from legacy_graph.visualize import graph_report

    subject = f"{target.layer.label} of {printable(os.path.basename(os.path.normpath(options.graph)))}"
    names = [printable(os.path.basename(path)) for path in options.pictures]
    reports = graph_report.read_images(*target, names, options.method, subject)
    return [(0, report) for report in reports]


def _folder_names(paths):
    """A folder name for each picture: the file name without its extension, numbered where two are equal."""
    names = []
    for path in paths:
        stem = printable(os.path.splitext(os.path.basename(path))[0])
        number, name = 1, stem
        while name in names:
            number += 1
            name = f"{stem}_{number}"
        names.append(name)
    return names
