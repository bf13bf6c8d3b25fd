"""Compare projections with occlusion: does covering the pixels that a projection shows lower the activation?

For each spot, Spearman's rank correlation over the receptive field, between the fall of the activation while a pixel is
covered, and the magnitude or the positive part of the projection at this pixel. 1: the same order of the pixels; 0: no
relation.
"""

from typing import Any, Dict, List, Mapping, Tuple

import numpy as np
from tabulate import tabulate

from legacy_graph.article.receptive_field import Fields
from legacy_graph.config import DECONVNET, METHODS, OCCLUSION
from legacy_graph.visualize.array_file import write_arrays, write_table
from legacy_graph.visualize.contact_sheet import Heading
from legacy_graph.visualize.cover import Cover
from legacy_graph.visualize.rank_correlation import fall_correlations
from legacy_graph.visualize.strongest import TopActivations

HEADERS = ("projection", "spots", "magnitude", "positive part")
NUMBERS, TABLE = "occlusion.npz", "occlusion.csv"
Compared = Tuple[str, bool]  # a method, and whether its projections are those through a random kernel


def check_spots(
    layer: str, method: str, spots: TopActivations, details: Mapping[str, np.ndarray], fields: Fields
) -> Tuple[Dict[str, bytes], str]:
    """The files of the comparison, a table and the correlations of each spot by projection, and its text.

    Args:
        layer: its name.
        method: of the projections of `spots`, or `OCCLUSION`.
        spots: the spots.
        details: as from `spot_details.collect`, with occlusion.
        fields: of the layer.
    """
    falls = spots.projections if method == OCCLUSION else details[OCCLUSION]
    projections = by_method(method, spots, details)
    named = {f"{name}, random kernel" if random else name: each for (name, random), each in projections.items()}
    correlations = correlate_falls(falls, named, spots, fields)
    rows = table_rows(correlations)
    numbers = write_arrays(maps=spots.maps, images=spots.images, places=spots.places, **correlations)
    table = write_table(HEADERS, [[name, count, *(f"{mean:.4f}" for mean in means)] for name, count, *means in rows])
    heading = (
        f"Rank correlation of the projections of {layer} with the fall of the activation under a patch: mean over the "
        "spots whose projection is not 0 everywhere"
    )
    text = heading + "\n" + tabulate(rows, HEADERS, tablefmt="plain", floatfmt=".2f")
    return {TABLE: table, NUMBERS: numbers}, text


def side_by_side(
    spots: TopActivations, heading: Heading, details: Mapping[str, np.ndarray], cover: Cover
) -> Tuple[TopActivations, Heading, np.ndarray]:
    """What a sheet of projections beside occlusion shows: (spots, heading, falls float32 [M, top, H, W]).

    If occlusion is the method of `heading`, the projections are those of the deconvnet. `spots` and `details` are as
    for `check_spots`.
    """
    heading = heading._replace(notes=list(dict.fromkeys([*heading.notes, str(cover)])))
    if heading.method == OCCLUSION:
        return spots._replace(projections=details[DECONVNET]), heading._replace(method=DECONVNET), spots.projections
    falls = details[OCCLUSION]
    return spots, heading, falls if falls.ndim == 4 else falls[..., 0]


def correlate_falls(
    falls: np.ndarray, projections: Mapping[Any, np.ndarray], spots: TopActivations, fields: Fields
) -> Dict[Any, np.ndarray]:
    """The correlations of each spot with the fall of its activation.

    Args:
        falls: float32 [M, top, H, W], or [M, top, H, W, 3] with three equal channels.
        projections: name -> float32 [M, top, H, W] or [M, top, H, W, 3].
        spots: the spots.
        fields: of the layer.

    Returns:
        name -> float64 [M, top, 2]: with the magnitude, with the positive part. NaN where there is no spot, or the
        projection is 0 everywhere.
    """
    there, places = spots.there, spots.spots[2]
    return {
        name: spots.spread(fall_correlations(falls[there], values[there], places, fields), np.nan)
        for name, values in projections.items()
    }


def by_method(own: str, spots: TopActivations, arrays: Mapping[str, np.ndarray]) -> Dict[Compared, np.ndarray]:
    """The projections of all methods and their controls, from the arrays of `features.npz`.

    `own` is the method of `spots`; it is the first one.
    """
    methods = sorted(METHODS, key=lambda name: name != own)
    learned = {(name, False): spots.projections if name == own else arrays.get(name) for name in methods}
    random = {(name, True): arrays.get("control" if name == own else f"control_{name}") for name in methods}
    return {key: values for key, values in {**learned, **random}.items() if values is not None}


def table_rows(correlations: Mapping[Any, np.ndarray]) -> List[Tuple[Any, int, float, float]]:
    """(name, number of spots, mean correlation with the magnitude, with the positive part) of each projection."""
    rows = []
    for name, values in correlations.items():
        known = values[np.isfinite(values[..., 0])]
        rows.append((name, len(known), *(map(float, known.mean(axis=0)) if len(known) else (np.nan, np.nan))))
    return rows
