"""What each feature map responds to: its strongest images, and the projections of its strongest activations.

For each map of a layer, find the images with the largest activation. In each of these images keep only this activation,
set the rest of the layer to zero, and project it to the pixels.

Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, figure 2.
"""

import functools
import itertools
from typing import Optional, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.data.ahead import run_ahead
from legacy_graph.data.images import Images
from legacy_graph.errors import UserError
from legacy_graph.graphs.overflow import is_bounded
from legacy_graph.visualize import finite
from legacy_graph.visualize.cover import DEFAULT_COVER, Cover, choose_cover
from legacy_graph.visualize.image_bar import image_bar
from legacy_graph.visualize.occlusion import spot_occlusion
from legacy_graph.visualize.probe import Probe, Scanner
from legacy_graph.visualize.strongest import TopActivations

CHECKED = 16  # images at the start, for which all convolutions are checked


def scan(
    session: tf.Session, probe: Probe, images: Images, top: int, towers: Sequence[Scanner] = ()
) -> Tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Find the images with the largest activation of each map of the layer; show a progress bar on a terminal.

    Args:
        session: of the probe's graph.
        probe: of the layer.
        images: to scan.
        top: images per map.
        towers: the same layer on other tasks of a cluster. Each gets a chunk of images while the probe gets one.

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
    channels = probe.layer.output.shape.as_list()[3]
    numbers = np.full([channels, top], -1)
    activations = np.full([channels, top], 0 if probe.layer.rectified else -np.inf, np.float32)
    wins, low, high, begin = np.zeros(channels), np.inf, -np.inf, 0
    with image_bar(len(images)) as bar:
        for batch, (strongest, won) in _run_chunks(session, probe, images, towers):
            limits = finite.check_images("--images", batch, begin)
            low, high = min(low, limits[0]), max(high, limits[1])
            # Any image shows a weight that is too large. `project` checks the images on the sheet, `is_bounded` all.
            if not begin and probe.layer.finite:
                finite.check_operations(session.run(probe.layer.finite, {probe.layer.images: batch[:CHECKED]}))
            finite.check_layer(probe.layer.name, strongest, "activations")
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
    bounded = is_bounded(session, probe.layer.bound, probe.layer.images, batch[:1], max(-low, high))
    return numbers, activations, wins, bounded


def _run_chunks(session, probe, images, towers):
    """(images, (strongest, wins)) for each chunk, in order: as many chunks in a session run as there are towers.

    Two threads run the session, so that one run computes while the other waits, and while the caller uses the results
    of a third.
    """
    scanners = [Scanner(probe.layer.images, probe.strongest, probe.wins), *towers]
    chunks = images.batches(probe.chunk)

    def run(batches):
        used = scanners[: len(batches)]
        feed = {scanner.images: batch for scanner, batch in zip(used, batches)}
        return zip(batches, session.run([(scanner.strongest, scanner.wins) for scanner in used], feed))

    taken = iter(lambda: list(itertools.islice(chunks, len(scanners))), [])
    for found in run_ahead((functools.partial(run, batches) for batches in taken), 2, 3):
        yield from found


def project(
    session: tf.Session,
    probe: Probe,
    images: Images,
    numbers: np.ndarray,
    maps: np.ndarray,
    places: np.ndarray,
    kernel: Optional[np.ndarray] = None,
) -> np.ndarray:
    """Project one activation per image to the pixels. The values before the layer are not checked, see `check_values`.

    Args:
        session: of the probe's graph.
        probe: of the layer.
        images: the scanned images.
        numbers: integers [N], the images to use.
        maps: integers [N], the feature map for each image.
        places: integers [N, 2], the position for each image.
        kernel: replaces the layer's kernel. The signal is then 1, because the map may be 0 at this position.

    Returns:
        float32 [N, H, W], or [N, H, W, 3] in the order RGB, see `Images.to_shown`.

    Raises:
        UserError: a projection is not finite.
    """
    layer = probe.layer
    shown = images.to_shown(np.zeros([len(numbers), *layer.images.shape.as_list()[1:]], np.float32))
    for begin in range(0, len(numbers), probe.chunk):
        part = slice(begin, begin + probe.chunk)
        taken = finite.take(images, numbers[part])
        feed = {layer.images: taken, probe.maps: maps[part], probe.places: places[part]}
        if kernel is not None:
            ones = np.ones([len(taken), *probe.signals.shape.as_list()[1:]], np.float32)
            feed.update({layer.kernel: kernel, probe.signals: ones})
        projections = session.run(probe.projections, feed)
        finite.check_layer(layer.name, projections, "projections")
        shown[part] = images.to_shown(projections)
    return shown


def collect(
    session: tf.Session,
    probe: Probe,
    images: Images,
    maps: np.ndarray,
    top: int,
    by_wins: bool = False,
    limit: Optional[int] = None,
    towers: Sequence[Scanner] = (),
    cover: Optional[Cover] = None,
) -> TopActivations:
    """Scan the images and project the strongest activations of the maps.

    Args:
        session: of the probe's graph.
        probe: of the layer.
        images: to scan.
        maps: integers [M].
        top: activations per map.
        by_wins: sort the maps by wins, most first and dead maps last; else keep the order of `maps`.
        limit: keep only the first `limit` maps in this order; None keeps all.
        towers: as in `scan`.
        cover: the patch of occlusion, for a probe without projections; None takes the default.

    Raises:
        UserError: as in `scan` and `project`.
    """
    *scanned, bounded = scan(session, probe, images, top, towers)
    if by_wins:
        dead = scanned[0][maps, 0] < 0
        maps = maps[np.lexsort((dead, -scanned[2][maps]))]
    maps = maps[:limit]
    numbers, activations, wins = [found[maps] for found in scanned]
    places, found = np.zeros(numbers.shape + (2,), np.int64), numbers >= 0
    spots = numbers[found], maps[np.nonzero(found)[0]]
    if not bounded:
        check_values(session, probe, images, spots[0])
    places[found] = find_places(session, probe, images, *spots)
    if probe.projections is not None:
        values = project(session, probe, images, *spots, places[found])
    else:
        cover = cover or choose_cover(DEFAULT_COVER, images, [field.size for field in probe.fields])
        values = spot_occlusion(session, probe, images, *spots, places[found], cover)
        if probe.layer.images.shape.as_list()[3] == 3:
            values = values[..., None].repeat(3, axis=3)
    if found.all():
        projections = values.reshape(numbers.shape + values.shape[1:])  # no copy: they can take 500 MB
    else:
        projections = np.zeros(numbers.shape + values.shape[1:], np.float32)
        projections[found] = values
    return TopActivations(maps, wins, numbers, places, activations, projections, bounded)


def check_spots(
    session: tf.Session, probe: Probe, images: Images, maps: np.ndarray, places: Optional[np.ndarray]
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(numbers, maps, places) of one spot in each image, the strongest of the map if `places` is None.

    Raises:
        UserError: a value before the layer is not finite.
    """
    spots = np.arange(len(images)), maps
    check_values(session, probe, images, spots[0])
    return (*spots, find_places(session, probe, images, *spots) if places is None else places)


def find_places(session: tf.Session, probe: Probe, images: Images, numbers: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """The position of the strongest activation of each map in each image, int64 [N, 2]; see `project`."""
    places = np.zeros([len(numbers), 2], np.int64)
    for taken in _chunks(numbers, probe.chunk):
        outputs = session.run(probe.layer.output, {probe.layer.images: finite.take(images, taken)})
        for spot in np.flatnonzero(np.isin(numbers, taken)):
            values = outputs[np.searchsorted(taken, numbers[spot]), :, :, maps[spot]]
            places[spot] = np.unravel_index(values.argmax(), values.shape)
    return places


def check_values(session: tf.Session, probe: Probe, images: Images, numbers: np.ndarray) -> None:
    """Check that the values before the layer are finite for these images.

    The checks have session runs of their own, because in the run of a projection they would change its rounding:
    TensorFlow multiplies a kernel by the factors of a batch norm only if nothing else reads the convolution.

    Raises:
        UserError: names the operation.
    """
    for taken in _chunks(numbers, probe.chunk) if probe.layer.finite else ():
        finite.check_operations(session.run(probe.layer.finite, {probe.layer.images: finite.take(images, taken)}))


def _chunks(numbers, chunk):
    """The different numbers, in chunks."""
    different = np.unique(numbers)
    return [different[begin : begin + chunk] for begin in range(0, len(different), chunk)]
