"""嵌入向量: fc1's 1,024 values for a thousand test digits, for the EMBEDDINGS dashboard (PROJECTOR today).

Each point shows its digit on the colour of its class. Search for "wrong" to find the misclassified digits, or "as 5" to
find the digits that the network took for a 5.
"""

import math
import os

import numpy as np
import tensorflow.compat.v1 as tf
from tensorboard.plugins import projector

from legacy_graph import tf_setup
from legacy_graph.article.network import Network
from legacy_graph.data.mnist import PIXELS, SIDE, Digits, scale_pixels
from legacy_graph.errors import explain
from legacy_graph.logdir import durable
from legacy_graph.logdir.event_writer import FileWriter
from legacy_graph.training.recording import CHUNK
from legacy_graph.visualize.image_grid import encode_png

POINTS = 1000
TENSOR = "fc1"
SPRITE, METADATA = "sprite.png", "metadata.tsv"
# The projector uses the first non-numeric column for labels and search.
COLUMNS = ("label", "class", "read as", "verdict", "certainty")
# One per class: Tableau's ten colours, which are distinguishable with most colour vision deficiencies.
COLOURS = np.array(
    [(78, 121, 167), (242, 142, 43), (225, 87, 89), (118, 183, 178), (89, 161, 79)]
    + [(237, 201, 72), (176, 122, 161), (255, 157, 167), (156, 117, 95), (186, 176, 172)],
    np.uint8,
)  # fmt: skip


def write_projector(session: tf.Session, net: Network, digits: Digits, directory: str) -> None:
    """Write a run for the projector: fc1's output for the first `POINTS` digits.

    The projector opens only files in the directory of its configuration, so the configuration has bare file names.
    TensorBoard reads a directory as a run only if it contains an event file.

    Args:
        session: with trained weights.
        net: the network that the session runs.
        digits: the test digits.
        directory: created if missing; earlier files of the projector are replaced, each as a whole.

    Raises:
        UserError: the directory cannot be written.
    """
    images, labels = digits.images[:POINTS], digits.labels[:POINTS]
    fetches, begins = [net.features, net.probabilities], range(0, len(images), CHUNK)
    feeds = [{net.images: scale_pixels(images[begin : begin + CHUNK]), net.keep_prob: 1.0} for begin in begins]
    features, probabilities = map(np.concatenate, zip(*(session.run(fetches, feed) for feed in feeds)))
    with explain(directory, "to write the embeddings", kinds=(OSError, tf.errors.OpError)):
        os.makedirs(directory, exist_ok=True)
        durable.write(os.path.join(directory, SPRITE), encode_png(sprite(images, labels)))
        durable.write(os.path.join(directory, METADATA), metadata(labels, probabilities).encode())
        _save(features, directory)


def sprite(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The sprite image: the pictures of all points, row by row.

    Args:
        images: uint8 [N, 784].
        labels: uint8 [N], 0 to 9.

    Returns:
        uint8 [n * 28, n * 28, 3] with n = ceil(sqrt(N)): white strokes on the colour of the class.
    """
    side = math.ceil(math.sqrt(len(labels)))
    ink = images[:, :, None] / 255.0
    tiles = np.zeros([side * side, PIXELS, 3], np.uint8)
    tiles[: len(labels)] = np.rint(ink * 255 + (1 - ink) * COLOURS[labels][:, None, :])
    rows = tiles.reshape(side, side, SIDE, SIDE, 3).swapaxes(1, 2)
    return rows.reshape(side * SIDE, side * SIDE, 3)


def metadata(labels: np.ndarray, probabilities: np.ndarray) -> str:
    """The metadata file: one tab-separated line per point under a header.

    Args:
        labels: uint8 [N], the true classes.
        probabilities: float32 [N, 10], the output of the network.
    """
    lines = [COLUMNS]
    for true, read, certainty in zip(labels, probabilities.argmax(1), probabilities.max(1)):
        verdict = "right" if true == read else "wrong"
        label = f"{true}: right" if true == read else f"{true} read as {read}: wrong"
        lines.append((label, str(true), str(read), verdict, f"{certainty:.3f}"))
    return "".join("\t".join(line) + "\n" for line in lines)


def _save(features, directory):
    """Write checkpoint, configuration and event file. The projector lists every variable, so there is only one."""
    config = projector.ProjectorConfig()
    config.embeddings.add(
        tensor_name=TENSOR,
        metadata_path=METADATA,
        sprite=projector.SpriteMetadata(image_path=SPRITE, single_image_dim=[SIDE, SIDE]),
    )
    with tf.Graph().as_default(), tf.Session() as session, FileWriter(directory) as writer:
        embedding = tf.Variable(features, name=TENSOR)
        session.run(embedding.initializer)
        saver = tf.train.Saver([embedding], save_relative_paths=True)
        with tf_setup.filter_stderr():
            saver.save(session, os.path.join(directory, "embedding.ckpt"), write_meta_graph=False)
        projector.visualize_embeddings(writer, config)
