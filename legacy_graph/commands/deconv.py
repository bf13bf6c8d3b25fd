"""The deconv command: the user's own pictures, through the network and back."""

import argparse
import os

from legacy_graph import tf_setup
from legacy_graph.data import user_image
from legacy_graph.data.class_names import class_names
from legacy_graph.errors import ExitStatus, printable
from legacy_graph.logdir import layout
from legacy_graph.training import identity


def run(options: argparse.Namespace) -> ExitStatus:
    """Publish one report per picture in deconv/<name> of the log directory, and print each answer."""
    data = identity.run_data(options.logdir)
    known = identity.MNIST if not data.text else data.name  # a run without options.json is taken for one of MNIST
    names = class_names(known, options.class_names)
    pictures = [user_image.read_image(path, options.fit, known == identity.MNIST) for path in options.pictures]
    tf_setup.import_tensorflow()
    from legacy_graph.training.checkpoints import restored_session
    from legacy_graph.visualize import image_report
    from legacy_graph.visualize.image_run import publish

    graph, net, fetches = image_report.build(options.ties)
    with restored_session(graph, options.logdir) as (session, step):
        for path, name, picture in zip(options.pictures, _folder_names(options.pictures), pictures):
            reading = image_report.read(session, net, fetches, picture.pixels)
            folder = os.path.join(options.logdir, layout.DECONV, name)
            answer = image_report.format_answer(reading.probabilities, names)
            title = f"{printable(os.path.basename(path))}: {answer}"
            images, files = image_report.draw(title, picture, reading, options.ties)
            publish(folder, step, images, files)
            print(f"{printable(path)}: {answer}; {picture.preparation}. See {os.path.join(folder, 'picture.png')}")
    print(f"Open the result with: {layout.tensorboard_command(options.logdir)}")
    return ExitStatus.OK


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
