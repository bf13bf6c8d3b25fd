"""The deconv command: the activations and projections of the user's own pictures."""

import argparse
import functools
import os

import numpy as np

from legacy_graph import tf_setup
from legacy_graph.commands.graph_folder import article_folder, graph_folder
from legacy_graph.commands.graph_model import each_layer, open_model
from legacy_graph.commands.option_values import article_layers, refuse
from legacy_graph.commands.shared_options import check_cover, check_graph_options, cover_options
from legacy_graph.config import CONVOLUTIONS, DENSE, MAGNITUDE, METHODS, OCCLUSION, SHARED
from legacy_graph.data import user_image
from legacy_graph.data.class_names import class_names
from legacy_graph.data.images import Preprocessing, from_array
from legacy_graph.errors import ExitStatus, UserError, printable
from legacy_graph.logdir import identity, layout


def run(options: argparse.Namespace) -> ExitStatus:
    """Publish one report per picture in the log directory, and print its summary."""
    if options.method == OCCLUSION and options.draw == MAGNITUDE:
        raise UserError("--draw", "a projection method beside it", OCCLUSION, "leave it out, or choose a --method")
    reports = _read_article(options) if options.graph is None else _read_graph(options)
    from legacy_graph.visualize.publishing import finish_publishing, publish

    for path, folder, source, step, report in reports:
        folder = publish(folder, step, report.images, report.files, source)
        print(f"{printable(path)}: {report.text}. See {os.path.join(folder, 'picture.png')}")
    finish_publishing(options.logdir)
    print(f"Open the result with: {layout.tensorboard_command(options.logdir)}")
    return ExitStatus.OK


def _read_article(options):
    """(path, folder, source, step, report) of each picture, in deconv/<picture>, with the article's network."""
    check_graph_options(options)
    occluded = options.method in (None, OCCLUSION)
    check_cover(options, occluded)
    layers = article_layers(options.layer, CONVOLUTIONS)
    layout.check_trained(options.logdir)
    known = identity.run_data(options.logdir).known_name
    names = class_names(known, options.class_names)
    pictures = [user_image.read_image(path, options.fit, known == identity.MNIST) for path in options.pictures]
    images = from_array(np.stack([picture.pixels for picture in pictures])[..., None], Preprocessing(0, 1), "grey")
    tf_setup.import_tensorflow()
    from legacy_graph.cluster.session import open_session
    from legacy_graph.visualize import image_report, reading

    methods = METHODS if options.method is None else [options.method]
    reader = reading.article_reader(layers, options.ties or SHARED, [name for name in methods if name != OCCLUSION])
    with open_session(reader.graph) as session:
        step, complete = _restore(session, options, layers)
        reader = reader if complete else reader._replace(answers=None)
        readings, notes = _read_all(session, reader, images, options, occluded)
    reports = []
    for path, picture, values in zip(options.pictures, pictures, readings):
        name, answer = printable(os.path.basename(path)), image_report.format_answer(values.answers, names)
        covered = image_report.format_covered(values, names)
        texts = notes, f"{answer}; {picture.preparation}{covered}", f", {picture.preparation}"
        title = name if options.step is None else f"{name} after {step:,} training steps"
        report = image_report.draw(f"{title}: {answer}", values, *texts, drawn=options.draw)
        reports.append((path, *article_folder(options, layout.DECONV, [], path), step, report))
    return reports


def _read_all(session, reader, images, options, occluded):
    """(the reading of each image, sentences to print on the page), with occlusion or without."""
    from legacy_graph.visualize import occluded_reading, reading
    from legacy_graph.visualize.cover import PARTS_OF_IMAGE, choose_cover

    readings = list(reading.read_images(session, reader, images, options.maps or ()))
    if not occluded:
        return readings, reader.notes
    cover = choose_cover(cover_options(options), images, images.size, PARTS_OF_IMAGE)
    pairs = [(images.take([number])[0], values) for number, values in enumerate(readings)]
    readings = [occluded_reading.add_occlusion(session, reader, *pair, cover) for pair in pairs]
    return readings, [*reader.notes, str(cover)]


def _restore(session, options, layers):
    """Fill the weights: (step, whether those of all layers are known) of --step, else of the newest checkpoint."""
    from legacy_graph.training import checkpoints, kernels

    if options.step is None:
        return checkpoints.restore_weights(session, options.logdir), True
    complete = kernels.restore_step(session, options.logdir, options.step)
    dense = [layer for layer in layers if layer in DENSE]
    if dense and not complete:
        expected, found = f"a step with a checkpoint, which {dense[0]} needs", f"{options.step}, without one"
        raise UserError("--step", expected, found, f"name another step, or --layer {','.join(CONVOLUTIONS)}")
    return options.step, complete


def _read_graph(options):
    """(path, folder, source, 0, report) of each picture and layer of --graph, in graphs/<graph>-<layer>-<picture>."""
    refuse(options, ("fit", "class_names", "step"), "this option without --graph", "--graph", "leave it out")
    check_cover(options, options.method == OCCLUSION)
    opened, read = open_model(options), functools.partial(_read_layer, options)
    return [report for _, reports in each_layer(opened, options.layer, options.pictures, read) for report in reports]


def _read_layer(options, target):
    """As `_read_graph`, of one layer."""
    model, layer, images = target
    from legacy_graph.cluster.session import open_session
    from legacy_graph.visualize import image_report, reading

    reader = reading.graph_reader(model, layer, options.method)
    with open_session(reader.graph, None) as session:
        readings, notes = _read_all(session, reader, images, options, options.method == OCCLUSION)
    subject = f"{layer.label} of {printable(os.path.basename(os.path.normpath(options.graph)))}"
    notes = [*notes, f"Images: {images.about}."]
    if all(map(image_report.is_blank, readings)):
        notes.append("Every projection is 0: no signal reaches the pixels.")
    reports = []
    for number, values in enumerate(readings):
        path = options.pictures[min(number, len(options.pictures) - 1)]  # one array has several images
        path = os.path.join(os.path.dirname(path), images.names[number])
        summary = image_report.format_maps(values, layer.label, reader.layers[layer.label].rectified)
        title = f"{printable(os.path.basename(path))} in {subject}: {summary}"
        report = image_report.draw(title, values, notes, summary, drawn=options.draw)
        reports.append((path, *graph_folder(options, layer.label, path), 0, report))
    return reports
