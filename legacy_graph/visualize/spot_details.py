"""The files of `features` beside its pictures: the numbers (.npz) for the DECONVNET dashboard, and the spots (.csv).

`spot_schema.SCHEMA` describes the arrays. The other methods, their controls and `answers` exist only for the
article's network; `answers` not for a step of which only the convolution weights were kept; `occlusion` only for up to
`OCCLUDED` spots of the last step. For a graph that someone else trained, `control` exists only if it was computed for
the sheet.
"""

from typing import Dict, Optional, Sequence

import numpy as np

from legacy_graph.article.receptive_field import Fields
from legacy_graph.config import METHODS, OCCLUSION
from legacy_graph.visualize.array_file import write_arrays, write_table
from legacy_graph.visualize.cover import Cover
from legacy_graph.visualize.probe import OpenProbe
from legacy_graph.visualize.sanity_check import project_random, random_kernel
from legacy_graph.visualize.top_activations import TopActivations, project_or_cover

SPOTS = "features.csv"  # the image and the place of each tile of the sheet
OCCLUDED = 1000  # maximum number of spots that are occluded without being asked for: each takes about 100 images
TOO_MANY = f"Occlusion is not measured for more than {OCCLUDED:,} spots; --control occlusion measures it."


def collect(
    opened: OpenProbe,
    strongest: TopActivations,
    control: Optional[TopActivations],
    cover: Optional[Cover],
    occluded: bool,
    answers: bool,
) -> Dict[str, np.ndarray]:
    """The arrays for the .npz file, see above.

    Args:
        opened: the layer and the images.
        strongest: their strongest activations.
        control: the same activations projected through a random kernel, if they were computed before.
        cover: the patch of occlusion.
        occluded: whether occlusion is measured.
        answers: whether the weights of the class probabilities are known.
    """
    probe, own = opened.probe, opened.probe.layer.method
    numbers = np.unique(strongest.spots[0])
    arrays = {
        "inputs": opened.images.shown(numbers),
        "input_numbers": numbers,
        "method": np.array(own),
        "channels": np.array(probe.layer.output.shape.as_list()[3]),
    }
    if probe.answers is not None:
        if own in METHODS:
            control = control or project_random(opened, strongest)
        if answers:
            arrays["answers"] = _answers(opened, numbers)
    for name in (*probe.projections, OCCLUSION) if occluded else probe.projections:
        if name != own:
            arrays[name] = strongest.spread(project_or_cover(opened, name, strongest.spots, cover))
        if name not in (own, OCCLUSION):
            arrays[f"control_{name}"] = project_random(opened, strongest, name).projections
    if control is not None:
        arrays["control"] = control.projections
    return arrays


def _answers(opened, numbers):
    answers, chunk = opened.probe.answers, opened.probe.chunk
    parts = [opened.run(answers, numbers[begin : begin + chunk]) for begin in range(0, len(numbers), chunk)]
    return np.concatenate([np.zeros([0, answers.shape.as_list()[1]], np.float32), *parts])


def shown_kernels(opened: OpenProbe, maps: np.ndarray, random: bool) -> Optional[np.ndarray]:
    """The kernel of each map, float32 [M, h, w] or [M, h, w, 3]; None if the layer does not read the images.

    `random`: that of the control.
    """
    layer = opened.probe.layer
    if not layer.first:
        return None
    kernel = random_kernel(layer.kernel.shape.as_list()) if random else opened.session.run(layer.kernel)
    return opened.images.to_shown(kernel.transpose(3, 0, 1, 2)[maps])


def numbers_file(
    spots: TopActivations, fields: Fields, names: Optional[Sequence[str]], more: Dict[str, np.ndarray]
) -> bytes:
    """The .npz file of the arrays that `spot_schema.SCHEMA` describes: the spots, the receptive field, and `more`.

    `names` are the file names of the images; None if the images are not files.
    """
    if names is not None:
        more = {**more, "files": np.array([*names, ""])[spots.images]}
    return write_arrays(receptive_field=np.array(fields), **spots._asdict(), **more)


def spot_table(spots: TopActivations, names: Optional[Sequence[str]]) -> bytes:
    """The spots as CSV, one row each, strongest first for each map; `file` is empty if the images are not files."""
    rows = []
    for number, images, places, activations in zip(spots.maps, spots.images, spots.places, spots.activations):
        for rank, (image, place, activation) in enumerate(zip(images, places, activations), 1):
            if image >= 0:
                rows.append([number, rank, image, names[image] if names else "", *place, f"{activation:.6g}"])
    return write_table(["map", "rank", "image", "file", "y", "x", "activation"], rows)
