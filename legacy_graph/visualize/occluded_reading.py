"""Occlusion of single pictures: which pixels the maps of a network and its class depend on."""

import functools
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.config import OCCLUSION
from legacy_graph.visualize.cover import Cover
from legacy_graph.visualize.occlusion import Job, all_corners, mean_over_patches, run_covered
from legacy_graph.visualize.reading import Reader, Reading

CLASS = "class"  # row of the class probability


class ClassOcclusion(NamedTuple):
    """What covering does to the class probabilities of N images."""

    probabilities: np.ndarray  # float32 [N, 10], of the complete images
    falls: np.ndarray  # float32 [N, H, W], how far covering this pixel lowers the probability of the predicted class
    classes: np.ndarray  # int64 [N, H, W], the most probable class while this pixel is covered


def class_occlusion(session: tf.Session, reader: Reader, images: np.ndarray, cover: Cover) -> ClassOcclusion:
    """How covering a patch changes the class probabilities of the article's network.

    Args:
        session: of the reader's graph, with trained weights.
        reader: of the network.
        images: float32 [N, 28, 28, 1], pixels in [0, 1].
        cover: the patch. Patches are covered at all positions of the image.
    """
    results = _cover_all(session, reader, images, cover, reader.answers)
    probabilities, covered = [np.array(parts) for parts in zip(*results)]  # [N, 10], [N, H, W, 10]
    read = np.argmax(probabilities, 1)
    of_class = covered[np.arange(len(read)), :, :, read]  # [N, H, W]
    falls = probabilities.max(axis=1)[:, None, None] - of_class
    return ClassOcclusion(probabilities, falls.astype(np.float32), np.argmax(covered, 3))


def add_occlusion(session: tf.Session, reader: Reader, image: np.ndarray, reading: Reading, cover: Cover) -> Reading:
    """The reading with the method `OCCLUSION` in each row of its projections, and in the row `CLASS` if it has answers.

    Args:
        session: of the reader's graph.
        reader: of the network.
        image: float32 [H, W, channels], the preprocessed picture.
        reading: of this picture.
        cover: the patch, covered at all positions.
    """
    rows = reading.rows
    layers = list(dict.fromkeys(layer for layer, _ in rows.values()))
    answers = [] if reading.answers is None else [reader.answers]
    fetch = [reader.layers[name].output for name in layers], answers

    def reduce(values):
        outputs = dict(zip(layers, values[0]))
        energies = [_energy(outputs[layer][(slice(None), *index)]) for layer, index in rows.values()]
        return np.concatenate([np.stack(energies, 1), *values[1]], 1)  # [B, rows + classes]

    ((complete, covered),) = _cover_all(session, reader, image[None], cover, fetch, reduce)
    falls = (complete - covered).astype(np.float32)
    projections = {row: {**reading.projections[row], OCCLUSION: falls[..., column]} for column, row in enumerate(rows)}
    if not answers:
        return reading._replace(projections=projections)
    read = len(rows) + int(complete[len(rows) :].argmax())
    projections[CLASS] = {OCCLUSION: falls[..., read]}
    return reading._replace(projections=projections, covered=covered[..., len(rows) :].argmax(axis=2))


def _cover_all(session, reader, images, cover, fetch, reduce=np.asarray):
    """For each image, the values of the complete image, [n], and their means over the patches, [H, W, n]."""
    size = images.shape[1:3]
    jobs = [Job(functools.partial(np.asarray, image), all_corners(size, cover)) for image in images]
    runs = run_covered(session, fetch, reader.images, jobs, cover, reader.chunk, reduce)
    return [(values[0], mean_over_patches(values[1:], job.corners, size, cover)) for job, values in zip(jobs, runs)]


def _energy(values) -> np.ndarray:
    return (values.astype(float) ** 2).reshape(len(values), -1).sum(axis=1) / 2
