"""What `FeaturesHook` records about one layer at one step."""

import io
from functools import partial
from typing import List, NamedTuple, Optional, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.histogram import histogram_proto
from legacy_graph.cluster.session import open_session
from legacy_graph.data import npz
from legacy_graph.graphs.target import Target
from legacy_graph.visualize import evolution, feature_sheets, top_activations
from legacy_graph.visualize.array_file import Results
from legacy_graph.visualize.layer_probes import graph_probe
from legacy_graph.visualize.probe import OpenProbe
from legacy_graph.visualize.publishing import image_value, publish

SAMPLED = 50  # pictures in the histogram of the activations, at most


class LayerRecord(NamedTuple):
    """The results of one layer."""

    label: str
    sheets: Results  # as of the command `features`
    values: List[tf.Summary.Value]


def record(target: Target, method: Optional[str], top: int, step: int, learned: Optional[float]) -> LayerRecord:
    """Scan the pictures and summarise what the layer responds to. Opens a session of a graph of its own.

    Args:
        target: the layer and the pictures.
        method: of the projections; None chooses one.
        top: pictures on the sheet of each feature map.
        step: training steps taken.
        learned: rank correlation of the layer's kernel with the first one; None if it is not known.

    Raises:
        UserError: as in `layer_probes.graph_probe`, `feature_sheets.prepare` and `feature_sheets.draw`.
    """
    model, layer, images = target
    options = feature_sheets.SheetOptions(top=top, order="number")
    scan = feature_sheets.prepare(partial(graph_probe, model, layer, method), options, len(images))
    probe, subject = scan.probe, f"{layer.label} after {step:,} training steps"
    with open_session(scan.graph) as session:
        sheets = feature_sheets.draw(session, scan, images, subject, about="pictures", run={"step": np.array(step)})
        sampled = images.take(range(min(SAMPLED, probe.chunk, len(images))))
        activations = session.run(f"{layer.activation or layer.start}:0", {probe.layer.images: sampled})
        kernel = session.run(probe.layer.kernel) if probe.layer.first else None
        column = evolution.read_column(npz.read(io.BytesIO(sheets.files["features.npz"])))
        alive, dead = column.images >= 0, column.images < 0
        if len(dead) < len(scan.maps):  # the sheet shows only some maps
            dead = top_activations.scan(OpenProbe(session, probe, images), 1)[0][:, 0] < 0
    label = layer.label
    pictures = {f"features/{label}": evolution.draw_maps(column.projections, alive)}
    if kernel is not None:
        shown = images.to_shown(kernel.transpose(3, 0, 1, 2))
        pictures[f"kernels/{label}"] = evolution.draw_maps(shown, np.ones(len(shown), bool), percentile=100)
    scalars = {f"{label}/dead": np.mean(dead), f"{label}/sparsity": np.mean(activations == 0)}
    if learned is not None:
        scalars[f"learned/{label}"] = learned
    values = [image_value(tag, picture) for tag, picture in pictures.items()]
    values += [tf.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
    values.append(tf.Summary.Value(tag=f"{label}/activations", histo=histogram_proto(activations)))
    return LayerRecord(label, sheets, values)


def publish_steps(folder: str, label: str, steps: Optional[Sequence[int]], target: str) -> None:
    """Draw the sheet of the recorded steps of a layer, `evolution.SHEET`.

    Args:
        folder: the directory of its results.
        label: of the layer.
        steps: as in `evolution.read_steps`.
        target: the directory for the sheet.

    Raises:
        UserError: a step was not recorded, or the directory cannot be written.
    """
    columns = evolution.read_steps(folder, steps)
    sheet = evolution.draw_steps(columns, f"{label} of your network")
    files = {evolution.SHEET: sheet}
    publish(target, max(columns), {"evolution/sheet": sheet}, files, keep_earlier=True)
