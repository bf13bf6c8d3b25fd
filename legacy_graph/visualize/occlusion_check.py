"""Compare projections with occlusion: does covering the pixels that a projection shows lower the activation?

For each spot, Spearman's rank correlation over the receptive field, between the fall of the activation while a pixel is
covered, and the magnitude or the positive part of the projection at this pixel. 1: the same order of the pixels; 0: no
relation.
"""

from typing import Dict, List, Mapping, Tuple

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


def check_spots(
    layer: str, method: str, spots: TopActivations, details: Mapping[str, np.ndarray], fields: Fields
) -> Tuple[Dict[str, bytes], str]:
    """The files and the text of the comparison.

    Args:
        layer: its name.
        method: of the projections of `spots`, or `OCCLUSION`.
        spots: the spots.
        details: as from `spot_details.collect`, with occlusion.
        fields: of the layer.
    """
    falls = spots.projections if method == OCCLUSION else details[OCCLUSION]
    correlations = correlate_falls(falls, named_projections(method, spots, details), spots, fields)
    return check_files(correlations, spots), format_check(correlations, layer)


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
    falls: np.ndarray, projections: Mapping[str, np.ndarray], spots: TopActivations, fields: Fields
) -> Dict[str, np.ndarray]:
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
    correlations, there = {}, spots.images >= 0
    for name, values in projections.items():
        correlations[name] = np.full((*spots.images.shape, 2), np.nan)
        correlations[name][there] = fall_correlations(falls[there], values[there], spots.places[there], fields)
    return correlations


def named_projections(own: str, spots: TopActivations, details: Mapping[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """The projections of all methods and their controls, from the arrays of `spot_details.collect`."""
    learned = {own: spots.projections} if own in METHODS else {}
    learned.update((name, details[name]) for name in METHODS if name in details)
    random = {name: "control" if name == own else f"control_{name}" for name in METHODS}
    rows = dict(learned)
    rows.update((f"{name}, random kernel", details[key]) for name, key in random.items() if key in details)
    return rows


def table_rows(correlations: Mapping[str, np.ndarray]) -> List[Tuple[str, int, float, float]]:
    """(name, number of spots, mean correlation with the magnitude, with the positive part) of each projection."""
    rows = []
    for name, values in correlations.items():
        known = values[np.isfinite(values[..., 0])]
        rows.append((name, len(known), *(map(float, known.mean(axis=0)) if len(known) else (np.nan, np.nan))))
    return rows


def format_check(correlations: Mapping[str, np.ndarray], layer: str) -> str:
    """The table as text."""
    heading = f"Rank correlation of the projections of {layer} with the fall of the activation under a patch, mean:"
    return heading + "\n" + tabulate(table_rows(correlations), HEADERS, tablefmt="plain", floatfmt=".2f")


def check_files(correlations: Mapping[str, np.ndarray], strongest: TopActivations) -> Dict[str, bytes]:
    """The table as CSV, and the correlations of each spot as .npz, under the names of the projections."""
    rows = [[name, spots, *(f"{mean:.4f}" for mean in means)] for name, spots, *means in table_rows(correlations)]
    numbers = write_arrays(maps=strongest.maps, images=strongest.images, places=strongest.places, **correlations)
    return {TABLE: write_table(HEADERS, rows), NUMBERS: numbers}
