"""Add occlusion to the reading of a picture: which pixels its maps and its class depend on."""

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.config import OCCLUSION
from legacy_graph.visualize.cover import Cover
from legacy_graph.visualize.occlusion import Job, all_corners, mean_over_patches, run_covered
from legacy_graph.visualize.reading import Reader, Reading

CLASS = "class"  # row of the class probability


def add_occlusion(
    session: tf.Session,
    reader: Reader,
    image: np.ndarray,
    reading: Reading,
    cover: Cover,
) -> Reading:
    """The reading with the method `OCCLUSION` in each row of its projections, and in the row `CLASS` if it has answers.

    Args:
        session: of the reader's graph.
        reader: of the network.
        image: float32 [H, W, channels], the preprocessed picture.
        reading: of this picture.
        cover: the patch, covered at all positions.
    """
    size, rows = image.shape[:2], reading.rows
    layers = list(dict.fromkeys(layer for layer, _ in rows.values()))
    answers = [] if reading.answers is None else [reader.answers]
    fetch = [reader.layers[name].output for name in layers], answers

    def reduce(values):
        outputs = dict(zip(layers, values[0]))
        energies = [_energy(outputs[layer][(slice(None), *index)]) for layer, index in rows.values()]
        return np.concatenate([np.stack(energies, 1), *values[1]], 1)  # [B, rows + classes]

    job = Job(lambda: image, all_corners(size, cover))
    (values,) = run_covered(session, fetch, reader.images, [job], cover, reader.chunk, reader.feed, reduce)
    covered = mean_over_patches(values[1:].astype(float), job.corners, size, cover)  # [H, W, rows + classes]
    falls = (values[0] - covered).astype(np.float32)
    projections = {row: {**reading.projections[row], OCCLUSION: falls[..., column]} for column, row in enumerate(rows)}
    if not answers:
        return reading._replace(projections=projections)
    read = len(rows) + int(values[0, len(rows) :].argmax())
    projections[CLASS] = {OCCLUSION: falls[..., read]}
    return reading._replace(projections=projections, covered=covered[..., len(rows) :].argmax(axis=2))


def _energy(values) -> np.ndarray:
    return (values.astype(float) ** 2).reshape(len(values), -1).sum(axis=1) / 2
