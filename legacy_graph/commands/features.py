"""The features command: what each feature map of a layer responds to."""

import argparse
import os

from legacy_graph import tf_setup
from legacy_graph.commands.graph_model import load_target, refuse_graph_options
from legacy_graph.data import idx, mnist
from legacy_graph.errors import ExitStatus, UserError
from legacy_graph.graphs.images import Preprocessing, from_array, open_images
from legacy_graph.logdir import layout

DEFAULT_LAYER = "conv2"  # of the article's network


def run(options: argparse.Namespace) -> ExitStatus:
    """Scan the images, publish the contact sheet in features/<layer> of the log directory, and print where it is."""
    layer, step, sheets = _scan_graph(options) if options.graph else _scan_article(options)
    from legacy_graph.visualize.image_run import publish

    folder = os.path.join(options.logdir, layout.FEATURES, layer.replace("/", "_"))
    publish(folder, step, sheets.images, sheets.files)
    print(f"Contact sheet: {os.path.join(folder, 'features.png')}")
    if sheets.report:
        print(sheets.report)
    print(f"Open the result with: {layout.tensorboard_command(options.logdir)}")
    return ExitStatus.OK


def _scan_article(options):
    """(layer, training step, sheets) of the article's network."""
    refuse_graph_options(options)
    if options.images:
        pixels = idx.read_idx(options.images, (mnist.SIDE, mnist.SIDE))
    else:
        data = mnist.load(options.data_dir)
        pixels = data.test.images
        print(f"Data: {data.source}")
    tf_setup.import_tensorflow()
    from legacy_graph.training.checkpoints import restored_session
    from legacy_graph.visualize import feature_sheets

    layer, preprocessing = options.layer or DEFAULT_LAYER, Preprocessing(0, 1)
    images = from_array(pixels.reshape(-1, mnist.SIDE, mnist.SIDE, 1), preprocessing, f"grey, {preprocessing}")
    scan = feature_sheets.prepare(layer, options.maps, options.top, len(images), options.order, options.ties)
    with restored_session(scan.graph, options.logdir) as (session, step):
        subject = f"{layer} after {step:,} training steps"
        sheets = feature_sheets.draw(session, scan, images, subject, bool(options.control), options.context)
    return layer, step, sheets


def _scan_graph(options):
    """(layer, 0, sheets) of a graph that someone else trained."""
    if not options.images:
        raise UserError("--images", "a folder of pictures, an array or an IDX file", "none", "add --images PATH")
    target = load_target(options, lambda shape, preprocessing: open_images(options.images, shape, preprocessing))
    import tensorflow.compat.v1 as tf

    from legacy_graph.visualize import feature_sheets

    model, layer, images = target
    method = options.method or "deconvnet"
    scan = feature_sheets.prepare_graph(model, layer, method, options.maps, options.top, len(images), options.order)
    subject = f"{layer.label} of {os.path.basename(os.path.normpath(options.graph))}"
    with tf.Session(graph=scan.graph) as session:
        sheets = feature_sheets.draw(session, scan, images, subject, bool(options.control), options.context)
    return layer.label, 0, sheets
