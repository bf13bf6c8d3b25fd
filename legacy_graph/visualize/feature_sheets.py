"""Make the images and files of the features command: what each feature map of a layer responds to."""

from typing import Any, Callable, Dict, List, NamedTuple, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.cluster.placement import chief_scope, later_towers
from legacy_graph.cluster.tf_config import Cluster
from legacy_graph.config import MAGNITUDE, OCCLUSION, RANDOM, TOP
from legacy_graph.data.images import Images
from legacy_graph.errors import UserError
from legacy_graph.visualize import contact_sheet, occlusion_check, sanity_check, spot_details, top_activations
from legacy_graph.visualize.array_file import Results
from legacy_graph.visualize.cover import DEFAULT_COVER, CoverOptions, choose_cover
from legacy_graph.visualize.energy_window import choose_windows
from legacy_graph.visualize.probe import OpenProbe, Probe, check_maps

MEMORY = 2**27  # maximum size in bytes of the projections that a sheet draws, cropped to their fields, without --maps
STORED = 2**29  # and of the complete projections in its .npz file
LIMIT = 256  # maximum number of maps of a sheet, without --maps


class SheetOptions(NamedTuple):
    """The options of the command `features` for each layer."""

    maps: Optional[List[int]] = None  # numbers of the feature maps; None means all
    top: int = TOP  # activations per map; the default becomes the number of images if there are fewer
    order: Optional[str] = None  # "wins" or "number". None orders all maps by wins, and keeps the order of `maps`
    # `RANDOM` also projects the same activations with a random kernel, and compares. `OCCLUSION` also compares each
    # projection with the fall of its activation under a patch, and draws both.
    control: Optional[str] = None
    context: bool = False  # also draw the complete image of each activation, with a frame around the receptive field
    drawn: Optional[str] = None  # how projections are drawn, see `contact_sheet.Heading`
    patch: CoverOptions = DEFAULT_COVER  # what occlusion covers


class Scan(NamedTuple):
    """A graph with a probe, and the feature maps to scan."""

    graph: tf.Graph
    probe: Probe
    maps: np.ndarray  # int64 [M], the feature maps
    top: int  # activations per map
    by_wins: bool  # put the maps that win most often first
    limit: Optional[int]  # how many maps to show
    options: SheetOptions
    # Of the article's network: whether the weights of all layers are known, and whether occlusion is measured without
    # being asked for, if there are few spots.
    complete: bool = True
    occluded: bool = True


def prepare(build: Callable[..., Probe], options: SheetOptions, count: int, cluster: Optional[Cluster] = None) -> Scan:
    """Build the graph that scans a layer.

    Args:
        build: called with `devices`: `layer_probes.features_probe` or `graph_probe` for one layer.
        options: of the command.
        count: the number of images to scan.
        cluster: whose workers scan a share of the images each.

    Raises:
        UserError: no such map, or fewer than `options.top` images.
    """
    with tf.Graph().as_default() as graph, chief_scope(cluster):
        probe = build(devices=[device for device, _ in later_towers(cluster)])
        graph.finalize()
    maps, order = options.maps, options.order
    top = min(TOP, count) if options.top == TOP else options.top
    if top > count:
        raise UserError("--top", f"at most {count:,}, the number of images", top, "choose a smaller number")
    chosen = np.array(check_maps(probe.layer.name, probe.layer.output.shape.as_list()[3], maps), np.int64)
    by_wins = order == "wins" or not (order or maps)
    limit = None if maps else _limit(probe, top)
    return Scan(graph, probe, np.sort(chosen) if order else chosen, top, by_wins, limit, options)


def _limit(probe, top):
    """How many maps a sheet shows without --maps."""
    height, width, channels = probe.layer.images.shape.as_list()[1:]
    values = 4 * top * channels
    drawn = values * probe.fields[0].size * probe.fields[1].size
    return max(1, min(LIMIT, MEMORY // drawn, STORED // (values * height * width)))


def draw(
    session: tf.Session,
    scan: Scan,
    images: Images,
    subject: str,
    about: str = "images",
    run: Optional[Dict[str, Any]] = None,
) -> Results:
    """Scan the images and draw a contact sheet. With a control, also draw one with a random kernel.

    Args:
        session: of the scan's graph, with trained weights.
        scan: as from `prepare`.
        images: to scan.
        subject: the layer and its network, for the heading.
        about: a description of the images, for the heading.
        run: more arrays for the .npz file: "step", "labels" of all images, "class_names".

    Raises:
        UserError: all pixels of all images have the same value.
    """
    control, drawn = scan.options.control, scan.options.drawn
    opened, layer, run = OpenProbe(session, scan.probe, images), scan.probe.layer, run or {}
    fields, article, asked = scan.probe.fields, scan.probe.answers is not None, control == OCCLUSION
    _check_choices(layer, control, drawn, article)
    used = article or OCCLUSION in (layer.method, control)
    cover = choose_cover(scan.options.patch, images, [field.size for field in fields]) if used else None
    occluded = cover if layer.method == OCCLUSION else None
    spots = top_activations.collect(opened, scan.maps, scan.top, scan.by_wins, scan.limit, occluded)
    by_sheet = {"features": spots}
    report, notes = [], _notes(scan, images, spots, occluded)
    if control and layer.kernel is not None and not occluded:
        by_sheet["control"] = sanity_check.project_random(opened, spots)
        metrics = sanity_check.compare(spots, by_sheet["control"], fields)
        report.append(sanity_check.format_report(metrics, layer.name))
    covered = asked or (article and scan.occluded and spots.there.sum() <= spot_details.OCCLUDED)
    details = spot_details.collect(opened, spots, by_sheet.get("control"), cover, covered, scan.complete)
    shown, (files, lines) = {}, _check_occlusion(scan, control, spots, details, cover)
    heading = contact_sheet.Heading(f"{subject}, over {len(images):,} {about}", layer.method, notes, drawn)
    part = choose_windows(spots, fields, layer.fields is None)
    look = {"drawn": contact_sheet.choose_drawing(spots, heading, part, layer.first), "known": layer.fields is not None}
    more = {"features": {**details, **look, **run}, "control": {name: run[name] for name in run if name == "step"}}
    sheets = {name: (each, heading) for name, each in by_sheet.items()}
    if asked:
        sheets[OCCLUSION] = occlusion_check.side_by_side(spots, heading, details, cover)
    for name, parts in sheets.items():
        shown.update(_draw_spots(opened, scan.options.context, part, name, *parts))
        files[f"{name}.png"] = shown[f"{name}/sheet"]
    for name, each in by_sheet.items():
        files[f"{name}.npz"] = spot_details.numbers_file(each, fields, images.names, more[name])
    files[spot_details.SPOTS] = spot_details.spot_table(spots, images.names)
    printed = [note for note in notes if note != _about(images)]  # the user gave these options
    return Results(shown, files, "\n".join([*printed, *report, *lines]))


def _draw_spots(opened, context, part, name, spots, heading, falls=None):
    """Tag -> picture: the sheet, such as "features/sheet" or "control/sheet", and the block of each map."""
    random, fields = name == "control", opened.probe.fields
    heading = heading._replace(title=f"{heading.title}, with a RANDOM kernel") if random else heading
    kernels = spot_details.shown_kernels(opened, spots.maps, random)
    sheet, blocks = contact_sheet.draw_sheet(spots, opened.images, fields, heading, kernels, context, part, falls)
    return {f"{name}/sheet": sheet, **{f"{name}/{tag}": block for tag, block in blocks.items()}}


def _check_choices(layer, control, drawn, article):
    if control == OCCLUSION and layer.method == OCCLUSION and not article:
        raise UserError("--control", "a projection method beside it", OCCLUSION, "choose a --method, such as guided")
    for name, given in (("--control", control == RANDOM), ("--draw", drawn == MAGNITUDE)):
        if given and layer.method == OCCLUSION:
            raise UserError(name, "a projection method beside it", OCCLUSION, "leave it out, or choose a --method")
    if control == RANDOM and layer.kernel is None:
        raise UserError("--control", "a layer with a kernel", layer.name, "leave it out, or name a convolution")


def _check_occlusion(scan, control, spots, details, cover):
    """The files of `--control occlusion`, and the lines to print about occlusion."""
    layer = scan.probe.layer
    if control == OCCLUSION:
        files, text = occlusion_check.check_spots(layer.name, layer.method, spots, details, scan.probe.fields)
        return files, [text] if layer.method == OCCLUSION else [str(cover), text]  # `_notes` has the patch
    missing = scan.probe.answers is not None and scan.occluded and OCCLUSION not in (layer.method, *details)
    return {}, [spot_details.TOO_MANY] if missing else []


def _about(images):
    """The note on the preprocessing."""
    return f"Images: {images.about}."


def _notes(scan, images, spots, cover):
    """The notes to print on the sheet: notes of the layer, preprocessing, patch, omitted maps, dead maps."""
    notes = [*scan.probe.layer.notes, _about(images), *([str(cover)] if cover else [])]
    if len(spots.maps) < len(scan.maps):
        notes.append(f"{len(spots.maps)} of {len(scan.maps)} maps are shown; --maps chooses others.")
    if scan.probe.layer.finite and not spots.bounded and len(images) > top_activations.CHECKED:
        checked = f"the first {top_activations.CHECKED} images and those on the sheet"
        notes.append(f"Not all images are checked for an overflow that a ReLU hides: only {checked}.")
    if (spots.images < 0).all():
        notes.append("No activation of these maps is above 0: check --range, --mean and --bgr.")
    elif not spots.projections.any():
        notes.append("Every fall is 0." if cover else "Every projection is 0: no signal reaches the pixels.")
    return notes
