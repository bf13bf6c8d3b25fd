"""The features command: what each feature map of a layer responds to."""

import argparse
import functools
import io
import os
from typing import List

import numpy as np

from legacy_graph import tf_setup
from legacy_graph.cluster.tf_config import read_cluster
from legacy_graph.commands import hook_steps
from legacy_graph.commands.cluster import serve_unless_chief
from legacy_graph.commands.graph_folder import article_folder, graph_folder
from legacy_graph.commands.graph_model import each_layer, open_model
from legacy_graph.commands.option_values import ALL, article_layers, layer_names, refuse
from legacy_graph.commands.run_digits import open_digits
from legacy_graph.commands.shared_options import check_cover, check_graph_options, cover_options
from legacy_graph.config import DECONVNET, DENSE, OCCLUSION, SHARED
from legacy_graph.data import mnist
from legacy_graph.data.images import Preprocessing, from_array
from legacy_graph.errors import ExitStatus, UserError
from legacy_graph.logdir import kept_kernels, layout
from legacy_graph.visualize import evolution

DEFAULT_LAYERS = ("conv2",)  # of the article's network
SHEETS = {  # file of the results -> what it is
    "features.png": "Contact sheet",
    "control.png": "Contact sheet with a random kernel",
    "occlusion.png": "Projections beside occlusion",
    "features.csv": "Image and position of each tile",
}


def run(options: argparse.Namespace) -> ExitStatus:
    """Scan the images, publish a contact sheet in features/<layer> of the log directory, and print its path.

    A task of `TF_CONFIG` that is not the chief serves until the chief has scanned the images.
    """
    cluster = read_cluster(options.task_timeout)
    if cluster is not None and options.layer and len(layer_names(options.layer)) != 1:
        raise UserError("--layer", "one layer with TF_CONFIG", options.layer, "name one layer in each command")
    if options.steps != () and (cluster is not None or options.graph is not None):
        found = "--graph" if cluster is None else "TF_CONFIG"
        raise UserError("--steps", "neither --graph nor TF_CONFIG beside it", found, f"leave out --steps or {found}")
    if serve_unless_chief(cluster):
        return ExitStatus.OK
    if options.steps != () and hook_steps.is_of_hook(options.logdir):
        hook_steps.draw_steps(options)
        return ExitStatus.OK
    scan = _scan_article if options.graph is None else _scan_graph
    told = ""
    for folder, source, step, sheets in scan(options, cluster):
        _publish(options, folder, source, step, sheets)
        if sheets.text not in ("", told):  # most layers and steps have the same notes
            print(sheets.text)
            told = sheets.text
    print(f"Open the result with: {layout.tensorboard_command(options.logdir)}")
    return ExitStatus.OK


def _publish(options, folder, source, step, sheets):
    from legacy_graph.visualize.publishing import finish_publishing, publish

    finish_publishing(options.logdir)
    folder = publish(folder, step, sheets.images, sheets.files, source, keep_earlier=options.graph is None)
    if evolution.SHEET in sheets.files:
        print(f"Evolution sheet: {os.path.join(folder, evolution.SHEET)}")
    elif options.steps != ():
        print(f"Step {step:,}: results are in {folder}")
    else:
        for name, words in SHEETS.items():
            if name not in sheets.files:
                continue
            path, earlier = [os.path.join(folder, named) for named in (name, layout.name_with_step(name, step))]
            print(f"{words}: {earlier if os.path.exists(earlier) else path}")


def _scan_article(options, cluster):
    """Yield (folder, source of the results, training step, sheets) for each layer of the article's network."""
    check_graph_options(options)
    check_cover(options, options.steps == () or OCCLUSION in (options.method, options.control))
    layout.check_trained(options.logdir)
    layers = article_layers(options.layer, DEFAULT_LAYERS)
    steps = _chosen_steps(options.logdir, options.steps) if options.steps != () else []
    if steps:
        layers = _with_kernels(layers, options.layer == ALL)
    digits = open_digits(options)
    tf_setup.import_tensorflow(cluster is not None)
    from legacy_graph.training.checkpoints import restored_session
    from legacy_graph.visualize import feature_sheets, layer_probes

    method, preprocessing = options.method or DECONVNET, Preprocessing(0, 1)
    images = from_array(digits.pixels.reshape(-1, mnist.SIDE, mnist.SIDE, 1), preprocessing, f"grey, {preprocessing}")

    def prepare(layer):
        build = functools.partial(layer_probes.features_probe, layer, options.ties or SHARED, method)
        return feature_sheets.prepare(build, _sheet_options(options), len(images), cluster)

    def draw(session, scan, step):
        subject = f"{scan.probe.layer.name} after {step:,} training steps"
        run = {"step": step, "class_names": digits.class_names}
        if digits.labels is not None:
            run["labels"] = digits.labels
        return feature_sheets.draw(session, scan, images, subject, digits.about, run)

    for layer, scan in [(layer, prepare(layer)) for layer in layers]:
        names = [layer, "other"] if digits.other else [layer]
        folder, source = article_folder(options, layout.FEATURES, names, digits.other)
        if options.steps != ():
            title = f"{layer}, over {len(images):,} {digits.about}"
            for step, sheets in _scan_steps(options.logdir, steps, scan, draw, title):
                yield folder, source, step, sheets
            continue
        with restored_session(scan.graph, options.logdir, cluster) as (session, step):
            sheets = draw(session, scan, step)
        yield folder, source, step, sheets


def _chosen_steps(logdir, steps) -> List[int]:
    """The steps of --steps, ascending, each with kept kernels or a checkpoint; all kept ones for None."""
    kept = kept_kernels.kept_steps(logdir)
    if not kept:
        hint = "train the run again, or leave --steps out"
        raise UserError("--steps", f"steps whose kernels the run in {logdir!r} has kept", "none", hint)
    chosen = kept if steps is None else sorted(set(steps))
    known = sorted({*kept, *layout.saved_steps(os.path.join(logdir, layout.CHECKPOINTS))})
    for step in chosen:
        if step not in known:
            raise UserError("--steps", f"some of {', '.join(map(str, known))}, or all", step, "choose among these")
    return chosen


def _with_kernels(layers, left_out: bool) -> List[str]:
    """The layers whose weights are kept: the convolutions. Another one is refused, or with `left_out` reported."""
    dense = [layer for layer in layers if layer in DENSE]
    if dense and not left_out:
        hint = "leave --steps out, or name conv1,conv2"
        raise UserError("--layer", "a convolution layer with --steps", dense[0], hint)
    if dense:
        print(f"Left out: {', '.join(dense)}. Only the weights of the convolutions are kept for each step.")
    return [layer for layer in layers if layer not in dense]


def _scan_steps(logdir, steps, scan, draw, title):
    """Yield (step, sheets) for each step, and for the last step once more the sheet of all steps."""
    from legacy_graph.cluster.session import open_session
    from legacy_graph.training.kernels import restore_step
    from legacy_graph.visualize.array_file import Results

    columns = {}
    with open_session(scan.graph, None) as session:
        for step in steps:
            complete = restore_step(session, logdir, step)
            # Occlusion takes longer than all the rest: only the newest results have it.
            sheets = draw(session, scan._replace(complete=complete, occluded=step == steps[-1]), step)
            with np.load(io.BytesIO(sheets.files[layout.NUMBERS])) as arrays:
                columns[step] = evolution.read_column(arrays)
            yield step, sheets
    sheet = evolution.draw_steps(columns, title)
    yield steps[-1], Results({"evolution/sheet": sheet}, {evolution.SHEET: sheet}, "")


def _scan_graph(options, cluster):
    """Yield (folder, source of the results, 0, sheets) for each layer of the graph of --graph."""
    if not options.images:
        raise UserError("--images", "a folder of pictures, an array or an IDX file", "none", "add --images PATH")
    check_cover(options, OCCLUSION in (options.method, options.control))
    hint = "name the images with --images"
    refuse(options, ("data_dir", "other_data"), "this option without --graph", "--graph", hint)
    opened = open_model(options, cluster is not None)
    show = functools.partial(opened.sheets, method=options.method, options=_sheet_options(options), cluster=cluster)
    for target, sheets in each_layer(opened, options.layer, options.images, show):
        yield (*graph_folder(options, target.layer.label, options.images), 0, sheets)


def _sheet_options(options):
    from legacy_graph.visualize.feature_sheets import SheetOptions

    drawn = options.control, options.context, options.draw, cover_options(options)
    return SheetOptions(options.maps, options.top, options.order, *drawn)
