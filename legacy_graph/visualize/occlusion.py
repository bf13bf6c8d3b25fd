"""Occlusion: cover a patch of the image and measure how far an activation, or the probability of a class, falls.

Occlusion needs forward passes only, no gradient: it shows which pixels the network uses. The patches stand at multiples
of the stride, from the upper left corner; the last one of a row or column may be cut off at the border. The value of a
pixel is the mean over all patches that cover it, as in captum's `Occlusion`.

Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2 and figure 7.
"""

import functools
import itertools
from typing import Any, Callable, Dict, Iterator, NamedTuple, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.receptive_field import Fields
from legacy_graph.data.ahead import run_ahead
from legacy_graph.visualize import finite
from legacy_graph.visualize.cover import Cover
from legacy_graph.visualize.image_bar import image_bar
from legacy_graph.visualize.probe import OpenProbe

THREADS = 2  # that run batches; the next one is covered meanwhile

# The upper left pixels of the patches of an image, row by row: each y of integers [P] with each x of integers [Q].
Corners = Tuple[np.ndarray, np.ndarray]


class Job(NamedTuple):
    """One image, and the patches to cover in it."""

    read: Callable[[], np.ndarray]  # () -> float32 [H, W, channels], the image as the network reads it
    corners: Corners
    feed: Dict[tf.Tensor, Any] = {}  # placeholder with a batch axis -> its value for this image


def spot_occlusion(
    opened: OpenProbe, numbers: np.ndarray, maps: np.ndarray, places: np.ndarray, cover: Cover
) -> np.ndarray:
    """How far each activation falls when a patch of its image is covered. Shows a progress bar on a terminal.

    A patch outside the receptive field is not run, because its fall is 0.

    Args:
        opened: the layer and the images.
        numbers: integers [N], the image of each activation.
        maps: integers [N], its feature map.
        places: integers [N, 2], its (y, x) in the layer's output.
        cover: the patch.

    Returns:
        float32 [N, H, W]: activation of the complete image minus activation with a patch covered, as the mean over the
        patches that cover the pixel. Below 0 where covering raises the activation.

    Raises:
        UserError: an activation is not finite.
    """
    session, probe, images = opened
    jobs = [
        Job(
            lambda number=number: finite.take(images, [number])[0],
            _corners_inside(probe.fields, place, images.size, cover),
            {probe.maps: chosen, probe.places: place},
        )
        for number, chosen, place in zip(numbers, maps, places)
    ]
    pictures = np.zeros([len(jobs), *images.size], np.float32)
    runs = run_covered(session, probe.activations, probe.layer.images, jobs, cover, probe.chunk)
    for picture, job, activations in zip(pictures, jobs, runs):
        finite.check_layer(probe.layer.name, activations, "activations")
        falls = activations[0].astype(float) - activations[1:]
        picture[:] = mean_over_patches(falls, job.corners, images.size, cover)
    return pictures


def run_covered(
    session: tf.Session,
    fetch: Any,
    pixels: tf.Tensor,
    jobs: Sequence[Job],
    cover: Cover,
    chunk: int,
    reduce: Callable[[Any], np.ndarray] = np.asarray,
) -> Iterator[np.ndarray]:
    """Run the network on each image, complete and covered. A batch has patches of several images, so that it is full.

    Args:
        session: to run.
        fetch: what to fetch.
        pixels: float32 [B, H, W, channels], the tensor to feed.
        jobs: the images and their patches.
        cover: the patch.
        chunk: images in a batch.
        reduce: (what is fetched for a batch of B images) -> [B, ...].

    Yields:
        For each job, [1 + patches, ...]: the reduced value for the complete image, then one for each patch.
    """
    lengths = [1 + len(down) * len(across) for _, (down, across), _ in jobs]
    count = -(-sum(lengths) // chunk)
    size = -(-sum(lengths) // max(1, count))  # batches of equal sizes

    def run(batch):
        images, corners, spots = zip(*batch)
        each = {tensor: np.array([spot[tensor] for spot in spots]) for tensor in spots[0]}
        return reduce(session.run(fetch, {pixels: _covered(images, corners, cover), **each}))

    def run_all():
        rows = itertools.chain.from_iterable(map(_rows, jobs))
        batches = iter(lambda: list(itertools.islice(rows, size)), [])
        calls = (functools.partial(run, batch) for batch in batches)
        # A single batch runs here: starting a thread and waiting for it takes longer than it saves.
        results = run_ahead(calls, THREADS, THREADS + 1) if count > 1 else (call() for call in calls)
        with image_bar(sum(lengths)) as bar:
            for values in results:
                bar.update(len(values))
                yield from values

    values = run_all()
    for length in lengths:
        yield np.array(list(itertools.islice(values, length)))


def all_corners(size: Tuple[int, int], cover: Cover) -> Corners:
    """The patches of an image of `size`, [height, width]."""
    down, across = [_starts(side, cover) for side in size]
    return down, across


def mean_over_patches(values: np.ndarray, corners: Corners, size: Tuple[int, int], cover: Cover) -> np.ndarray:
    """For each pixel, the mean over all patches of the image that cover it; patches not in `corners` have the value 0.

    Args:
        values: floats [patches, ...], one for each of `corners`.
        corners: of the patches.
        size: [height, width] of the image.
        cover: the patch.

    Returns:
        float64 [height, width, ...].
    """
    down, across = [_covering(side, starts, cover) for side, starts in zip(size, corners)]
    grid = values.reshape(down.shape[1], across.shape[1], int(np.prod(values.shape[1:])))
    total = across @ np.tensordot(down, grid, 1)  # [height, width, ...]
    counts = np.outer(*[_covering(side, _starts(side, cover), cover).sum(axis=1) for side in size])
    return (total / counts[..., None]).reshape(*size, *values.shape[1:])


def _rows(job):
    """(image, corner of the patch to cover, what to feed) of a job: first the complete image, then for each patch."""
    image = job.read()
    return ((image, corner, job.feed) for corner in [None, *itertools.product(*job.corners)])


def _covered(images, corners, cover) -> np.ndarray:
    """A batch: a copy of each image with the patch at its corner covered; None covers nothing."""
    batch, value = np.concatenate([image[None] for image in images]), np.array(cover.value, images[0].dtype)
    for copy, corner in zip(batch, corners):
        if corner is not None:
            y, x = corner
            copy[y : y + cover.patch, x : x + cover.patch] = value
    return batch


def _starts(side, cover) -> np.ndarray:
    """The first pixel of each patch along an axis of `side` pixels."""
    return np.arange(0, max(1, side - cover.patch + cover.stride), cover.stride)


def _covering(side, starts, cover) -> np.ndarray:
    """float64 [pixels, patches] of an axis: 1 where the patch covers the pixel, else 0."""
    pixels = np.arange(side)[:, None]
    return ((starts <= pixels) & (pixels < starts + cover.patch)).astype(float)


def _corners_inside(fields: Fields, place, size, cover) -> Corners:
    """The patches that cover a pixel of the receptive field of one place."""
    begins = [field.begin + int(at) * field.step for field, at in zip(fields, place)]
    axes = zip(begins, fields, (_starts(side, cover) for side in size))
    return tuple(
        starts[(begin - cover.patch < starts) & (starts < begin + field.size)] for begin, field, starts in axes
    )
