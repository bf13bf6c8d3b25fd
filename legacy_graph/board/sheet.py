"""The results that `features` wrote for one layer, as JSON for the dashboard. Does not import TensorFlow."""

import collections
import os
import threading
from typing import Any, Dict, List, Optional

import numpy as np

from legacy_graph.article.receptive_field import Field, crop_patches
from legacy_graph.board import results
from legacy_graph.board.answers import encode_tile, find
from legacy_graph.config import ALL_METHODS, DECONVNET, METHODS, OCCLUSION
from legacy_graph.errors import explain
from legacy_graph.visualize.image_grid import OUTSIDE, SPOT_PERCENTILE, percentile_scale, to_diverging
from legacy_graph.visualize.rank_correlation import fall_correlations, rank_correlations

CONTROL = "control"
SHOWN = (*ALL_METHODS, CONTROL)
CACHED = 2**30  # bytes of the results in memory; the results that were read last are kept in any case
_CACHE: "collections.OrderedDict[Any, Sheet]" = collections.OrderedDict()  # what was used last is the last entry
_LOCK = threading.Lock()

Json = Dict[str, Any]


def load(path: str) -> "Sheet":
    """The results in an .npz file, from memory if it has not changed.

    Raises:
        UserError: the file cannot be read, or an array is not as `results.SCHEMA` says.
    """
    with explain(path, "results of the command features", results.HINT):
        status = os.stat(path)
    key = (path, status.st_mtime_ns, status.st_size, status.st_ino)
    with _LOCK:
        sheet = _CACHE.pop(key, None) or Sheet(results.read(path))
        _CACHE[key] = sheet
        while len(_CACHE) > 1 and sum(cached.size for cached in _CACHE.values()) > CACHED:
            _CACHE.popitem(last=False)
    return sheet


def _encode(patches, scale):
    return [encode_tile(tile) for tile in to_diverging(patches, scale)]


class Sheet:
    """The results for one layer, from arrays as `results.read` gives. Results of earlier versions have fewer arrays."""

    def __init__(self, arrays: Dict[str, np.ndarray]) -> None:
        self._arrays = arrays
        self.size = sum(array.nbytes for array in arrays.values())
        self._there = arrays["images"] >= 0  # [M, top], False where a map has fewer activations
        self._fields = tuple(Field(*map(int, field)) for field in arrays["receptive_field"])
        self._rows = {int(number): row for row, number in enumerate(arrays["maps"])}
        own = str(arrays.get("method", DECONVNET))
        self.methods = {own: arrays["projections"], **{name: arrays[name] for name in SHOWN if name in arrays}}
        controls = {own: CONTROL, **{name: f"{CONTROL}_{name}" for name in METHODS if name != own}}
        # method -> the same spots by the same method through a random kernel
        self._controls = {name: arrays[key] for name, key in controls.items() if key in arrays}

    def maps(self, method: Optional[str] = None) -> Json:
        """All maps in the order of the file, each with the projection of its strongest activation.

        If `features` did not compute this projection, there are no maps. The default method is that of the sheet.
        """
        method = next(iter(self.methods)) if method is None else method
        projections = find("method", {**dict.fromkeys(SHOWN), **self.methods}, method)
        rows = {} if projections is None else self._rows
        tiles = [self._map(number, row, projections[row]) for number, row in rows.items()]
        channels = self._arrays.get("channels")
        return {
            "maps": tiles,
            "method": method,
            "step": self.step,
            "channels": None if channels is None else int(channels),
        }

    def map(self, number: int, method: str) -> Json:
        """One map with all its activations."""
        row = find("map", self._rows, number)
        projections = find("method", self.methods, method)[row]
        there, places = self._there[row], self._arrays["places"][row]
        spots = [self._spot(row, column) for column in np.flatnonzero(there)]
        patches, scale = self._patches(row, projections)
        tiles = _encode(patches, scale)
        control, control_scale, correlations = [None] * len(spots), None, [None] * len(spots)
        if method in self._controls:
            random = self._controls[method][row]
            control_patches, control_scale = self._patches(row, random)
            control = _encode(control_patches, control_scale)
            pairs = rank_correlations(projections[there], random[there], places[there], self._fields)
            # Without a signal through the random kernel there is nothing to compare.
            correlations = [float(value) if patch.any() else None for value, patch in zip(pairs, control_patches)]
        for spot, tile, random, correlation in zip(spots, tiles, control, correlations):
            spot.update(projection=tile, control=random, rank_correlation=correlation)
        scales = {"scale": scale, "control_scale": control_scale}
        return {
            **self._map(number, row, projections),
            "step": self.step,
            "spots": spots,
            **scales,
            "needs": self._needs(row),
        }

    def strongest(self, number: int, method: str) -> Json:
        """The strongest spot of a map, or None if the map is dead: for one column of the film strip."""
        row = find("map", self._rows, number)
        projections = find("method", self.methods, method)[row]
        tile = self._map(number, row, projections)["tile"]
        return None if tile is None else dict(self._spot(row, 0), projection=tile)

    @property
    def step(self) -> Optional[int]:
        """The training step of the checkpoint; None if the file does not say."""
        return int(self._arrays["step"]) if "step" in self._arrays else None

    def _map(self, number, row, projections) -> Json:
        patches, scale = self._patches(row, projections)
        tiles = _encode(patches[:1], scale)
        return {
            "map": number,
            "wins": float(self._arrays["wins"][row]),
            "activation": float(self._arrays["activations"][row, 0]) if tiles else None,
            "tile": tiles[0] if tiles else None,
        }

    def _needs(self, row) -> List[Json]:
        """Each projection of a map compared with its occlusion, as means over the spots; [] without occlusion."""
        if OCCLUSION not in self.methods:
            return []
        there, learned = self._there[row], {name: self.methods[name] for name in METHODS if name in self.methods}
        falls, places, rows = self.methods[OCCLUSION][row][there], self._arrays["places"][row][there], []
        for random, projections in ((False, learned), (True, self._controls)):
            for method, values in projections.items():
                correlations = fall_correlations(falls, values[row][there], places, self._fields)
                correlations = correlations[np.isfinite(correlations[:, 0])]  # not of a projection that is 0 everywhere
                if len(correlations):
                    means = dict(zip(("magnitude", "positive"), correlations.mean(axis=0).tolist()))
                    rows.append({"method": method, "random": random, "spots": len(correlations), **means})
        return rows

    def _patches(self, row, projections):
        """The projections, cropped to their receptive fields, and the scale that all of them share."""
        there = self._there[row]
        patches = crop_patches(projections[there], self._arrays["places"][row][there], self._fields, 0)
        return patches, percentile_scale(patches, SPOT_PERCENTILE)

    def _spot(self, row, column) -> Json:
        image, place = int(self._arrays["images"][row, column]), self._arrays["places"][row, column]
        spot = {
            "image": image,
            "file": str(self._arrays["files"][row, column]) if "files" in self._arrays else None,
            "place": place.tolist(),
            "activation": float(self._arrays["activations"][row, column]),
            "label": self._class(self._arrays["labels"][image]) if "labels" in self._arrays else None,
            "answer": None, "input": None, "patch": None,
            "frame": [[field.begin + int(at) * field.step, field.size] for field, at in zip(self._fields, place)],
        }  # fmt: skip
        if "inputs" in self._arrays:
            at = int(np.searchsorted(self._arrays["input_numbers"], image))
            picture = self._arrays["inputs"][at]
            spot["input"] = encode_tile(picture)
            spot["patch"] = encode_tile(crop_patches(picture[None], place[None], self._fields, OUTSIDE)[0])
            if "answers" in self._arrays:
                probabilities = self._arrays["answers"][at]
                spot["answer"] = [self._class(probabilities.argmax()), float(probabilities.max())]
        return spot

    def _class(self, number) -> str:
        return str(self._arrays["class_names"][number]) if "class_names" in self._arrays else str(number)
