"""The deconv command: the user's own pictures, through the network and back."""

import argparse
import os

from legacy_graph import tf_setup
from legacy_graph.data import user_image
from legacy_graph.errors import ExitStatus
from legacy_graph.logdir import layout


def run(options: argparse.Namespace) -> ExitStatus:
    """Publish one report per picture in deconv/<name> of the log directory, and print each answer."""
    digits = [user_image.read_image(path) for path in options.pictures]
    tf_setup.import_tensorflow()
    from legacy_graph.training.checkpoints import restored_session
    from legacy_graph.visualize import image_report
    from legacy_graph.visualize.image_run import publish

    graph, net, fetches = image_report.build(options.ties)
    with restored_session(graph, options.logdir) as (session, step):
        for path, name, digit in zip(options.pictures, _names(options.pictures), digits):
            reading = image_report.read(session, net, fetches, digit)
            folder = os.path.join(options.logdir, layout.DECONV, name)
            images, files = image_report.draw(os.path.basename(path), digit, reading, options.ties)
            publish(folder, step, images, files)
            answer = image_report.format_answer(reading.probabilities)
            print(f"{path}: {answer}. See {os.path.join(folder, 'picture.png')}")
    print(f"Open the result with: {layout.tensorboard_command(options.logdir)}")
    return ExitStatus.OK


def _names(paths):
    """A folder name for each picture: the file name without its extension, numbered where two are equal."""
    names = []
    for path in paths:
        stem = os.path.splitext(os.path.basename(path))[0]
        number, name = 1, stem
        while name in names:
            number += 1
            name = f"{stem}_{number}"
        names.append(name)
    return names
