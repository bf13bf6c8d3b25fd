"""A graph that someone else trained, run on the user's pictures: the maps of a layer, the projection of one, logits."""

import functools
from typing import Any, Dict, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.receptive_field import crop_patches
from legacy_graph.board.answers import CURVE, NOT_FOUND, HttpError, encode_framed, encode_tile, find
from legacy_graph.board.open_graph import Asked, OpenGraph
from legacy_graph.board.posted import choose_image, read_posted
from legacy_graph.config import METHODS, SIGNED
from legacy_graph.graphs.backward import allowed_methods
from legacy_graph.visualize import finite, image_grid
from legacy_graph.visualize.cover import choose_cover
from legacy_graph.visualize.energy_window import choose_windows, widen
from legacy_graph.visualize.layer_probes import graph_probe
from legacy_graph.visualize.occlusion import spot_occlusion
from legacy_graph.visualize.probe import OpenProbe, Probe
from legacy_graph.visualize.spot_tiles import Spots, default_drawing, draw_projections, draw_tiles, scaled
from legacy_graph.visualize.top_activations import TopActivations, find_places, project

PAGE = 64  # maps in an answer
SIDE = 64  # largest side in pixels of a map in an answer
PERCENTILE = 99.5  # of the magnitudes in a layer, drawn as white; larger magnitudes are clipped
LISTED = 10  # classes in an answer, the most probable ones
SESSIONS, MEMORY = 4, 2**29  # at most so many layers are kept open, and so many bytes of weights in them together

Json = Dict[str, Any]


class GraphNetwork:
    """Runs `graph` on single pictures. Not thread-safe."""

    def __init__(self, graph: OpenGraph) -> None:
        self._graph = graph
        self._layers = {layer.label: layer for layer in graph.model.layers}
        self._allowed = functools.lru_cache(None)(lambda label: allowed_methods(graph.model, self._layers[label]))
        kept = max(1, min(SESSIONS, MEMORY // graph.model.graph_def.ByteSize()))
        self._opened = functools.lru_cache(kept)(self._open_layer)  # a session that nothing refers to is closed
        self._last: Tuple = (None, None)  # the last picture, layer and method, and what the session gave for them

    def read(self, content: bytes, asked: Asked) -> Json:
        """The maps of a layer of the graph, the projection of one, and the logits, as JSON.

        Raises:
            HttpError: an unknown layer, map or method.
            UserError: not a picture, or values that are not finite.
        """
        opened, methods, count = self._prepare(content, asked)
        layer = opened.probe.layer
        output, logits = self._run((content, asked.image), opened)
        largest = output.max(axis=(0, 1))
        number = int(largest.argmax()) if asked.map is None else asked.map
        return {
            "images": count,
            "preparation": opened.images.about,
            "logits": None if logits is None else self._best(logits),
            "methods": methods,
            "method": layer.method,
            "notes": layer.notes,
            **_maps(output, largest, asked, layer.rectified),
            **_describe(opened, number, output[:, :, number]),
        }

    def cover(self, content: bytes, asked: Asked, detail: str) -> Json:
        """How far the strongest activation of `asked.map` falls where a patch of the picture is covered, as JSON.

        `detail` is "coarse" or "fine"; see `read` for the errors.
        """
        strides = find("detail", {"coarse": True, "fine": False}, detail)
        if asked.map is None:
            raise HttpError(NOT_FOUND, "map", "the number of a map", "none", "reload the page")
        opened, _, _ = self._prepare(content, asked)
        fields, zero, maps = opened.probe.fields, np.array([0]), np.array([asked.map])
        places = find_places(opened, zero, maps)
        cover = choose_cover(self._graph.cover, opened.images, [field.size for field in fields])
        cover = cover._replace(stride=cover.patch) if strides else cover
        falls = spot_occlusion(opened, zero, maps, places, cover)
        fields = widen(fields) if opened.images.size[0] == 1 else fields
        patches = crop_patches(falls, places, fields, 0)
        scale = float(np.abs(patches).max())
        spots = Spots(falls, opened.images.shown([0]), places, fields)
        (heat,) = draw_projections(spots, patches / (scale or 1), SIGNED)
        return {"map": asked.map, "heat": encode_tile(heat), "scale": scale, "about": str(cover)}

    def _prepare(self, content, asked):
        """(the open layer with the image, the methods that are defined for the layer, the number of posted images)."""
        layer = find("layer", self._layers, asked.layer)
        known = find("method", {"": self._graph.method, **dict(zip(METHODS, METHODS))}, asked.method)
        if asked.map is not None:
            find("map", dict.fromkeys(range(layer.shape[2])), asked.map)
        posted = read_posted(self._graph, content)
        images = choose_image(posted, asked.image)
        finite.check_images("array", images.take([0]))
        methods = self._allowed(layer.label)
        opened = self._opened(layer.label, known if known in methods else methods[0])
        return OpenProbe(*opened, images), methods, len(posted)

    def _run(self, image, opened):
        """(activations of the layer, float32 [h, w, C]; logits, float32 [classes], or None) of the picture.

        After a click on a map only the projection is new.
        """
        layer, last = opened.probe.layer, self._graph.logits
        key = (image, layer.name, layer.method)
        if self._last[0] != key:
            fetches = [layer.output, [] if last is None else [last.start + ":0"], layer.finite]
            (output,), logits, are_finite = opened.run(fetches, [0])
            finite.check_operations(are_finite)
            finite.check_layer(layer.name, output, "activations")
            for values in logits:
                finite.check_layer("logits", values, "values")
            self._last = key, (output, logits[0].ravel() if logits else None)
        return self._last[1]

    def _best(self, logits):
        names = self._graph.names or range(len(logits))
        best = np.argsort(-logits, kind="stable")[:LISTED]
        return [[str(names[number]), float(logits[number])] for number in best]

    def _open_layer(self, label: str, method: str) -> Tuple[tf.Session, Probe]:
        with tf.Graph().as_default() as graph:
            probe = graph_probe(self._graph.model, self._layers[label], method)
            graph.finalize()
        return tf.Session(graph=graph), probe


def _maps(output, largest, asked: Asked, rectified: bool) -> Json:
    """A page of maps as one picture, [maps * height, width], with one scale for all pages, and their maxima."""
    orders = {"activation": np.argsort(-largest, kind="stable"), "number": np.arange(len(largest))}
    pages = -(-len(largest) // PAGE)
    if not 0 <= asked.page < pages:
        raise HttpError(NOT_FOUND, "page", f"at most {pages - 1}", asked.page, "reload the page")
    numbers = find("order", orders, asked.order)[asked.page * PAGE :][:PAGE]
    scale = image_grid.percentile_scale(output, PERCENTILE)
    curves = output.shape[0] == 1 < output.shape[1]
    tiles = (_curves if curves else _grey)(output[:, :, numbers].transpose(2, 0, 1), scale, not rectified)
    return {
        "numbers": numbers.tolist(),
        "activations": largest[numbers].astype(float).tolist(),
        "tiles": encode_tile(tiles.reshape(-1, tiles.shape[2])),
        "maps_scale": scale,
        "signed": not rectified,
        "curves": curves,
        "pages": pages,
    }


def _grey(maps: np.ndarray, scale: float, signed: bool) -> np.ndarray:
    return image_grid.shrink(image_grid.to_grey(maps, scale, signed), SIDE)


def _curves(maps: np.ndarray, scale: float, signed: bool) -> np.ndarray:
    """Maps of one row, [n, 1, w], as curves."""
    nothing = np.full_like(maps[0], np.nan)
    curves = [image_grid.draw_curve(nothing, values / (scale or 1), signed) for values in maps]
    return image_grid.shrink(np.array(curves), image_grid.CURVE[1] // 2)


def _describe(opened: OpenProbe, number: int, values: np.ndarray) -> Json:
    """The strongest spot of a map: its projection and its patch. The part of the picture is chosen as by `features`."""
    activation = float(values.max())
    probe, layer, zero, one = opened.probe, opened.probe.layer, np.array([[0]]), np.array([[1.0]])
    places = np.array([np.unravel_index(values.argmax(), values.shape)])
    projections = project(opened, zero[0], np.array([number]), places)
    spot = TopActivations(zero[0], one[0], zero, places[None], one, projections[None])
    shown = choose_windows(spot, probe.fields, layer.fields is None)
    part = Spots(projections, opened.images.shown([0]), shown.places[0], shown.fields)
    rows, colour = part.images.shape[1], projections.ndim == 4 and not layer.first
    drawn = default_drawing(layer.method, rows, shown.energy is not None, colour)
    projection, *patch = [encode_tile(tile) for (tile,) in draw_tiles(part, drawn)]
    frame = [[field.begin + int(at) * field.step, field.size] for field, at in zip(part.fields, part.places[0])]
    return {
        "map": number,
        "activation": None if layer.rectified and not activation > 0 else activation,
        "place": places[0].tolist(),
        "sides": [field.size for field in part.fields],
        "widened": shown.energy is None and part.fields != probe.fields,
        **encode_framed(part.images[0], frame),
        "patch": patch[0] if patch else None,
        "projection": projection,
        "scale": float(scaled(part, drawn)[1][0]),
        "drawn": drawn if patch else CURVE,
        "energy": shown.energy,
    }
