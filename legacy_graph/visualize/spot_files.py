"""The files of the features command beside its pictures: the numbers (.npz) and the table of the spots (.csv)."""

from typing import Dict, Optional, Sequence

import numpy as np

from legacy_graph.article.receptive_field import Fields
from legacy_graph.visualize.array_file import write_arrays, write_table
from legacy_graph.visualize.strongest import TopActivations

SPOTS = "features.csv"  # the image and the place of each tile of the sheet


def numbers_file(
    spots: TopActivations, fields: Fields, names: Optional[Sequence[str]], more: Dict[str, np.ndarray]
) -> bytes:
    """The .npz file: the fields of `TopActivations`, the receptive field, [down, across] x [size, step, begin], and the
    file names, text [M, top], empty where `images` is -1, if the images are files. `more` has more arrays."""
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
