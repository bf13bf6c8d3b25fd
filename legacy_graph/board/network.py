"""The article's network with the projections of single maps, and one session for each requested run."""

import collections
import contextlib
import io
import os
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.board.answers import encode_tile, find
from legacy_graph.board.sheet import CONTROL
from legacy_graph.config import DECONVNET, LAYERS, METHODS, SHARED
from legacy_graph.data import mnist, user_image
from legacy_graph.data.class_names import class_names
from legacy_graph.data.images import Preprocessing
from legacy_graph.logdir import identity, layout
from legacy_graph.training.checkpoints import restore_weights
from legacy_graph.visualize import reading
from legacy_graph.visualize.cover import PARTS_OF_IMAGE, Cover
from legacy_graph.visualize.image_grid import percentile_scale, to_grey
from legacy_graph.visualize.image_report import PERCENTILE
from legacy_graph.visualize.occluded_reading import class_occlusion
from legacy_graph.visualize.rank_correlation import rank_correlation
from legacy_graph.visualize.sanity_check import random_kernel

LISTED = 32  # units of a layer in an answer, the strongest ones, if it has more than `ALL`
ALL = 64
PATCH = mnist.SIDE // PARTS_OF_IMAGE  # pixels: side of the black patch, that of the command `deconv`
STRIDES = {"coarse": 4, "fine": 2}  # pixels from one patch to the next
SESSIONS = 4  # maximum number of runs in memory; one takes about 15 MB
TINT = np.array([1, 0.7, 0.4])  # of pixels where a patch changes the predicted class: orange
RULES = {**dict(zip(METHODS, METHODS)), CONTROL: DECONVNET}  # method of a request -> method of `deconvolve`


class LiveNetwork:
    """Runs the network on single pictures. Not thread-safe."""

    def __init__(self) -> None:
        self._reader = reading.article_reader(LAYERS, SHARED)
        self._kernels = {
            name: random_kernel(layer.kernel.shape.as_list()) for name, layer in self._reader.layers.items()
        }
        # folder -> session, checkpoints in it, restored step; the run that was used last is the last entry
        self._runs: Dict[str, Tuple[tf.Session, List[Tuple[int, int]], int]] = collections.OrderedDict()

    def read(self, folder: str, content: bytes, layer: str, number: int, method: str) -> Dict[str, Any]:
        """The probabilities, the activations of all maps, and the projection of one map, as JSON.

        Args:
            folder: log directory of the run; its newest intact checkpoint is used.
            content: bytes of the picture file.
            layer: name of the layer of the map.
            number: number of the map.
            method: one of `RULES`.

        Raises:
            HttpError: an unknown layer, map or method.
            UserError: not a picture, or the run has no intact checkpoint.
        """
        chosen, rule = find("layer", self._reader.layers, layer), find("method", RULES, method)
        find("map", dict.fromkeys(range(chosen.output.shape.as_list()[3])), number)
        known, picture, image = _prepare(folder, content)
        session, step = self._restored(folder)
        probabilities, maps, outputs = reading.read_outputs(session, self._reader, image)
        signals = reading.keep(outputs[layer], (..., number))[None]
        # The same activations and method, with the layer's kernel replaced by random numbers.
        projection, control = [
            reading.project(session, self._reader, layer, image, signals, rule, kernel)[0, :, :, 0]
            for kernel in (None, self._kernels[layer])
        ]
        shown = {"projection": control} if method == CONTROL else {"projection": projection, "control": control}
        scales = {name: percentile_scale(values, PERCENTILE) for name, values in shown.items()}
        compared = projection.any() and control.any()
        return {
            "step": step,
            "input": encode_tile(picture.pixels),
            "preparation": picture.preparation,
            "answers": [[name, float(p)] for name, p in zip(class_names(known), probabilities)],
            "layers": {
                name: _maps(activations, self._reader.layers[name].rectified) for name, activations in maps.items()
            },
            **{name: encode_tile(to_grey(values, scales[name])) for name, values in shown.items()},
            "scale": scales["projection"],
            "control_scale": scales.get("control"),
            "rank_correlation": rank_correlation(projection.ravel(), control.ravel()) if compared else None,
        }

    def cover(self, folder: str, content: bytes, detail: str) -> Dict[str, Any]:
        """Where covering a patch lowers the probability of the predicted class, as JSON.

        `detail` is a name in `STRIDES`; see `read`, also for the errors.
        """
        stride = find("detail", STRIDES, detail)
        known, _, image = _prepare(folder, content)
        session, _ = self._restored(folder)
        occlusion = class_occlusion(session, self._reader, image[None], Cover(PATCH, stride))
        (falls,), (classes,), read = occlusion.falls, occlusion.classes, int(occlusion.probabilities[0].argmax())
        names, scale = class_names(known), float(np.abs(falls).max())
        pixels = np.repeat(to_grey(falls, scale)[..., None], 3, 2)
        pixels[classes != read] = pixels[classes != read] * TINT
        counts = np.bincount(classes[classes != read], minlength=len(names)) / classes.size
        return {
            "read": names[read],
            "heat": encode_tile(pixels),
            "scale": scale,
            "largest": float(falls.max()),
            "others": [[names[number], float(counts[number])] for number in np.argsort(-counts) if counts[number]],
            "patch": PATCH,
        }

    def _restored(self, folder) -> Tuple[tf.Session, int]:
        """(session, step) of the newest intact checkpoint, which is restored again if the checkpoints change."""
        there = _list_checkpoints(os.path.join(folder, layout.CHECKPOINTS))
        if folder not in self._runs:
            self._runs[folder] = tf.Session(graph=self._reader.graph), [], 0
        session, restored_from, step = self._runs.pop(folder)
        with contextlib.ExitStack() as on_error:
            on_error.callback(session.close)
            if there != restored_from or not there:
                step = restore_weights(session, folder)
            on_error.pop_all()
        self._runs[folder] = session, there, step
        if len(self._runs) > SESSIONS:
            self._runs.pop(next(iter(self._runs)))[0].close()
        return session, step


def _list_checkpoints(folder) -> List[Tuple[int, int]]:
    """(step, time of the write) of each checkpoint: a new run writes the steps of the old one again."""
    checkpoints = []
    for step in layout.saved_steps(folder):
        with contextlib.suppress(OSError):  # a run that is training has removed it
            checkpoints.append((step, os.stat(os.path.join(folder, f"{layout.CHECKPOINT}-{step}.index")).st_mtime_ns))
    return checkpoints


def _prepare(folder, content) -> Tuple[Optional[str], user_image.UserImage, np.ndarray]:
    """(name of the run's data set, the picture, the picture as the network reads it, float32 [28, 28, 1])."""
    known = identity.run_data(folder).known_name
    picture = user_image.read_image("picture", digits=known == identity.MNIST, file=io.BytesIO(content))
    return known, picture, Preprocessing(0, 1).apply(picture.pixels[..., None])


def _maps(activations: np.ndarray, rectified: bool) -> Dict[str, Any]:
    """The maps of a layer, float32 [C, H, W], as one picture [maps * H, W] with one scale, and the maximum of each.

    Of a layer with more than `ALL` maps, the `LISTED` strongest, strongest first.
    """
    largest = activations.max(axis=(1, 2))
    listed = len(largest) > ALL
    numbers = np.argsort(-largest, kind="stable")[:LISTED] if listed else np.arange(len(largest))
    scale = largest.max() if rectified else np.abs(activations).max()
    pixels = to_grey(activations[numbers], scale, not rectified)
    return {
        "tiles": encode_tile(pixels.reshape(-1, pixels.shape[2])),
        "numbers": numbers.tolist(),
        "activations": largest.astype(float).tolist(),
        "scale": float(scale),
        "signed": not rectified,
    }
