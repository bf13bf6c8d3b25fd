"""What each feature map responds to: its strongest images, and the projections of its strongest activations.

For each map of a layer, find the images with the largest activation. In each of these images keep only this activation,
set the rest of the layer to zero, and project it to the pixels.

Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, figure 2.
"""

import functools
import itertools
from typing import Optional, Tuple

import numpy as np

from legacy_graph.config import OCCLUSION
from legacy_graph.data.ahead import run_ahead
from legacy_graph.errors import UserError
from legacy_graph.graphs.overflow import is_bounded
from legacy_graph.visualize import finite
from legacy_graph.visualize.cover import DEFAULT_COVER, Cover, choose_cover
from legacy_graph.visualize.image_bar import image_bar
from legacy_graph.visualize.occlusion import spot_occlusion
from legacy_graph.visualize.probe import OpenProbe
from legacy_graph.visualize.strongest import TopActivations

CHECKED = 16  # images at the start, for which all convolutions are checked


def scan(opened: OpenProbe, top: int) -> Tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Find the images with the largest activation of each map of the layer; show a progress bar on a terminal.

    Returns:
        numbers: int64 [C, top], numbers of the images, strongest first, equal ones in order of their numbers;
            -1 if a map after a ReLU is above zero in fewer than `top` images.
        activations: float32 [C, top].
        wins: float64 [C], as in `TopActivations`.
        bounded: as in `TopActivations`.

    Raises:
        UserError: all values of all images are equal; or an image, an activation, or a value of a convolution for the
            first `CHECKED` images is not finite.
    """
    session, layer, images = opened.session, opened.probe.layer, opened.images
    channels = layer.output.shape.as_list()[3]
    numbers = np.full([channels, top], -1)
    activations = np.full([channels, top], 0 if layer.rectified else -np.inf, np.float32)
    wins, low, high, begin = np.zeros(channels), np.inf, -np.inf, 0
    with image_bar(len(images)) as bar:
        for batch, (strongest, won) in _run_chunks(opened):
            limits = finite.check_images("--images", batch, begin)
            low, high = min(low, limits[0]), max(high, limits[1])
            # Any image shows a weight that is too large. `project` checks the images on the sheet, `is_bounded` all.
            if not begin and layer.finite:
                finite.check_operations(session.run(layer.finite, {layer.images: batch[:CHECKED]}))
            finite.check_layer(layer.name, strongest, "activations")
            found = strongest.T  # [C, B]
            wins += won.sum(axis=0, dtype=float) / len(images)
            new = np.flatnonzero((found > activations[:, -1:]).any(axis=0))  # the others are not among the strongest
            both = [numbers, np.broadcast_to(begin + new, (channels, len(new)))], [activations, found[:, new]]
            numbers, activations = [np.concatenate(parts, 1) for parts in both]
            order = np.argsort(-activations, axis=1, kind="stable")[:, :top]
            numbers, activations = [np.take_along_axis(values, order, 1) for values in (numbers, activations)]
            begin += len(batch)
            bar.update(len(batch))
    if not low < high:
        hint = "check --images, --range and --mean"
        raise UserError("--images", "values that differ after preprocessing", f"{low:g} everywhere", hint)
    bounded = is_bounded(session, layer.bound, layer.images, batch[:1], max(-low, high))
    return numbers, activations, wins, bounded


def _run_chunks(opened):
    """(images, (strongest, wins)) for each chunk, in order: as many chunks in a session run as there are scanners.

    Two threads run the session, so that one run computes while the other waits, and while the caller uses the results
    of a third.
    """
    scanners, chunks = opened.probe.scanners, opened.images.batches(opened.probe.chunk)

    def run(batches):
        used = scanners[: len(batches)]
        feed = {scanner.images: batch for scanner, batch in zip(used, batches)}
        return zip(batches, opened.session.run([(scanner.strongest, scanner.wins) for scanner in used], feed))

    taken = iter(lambda: list(itertools.islice(chunks, len(scanners))), [])
    for found in run_ahead((functools.partial(run, batches) for batches in taken), 2, 3):
        yield from found


def project(
    opened: OpenProbe,
    numbers: np.ndarray,
    maps: np.ndarray,
    places: np.ndarray,
    kernel: Optional[np.ndarray] = None,
    method: Optional[str] = None,
) -> np.ndarray:
    """Project one activation per image to the pixels. The values before the layer are not checked, see `check_values`.

    Args:
        opened: the layer.
        numbers: integers [N], the images to use.
        maps: integers [N], the feature map for each image.
        places: integers [N, 2], the position for each image.
        kernel: replaces the layer's kernel. The signal is then 1, because the map may be 0 at this position.
        method: one of `Probe.projections`; None takes that of the layer.

    Returns:
        float32 [N, H, W], or [N, H, W, 3] in the order RGB, see `Images.to_shown`.

    Raises:
        UserError: a projection is not finite.
    """
    probe, images = opened.probe, opened.images
    layer, fetched = probe.layer, probe.projections[method or probe.layer.method]
    shown = images.to_shown(np.zeros([len(numbers), *layer.images.shape.as_list()[1:]], np.float32))
    for begin in range(0, len(numbers), probe.chunk):
        part = slice(begin, begin + probe.chunk)
        feed = {probe.maps: maps[part], probe.places: places[part]}
        if kernel is not None:
            ones = np.ones([len(numbers[part]), *probe.signals.shape.as_list()[1:]], np.float32)
            feed.update({layer.kernel: kernel, probe.signals: ones})
        projections = opened.run(fetched, numbers[part], feed)
        finite.check_layer(layer.name, projections, "projections")
        shown[part] = images.to_shown(projections)
    return shown


def project_or_cover(
    opened: OpenProbe, method: str, spots: Tuple[np.ndarray, np.ndarray, np.ndarray], cover: Optional[Cover] = None
) -> np.ndarray:
    """What `TopActivations.projections` has of the spots, [N, H, W] or [N, H, W, 3], by a method in `ALL_METHODS`.

    `spots` are numbers, maps and places, as in `project`. `cover` is for occlusion; None takes the default.
    """
    if method != OCCLUSION:
        return project(opened, *spots, method=method)
    cover = cover or choose_cover(DEFAULT_COVER, opened.images, [field.size for field in opened.probe.fields])
    falls = spot_occlusion(opened, *spots, cover)
    # All pictures of a file are grey, or all are coloured.
    return falls[..., None].repeat(3, axis=3) if opened.probe.layer.images.shape.as_list()[3] == 3 else falls


def collect(
    opened: OpenProbe,
    maps: np.ndarray,
    top: int,
    by_wins: bool = False,
    limit: Optional[int] = None,
    cover: Optional[Cover] = None,
) -> TopActivations:
    """Scan the images and project the strongest activations of the maps.

    Args:
        opened: the layer and the images.
        maps: integers [M].
        top: activations per map.
        by_wins: sort the maps by wins, most first and dead maps last; else keep the order of `maps`.
        limit: keep only the first `limit` maps in this order; None keeps all.
        cover: the patch, if the method of the layer is occlusion; None takes the default.

    Raises:
        UserError: as in `scan` and `project`.
    """
    *scanned, bounded = scan(opened, top)
    if by_wins:
        dead = scanned[0][maps, 0] < 0
        maps = maps[np.lexsort((dead, -scanned[2][maps]))]
    maps = maps[:limit]
    numbers, activations, wins = [values[maps] for values in scanned]
    places = np.zeros(numbers.shape + (2,), np.int64)
    strongest = TopActivations(maps, wins, numbers, places, activations, activations, bounded)
    images, of_maps, _ = strongest.spots
    if not bounded:
        check_values(opened, images)
    strongest = strongest._replace(places=strongest.spread(find_places(opened, images, of_maps)))
    values = project_or_cover(opened, opened.probe.layer.method, strongest.spots, cover)
    return strongest._replace(projections=strongest.spread(values))


def find_places(opened: OpenProbe, numbers: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """The position of the strongest activation of each map in each image, int64 [N, 2]; see `project`."""
    places = np.zeros([len(numbers), 2], np.int64)
    for taken in _chunks(numbers, opened.probe.chunk):
        outputs = opened.run(opened.probe.layer.output, taken)
        for spot in np.flatnonzero(np.isin(numbers, taken)):
            values = outputs[np.searchsorted(taken, numbers[spot]), :, :, maps[spot]]
            places[spot] = np.unravel_index(values.argmax(), values.shape)
    return places


def check_values(opened: OpenProbe, numbers: np.ndarray) -> None:
    """Check that the values before the layer are finite for these images.

    The checks have session runs of their own, because in the run of a projection they would change its rounding:
    TensorFlow multiplies a kernel by the factors of a batch norm only if nothing else reads the convolution.

    Raises:
        UserError: names the operation.
    """
    for taken in _chunks(numbers, opened.probe.chunk) if opened.probe.layer.finite else ():
        finite.check_operations(opened.run(opened.probe.layer.finite, taken))


def _chunks(numbers, chunk):
    """The different numbers, in chunks."""
    different = np.unique(numbers)
    return [different[begin : begin + chunk] for begin in range(0, len(different), chunk)]
