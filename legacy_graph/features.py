"""The word `features`: what each map of a layer looks for, as a contact sheet, in TensorBoard, and as numbers."""

import io
import os
from typing import List, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph import controls, logdir, network, pictures, probe, sheets
from legacy_graph.errors import UserError
from legacy_graph.mnist import SIDE
from legacy_graph.restore import restore
from legacy_graph.results import publish


def run(directory: str, images: np.ndarray, layer: str, maps: Optional[List[int]], top: int, control: bool) -> str:
    """Publish what the maps of a layer look for, in features/<layer> of a log directory.

    Args:
        directory: of a training run with a checkpoint.
        images: uint8 [N, 784], the digits to scan.
        layer: its name.
        maps: their numbers; None is all.
        top: how many spots a map.
        control: also project the same spots through a random kernel.

    Returns:
        What to tell the user: where the contact sheet is, and how alike the control is.

    Raises:
        UserError: no such layer or map, fewer than `top` images, no checkpoint that fits, an unwritable directory.
    """
    graph, ends = _build(layer)
    chosen = _chosen(ends, maps)
    if top > len(images):
        raise UserError(f"--top: expected at most the {len(images):,} digits there are, found {top}: ask for fewer")
    with tf.Session(graph=graph) as session:
        step = restore(session, directory)
        sets = {"features": probe.collect(session, ends, images, chosen, top)}
        if control:
            sets["control"] = controls.repeat(session, ends, images, sets["features"])
    place = os.path.join(directory, logdir.FEATURES, layer)
    shown, files = {}, {}
    for name, found in sets.items():
        about = f"{layer} after {step:,} training steps, over {len(images):,} digits"
        about += ", with a RANDOM kernel" if name == "control" else ""
        sheet, blocks = sheets.draw(found, images.reshape(-1, SIDE, SIDE), ends.fields, about)
        shown[f"{name}/sheet"] = sheet
        shown.update((f"{name}/{tag}", block) for tag, block in blocks.items())
        files[f"{name}.png"] = pictures.png(sheet)
        files[f"{name}.npz"] = _numbers(found, ends.fields)
    publish(place, step, shown, files)
    lines = [f"Contact sheet: {os.path.join(place, 'features.png')}"]
    if control:
        lines.append(controls.told(controls.compare(sets["features"], sets["control"], ends.fields), layer))
    return "\n".join(lines)


def _build(layer):
    with tf.Graph().as_default() as graph:
        net = network.build()
        try:
            ends = probe.build(net, layer)
        except ValueError as error:
            raise UserError(f"--{error}: name one of these") from error
        graph.finalize()
    return graph, ends


def _chosen(ends, maps):
    """The numbers of the maps, int64 [M], each once."""
    count = ends.layer.output.shape.as_list()[3]
    chosen = list(range(count)) if maps is None else list(dict.fromkeys(maps))
    for number in chosen:
        if not 0 <= number < count:
            raise UserError(
                f"--maps: expected maps of {ends.layer.name}, 0 to {count - 1}, found {number}: name others"
            )
    return np.array(chosen, np.int64)


def _numbers(found, fields):
    """The .npz file: all of `Features`, and the receptive field as [down, across] x [size, step, begin]."""
    file = io.BytesIO()
    np.savez_compressed(file, receptive_field=np.array(fields), **found._asdict())
    return file.getvalue()
