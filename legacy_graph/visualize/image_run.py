"""What `features` and `deconv` leave: pictures for TensorBoard, and files beside them, written whole or not at all."""

import os
import shutil
from typing import Dict

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.errors import RETRY, UserError, reason
from legacy_graph.logdir.event_writer import FileWriter
from legacy_graph.visualize import image_grid


def publish(directory: str, step: int, images: Dict[str, np.ndarray], files: Dict[str, bytes]) -> None:
    """Put a run for TensorBoard into `directory`, in the place of what was published there before.

    All is written beside it first: what goes wrong leaves the old files whole. Files of others are left alone.

    Args:
        directory: one run, made if it is missing.
        step: that the pictures are shown at.
        images: tag -> uint8 [height, width], or [height, width, 3], RGB.
        files: name -> what stands in it.

    Raises:
        UserError: the directory cannot be written.
    """
    draft = f"{directory}.{os.getpid()}"
    try:
        os.makedirs(draft)
        for name, content in files.items():
            with open(os.path.join(draft, name), "wb") as file:
                file.write(content)
        _write_events(draft, step, images)
        os.makedirs(directory, exist_ok=True)
        for name in os.listdir(directory):
            if "tfevents" in name:
                os.remove(os.path.join(directory, name))
        for name in os.listdir(draft):
            os.replace(os.path.join(draft, name), os.path.join(directory, name))
    except OSError as error:
        raise UserError("--logdir", "a writable directory", f"{directory!r} ({reason(error)})", RETRY) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write_events(directory, step, images):
    """One image summary each, by hand: `tf.summary.image` would add operations to the graph."""
    values = []
    for tag, picture in images.items():
        height, width, colorspace = (*picture.shape, 1)[:3]
        image = tf.Summary.Image(
            height=height, width=width, colorspace=colorspace, encoded_image_string=image_grid.encode_png(picture)
        )
        values.append(tf.Summary.Value(tag=tag, image=image))
    with tf.Graph().as_default(), FileWriter(directory) as writer:
        writer.add_summary(tf.Summary(value=values), step)
