"""Make the images and files of the features command: what each feature map of a layer responds to."""

import csv
import io
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.article.dense import DENSE
from legacy_graph.cluster.placement import chief_scope, later_towers
from legacy_graph.cluster.tf_config import Cluster
from legacy_graph.config import FIRST, TOP
from legacy_graph.data.images import Images
from legacy_graph.errors import UserError
from legacy_graph.graphs.model import ConvLayer, Model
from legacy_graph.visualize import contact_sheet, image_grid, layer_probes, sanity_check, spot_details, top_activations
from legacy_graph.visualize.energy_window import choose_windows
from legacy_graph.visualize.probe import Probe, Scanner, check_maps

SPOTS = "features.csv"  # the image and the place of each tile of the sheet
MEMORY = 2**27  # maximum size in bytes of the projections that a sheet draws, cropped to their fields, without --maps
STORED = 2**29  # and of the complete projections in its .npz file
LIMIT = 256  # maximum number of maps of a sheet, without --maps


class Scan(NamedTuple):
    """A graph with a probe, and the feature maps to scan."""

    graph: tf.Graph
    probe: Probe
    maps: np.ndarray  # int64 [M], the feature maps
    top: int  # activations per map
    by_wins: bool  # put the maps that win most often first
    limit: Optional[int]  # how many maps to show
    towers: Sequence[Scanner] = ()  # the same layer on the other workers of a cluster
    details: Optional[spot_details.Details] = None  # of the article's network


class Sheets(NamedTuple):
    """The pictures and files to publish, and the text to print."""

    images: Dict[str, np.ndarray]  # tag -> uint8 [H, W] or [H, W, 3], for TensorBoard
    files: Dict[str, bytes]  # file name -> content
    report: str  # of the control; empty without a control


def article_layers() -> List[str]:
    """The names of the layers of the article's network that `prepare` accepts."""
    with tf.Graph().as_default():
        return [*(layer.name for layer in network.build().layers), *DENSE]


def prepare(
    layer: str,
    maps: Optional[List[int]],
    top: int,
    count: int,
    order: Optional[str] = None,
    ties: str = FIRST,
    cluster: Optional[Cluster] = None,
) -> Scan:
    """Build the graph that scans a layer of the article's network.

    Args:
        layer: name of the layer.
        maps: numbers of the feature maps; None means all.
        top: activations per map; the default, `TOP`, becomes `count` if there are fewer images.
        count: the number of images to scan.
        order: "wins" or "number". None orders all maps by wins, and keeps the order of `maps`.
        ties: as in `deconv.unpool`.
        cluster: whose workers scan a share of the images each.

    Raises:
        UserError: no such layer or map, or fewer than `top` images.
    """
    with tf.Graph().as_default() as graph, chief_scope(cluster):
        net = network.build(towers=later_towers(cluster))
        names = [*(each.name for each in net.layers), *DENSE]
        if layer not in names:
            raise UserError("--layer", "one of " + ", ".join(names), repr(layer), "name one of these")
        probe = layer_probes.article_probe(net, layer, ties)
        towers = [
            layer_probes.article_scanner(tower, layer, device)
            for tower, (device, _) in zip(net.towers, later_towers(cluster))
        ]
        details = spot_details.build(net, probe, ties)
        graph.finalize()
    return _choose(graph, probe, maps, top, count, order)._replace(towers=towers, details=details)


def prepare_graph(
    model: Model,
    layer: ConvLayer,
    method: str,
    maps: Optional[List[int]],
    top: int,
    count: int,
    order: Optional[str] = None,
    cluster: Optional[Cluster] = None,
) -> Scan:
    """Build the graph that scans a layer of a loaded graph.

    With a cluster, each worker scans a share of the images.

    Raises:
        UserError: no such map, fewer than `top` images, or the method is not defined for this layer.
    """
    with tf.Graph().as_default() as graph, chief_scope(cluster):
        probe = layer_probes.graph_probe(model, layer, method)
        towers = [layer_probes.graph_scanner(model, layer, device) for device, _ in later_towers(cluster)]
        graph.finalize()
    return _choose(graph, probe, maps, top, count, order)._replace(towers=towers)


def _choose(graph, probe, maps, top, count, order):
    if top == TOP:
        top = min(top, count)
    if top > count:
        raise UserError("--top", f"at most {count:,}, the number of images", top, "choose a smaller number")
    chosen = np.array(check_maps(probe.layer.name, probe.layer.output.shape.as_list()[3], maps), np.int64)
    by_wins = order == "wins" or not (order or maps)
    limit = None if maps else _limit(probe, top)
    return Scan(graph, probe, np.sort(chosen) if order else chosen, top, by_wins, limit)


def _limit(probe, top):
    """How many maps a sheet shows without --maps."""
    height, width, channels = probe.projections.shape.as_list()[1:]
    values = 4 * top * channels
    drawn = values * probe.fields[0].size * probe.fields[1].size
    return max(1, min(LIMIT, MEMORY // drawn, STORED // (values * height * width)))


def draw(
    session: tf.Session,
    scan: Scan,
    images: Images,
    subject: str,
    control: bool = False,
    context: bool = False,
    drawn: Optional[str] = None,
    about: str = "images",
    run: Optional[Dict[str, Any]] = None,
) -> Sheets:
    """Scan the images and draw a contact sheet. With `control`, also draw one with a random kernel.

    Args:
        session: of the scan's graph, with trained weights.
        scan: as from `prepare`.
        images: to scan.
        subject: the layer and its network, for the heading.
        control: also project the same activations with a random kernel, and compare.
        context: also draw the complete image of each activation, with a frame around the receptive field.
        drawn: how projections are drawn, see `contact_sheet.Heading`.
        about: a description of the images, for the heading.
        run: more arrays for the .npz file: "step", "labels" of all images, "class_names".

    Raises:
        UserError: all pixels of all images have the same value.
    """
    probe, layer = scan.probe, scan.probe.layer
    if control and layer.kernel is None:
        hint = "leave it out, or name a convolution"
        raise UserError("--control", "a layer with a kernel", layer.name, hint)
    found = {
        "features": top_activations.collect(
            session, probe, images, scan.maps, scan.top, scan.by_wins, scan.limit, scan.towers
        )
    }
    report, notes = [], _notes(scan, images, found["features"])
    if control:
        found["control"] = sanity_check.project_random(session, probe, images, found["features"])
        metrics = sanity_check.compare(found["features"], found["control"], probe.fields)
        report.append(sanity_check.format_report(metrics, layer.name))
    details = spot_details.collect(session, probe, images, found["features"], found.get("control"), scan.details)
    more = {"features": {**details, **(run or {})}, "control": {}}
    part = choose_windows(found["features"], probe.fields, layer.fields is None)
    shown, files = {}, {}
    for name, spots in found.items():
        title = f"{subject}, over {len(images):,} {about}"
        title += ", with a RANDOM kernel" if name == "control" else ""
        kernels = _kernels(session, layer, images, spots.maps, random=name == "control")
        heading = contact_sheet.Heading(title, layer.method, notes, drawn)
        sheet, blocks = contact_sheet.draw_sheet(spots, images, probe.fields, heading, kernels, context, part)
        shown[f"{name}/sheet"] = sheet
        shown.update((f"{name}/{tag}", block) for tag, block in blocks.items())
        files[f"{name}.png"] = image_grid.encode_png(sheet)
        files[f"{name}.npz"] = _numbers(spots, probe.fields, images.names, **more[name])
    files[SPOTS] = _spot_table(found["features"], images.names)
    return Sheets(shown, files, "\n".join([*layer.notes, *notes[len(layer.notes) + 1 :], *report]))


def _notes(scan, images, spots):
    """The notes to print on the sheet: notes of the layer, preprocessing, omitted maps, dead maps."""
    notes = [*scan.probe.layer.notes, f"Images: {images.about}."]
    if len(spots.maps) < len(scan.maps):
        notes.append(f"{len(spots.maps)} of {len(scan.maps)} maps are shown; --maps chooses others.")
    if scan.probe.layer.finite and not spots.bounded and len(images) > top_activations.CHECKED:
        checked = f"the first {top_activations.CHECKED} images and those on the sheet"
        notes.append(f"Not all images are checked for an overflow that a ReLU hides: only {checked}.")
    if (spots.images < 0).all():
        notes.append("No activation of these maps is above 0: check --range, --mean and --bgr.")
    elif not spots.projections.any():
        notes.append("Every projection is 0: no signal reaches the pixels.")
    return notes


def _kernels(session, layer, images, maps, random):
    """The kernel of each map, float32 [M, h, w] or [M, h, w, 3]; None if the layer does not read the images."""
    if not layer.first:
        return None
    shape = layer.kernel.shape.as_list()
    kernel = sanity_check.random_kernel(shape) if random else session.run(layer.kernel)
    return images.to_shown(kernel.transpose(3, 0, 1, 2)[maps])


def _numbers(spots, fields, names, **more):
    """The .npz file: the fields of `TopActivations`, the receptive field, [down, across] x [size, step, begin], and the
    file names, text [M, top], empty where `images` is -1, if the images are files."""
    file = io.BytesIO()
    if names is not None:
        more["files"] = np.array([*names, ""])[spots.images]
    np.savez_compressed(file, receptive_field=np.array(fields), **spots._asdict(), **more)
    return file.getvalue()


def _spot_table(spots, names):
    """The spots as CSV, one row each, strongest first for each map; `file` is empty if the images are not files."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["map", "rank", "image", "file", "y", "x", "activation"])
    for number, images, places, activations in zip(spots.maps, spots.images, spots.places, spots.activations):
        for rank, (image, place, activation) in enumerate(zip(images, places, activations), 1):
            if image >= 0:
                rows.writerow([number, rank, image, names[image] if names else "", *place, f"{activation:.6g}"])
    return file.getvalue().encode()
