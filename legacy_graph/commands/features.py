"""The features command: what each feature map of a layer responds to."""

import argparse
import os

from legacy_graph import tf_setup
from legacy_graph.data import idx, mnist
from legacy_graph.errors import ExitStatus
from legacy_graph.logdir import layout


def run(options: argparse.Namespace) -> ExitStatus:
    """Scan the images, publish the contact sheet in features/<layer> of the log directory, and print where it is."""
    if options.images:
        images = idx.read_idx(options.images, (mnist.SIDE, mnist.SIDE)).reshape(-1, mnist.PIXELS)
    else:
        data = mnist.load(options.data_dir)
        images = data.test.images
        print(f"Data: {data.source}")
    tf_setup.import_tensorflow()
    from legacy_graph.training.checkpoints import restored_session
    from legacy_graph.visualize import feature_sheets
    from legacy_graph.visualize.image_run import publish

    scan = feature_sheets.prepare(options.layer, options.maps, options.top, len(images), options.order)
    with restored_session(scan.graph, options.logdir) as (session, step):
        sheets = feature_sheets.draw(session, scan, images, step, bool(options.control), options.context)
    folder = os.path.join(options.logdir, layout.FEATURES, options.layer)
    publish(folder, step, sheets.images, sheets.files)
    print(f"Contact sheet: {os.path.join(folder, 'features.png')}")
    if sheets.report:
        print(sheets.report)
    print(f"Open the result with: {layout.tensorboard_command(options.logdir)}")
    return ExitStatus.OK
