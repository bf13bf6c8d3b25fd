"""The results that `features` or `train` wrote for one layer, as JSON for the dashboard. Does not import TensorFlow."""

import collections
import os
import threading
from typing import Any, Dict, List, Optional

import numpy as np

from legacy_graph.article.receptive_field import Field
from legacy_graph.board.answers import CURVE, encode_framed, encode_tile, find
from legacy_graph.config import ALL_METHODS, DECONVNET, MAGNITUDE, OCCLUSION, SIGNED
from legacy_graph.errors import explain
from legacy_graph.visualize import spot_schema
from legacy_graph.visualize.energy_window import choose_windows
from legacy_graph.visualize.occlusion_check import by_method, correlate_falls, table_rows
from legacy_graph.visualize.rank_correlation import rank_correlations
from legacy_graph.visualize.spot_tiles import Spots, draw_projections, draw_tiles, scaled
from legacy_graph.visualize.strongest import TopActivations

CONTROL = "control"
SHOWN = (*ALL_METHODS, CONTROL)
CACHED = 2**30  # bytes of the results in memory; the results that were read last are kept in any case
_CACHE: "collections.OrderedDict[Any, Sheet]" = collections.OrderedDict()  # what was used last is the last entry
_LOCK = threading.Lock()

Json = Dict[str, Any]


def load(path: str) -> "Sheet":
    """The results in an .npz file, from memory if it has not changed.

    Raises:
        UserError: the file cannot be read, or an array is not as `spot_schema.SCHEMA` says.
    """
    with explain(path, spot_schema.EXPECTED, spot_schema.HINT):
        status = os.stat(path)
    key = (path, status.st_mtime_ns, status.st_size, status.st_ino)
    with _LOCK:
        sheet = _CACHE.pop(key, None) or Sheet(spot_schema.read(path))
        _CACHE[key] = sheet
        while len(_CACHE) > 1 and sum(cached.size for cached in _CACHE.values()) > CACHED:
            _CACHE.popitem(last=False)
    return sheet


class Sheet:
    """The results for one layer, as from `spot_schema.read`. Results of earlier versions have fewer arrays."""

    def __init__(self, arrays: Dict[str, np.ndarray]) -> None:
        self._arrays = arrays
        self.size = sum(array.nbytes for array in arrays.values())
        self._fields = tuple(Field(*map(int, field)) for field in arrays["receptive_field"])
        self._rows = {int(number): row for row, number in enumerate(arrays["maps"])}
        own = str(arrays.get("method", DECONVNET))
        self.methods = {own: arrays["projections"], **{name: arrays[name] for name in SHOWN if name in arrays}}
        unknown = np.zeros(len(arrays["maps"]))  # the results that `train` writes have no wins
        self._found = TopActivations(*[arrays.get(name, unknown) for name in TopActivations._fields[:6]])
        self._shown = choose_windows(self._found, self._fields, not arrays.get("known", True))
        self._compared = by_method(own, self._found, arrays)

    def maps(self, method: Optional[str] = None) -> Json:
        """All maps in the order of the file, each with the projection of its strongest activation.

        If `features` did not compute this projection, there are no maps. The default method is that of the sheet.
        """
        method = next(iter(self.methods)) if method is None else method
        projections = find("method", {**dict.fromkeys(SHOWN), **self.methods}, method)
        rows = {} if projections is None else self._rows
        tiles = [
            self._map(number, row, self._first_tile(row, projections[row], method)) for number, row in rows.items()
        ]
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
        there, places = self._found.there[row], self._arrays["places"][row]
        spots = [self._spot(row, column) for column in np.flatnonzero(there)]
        tiles, patches, scales = self._draw(row, projections, method)
        control, control_scales, correlations = [None] * len(spots), None, [None] * len(spots)
        if (method, True) in self._compared:
            random = self._compared[method, True][row]
            control, _, control_scales = self._draw(row, random, method)
            pairs = rank_correlations(projections[there], random[there], places[there], self._fields)
            # Without a signal through the random kernel there is nothing to compare.
            correlations = [float(value) if values.any() else None for value, values in zip(pairs, random[there])]
        for spot, *more in zip(spots, tiles, scales, patches, control, correlations):
            spot.update(zip(("projection", "scale", "patch", "control", "rank_correlation"), more))
        return {
            **self._map(number, row, tiles[0] if tiles else None),
            "step": self.step,
            "spots": spots,
            "scale": scales,
            "control_scale": control_scales,
            "magnitude": self._drawn(method) == MAGNITUDE,
            "drawn": CURVE if projections.shape[1] == 1 else self._drawn(method),
            "energy": self._shown.energy,
            "needs": self._needs(row),
        }

    def strongest(self, number: int, method: str) -> Json:
        """The strongest spot of a map, or None if the map is dead: for one column of the film strip."""
        row = find("map", self._rows, number)
        tiles, patches, _ = self._draw(row, find("method", self.methods, method)[row], method)
        return dict(self._spot(row, 0), projection=tiles[0], patch=patches[0]) if tiles else None

    @property
    def step(self) -> Optional[int]:
        """The training step of the checkpoint; None if the file does not say."""
        return int(self._arrays["step"]) if "step" in self._arrays else None

    def _map(self, number, row, tile) -> Json:
        return {
            "map": number,
            "wins": float(self._arrays["wins"][row]) if "wins" in self._arrays else None,
            "activation": float(self._arrays["activations"][row, 0]) if tile else None,
            "tile": tile,
        }

    def _first_tile(self, row, projections, method):
        """The first tile of `_draw`, or None if the map is dead. The others are not drawn."""
        spots, drawn = self._spots(row, projections), self._drawn(method)
        first = spots._replace(images=spots.images[:1], places=spots.places[:1])
        tiles = draw_projections(first, scaled(spots, drawn)[0][:1], drawn)
        return encode_tile(tiles[0]) if len(tiles) else None

    def _needs(self, row) -> List[Json]:
        """Each projection of a map compared with its occlusion, as means over the spots; [] without occlusion."""
        if OCCLUSION not in self.methods:
            return []
        one = slice(row, row + 1)
        spots, falls = TopActivations(*[values[one] for values in self._found[:6]]), self.methods[OCCLUSION][one]
        projections = {key: values[one] for key, values in self._compared.items()}
        rows = table_rows(correlate_falls(falls, projections, spots, self._fields))
        names = "method", "random", "spots", "magnitude", "positive"
        return [dict(zip(names, (*key, count, *means))) for key, count, *means in rows if count]

    def _drawn(self, method) -> str:
        """How `features` draws these projections."""
        return SIGNED if method == OCCLUSION else str(self._arrays.get("drawn", SIGNED))

    def _draw(self, row, projections, method):
        """(projections, patches, scale of each projection) of the spots of a map, drawn as by `features`.

        Each patch is None for signals, and for results without the complete images.
        """
        spots, drawn = self._spots(row, projections), self._drawn(method)
        tiles, *patches = [list(map(encode_tile, tiles)) for tiles in draw_tiles(spots, drawn)]
        patches = patches[0] if patches and "inputs" in self._arrays else [None] * len(tiles)
        return tiles, patches, scaled(spots, drawn)[1].tolist()

    def _spots(self, row, projections) -> Spots:
        there = self._found.there[row]
        if "inputs" in self._arrays:
            at = np.searchsorted(self._arrays["input_numbers"], self._arrays["images"][row][there])
            images = self._arrays["inputs"][at]
        else:
            images = np.zeros(projections[there].shape, np.uint8)
        return Spots(projections[there], images, self._shown.places[row][there], self._shown.fields)

    def _spot(self, row, column) -> Json:
        image, shown = int(self._arrays["images"][row, column]), self._shown
        axes = zip(shown.fields, shown.places[row, column])
        frame = [[field.begin + int(at) * field.step, field.size] for field, at in axes]
        spot = {
            "image": image,
            "file": str(self._arrays["files"][row, column]) if "files" in self._arrays else None,
            "place": self._arrays["places"][row, column].tolist(),
            "activation": float(self._arrays["activations"][row, column]),
            "label": self._class(self._arrays["labels"][image]) if "labels" in self._arrays else None,
            "answer": None, "input": None, "frame": frame,
        }  # fmt: skip
        if "inputs" in self._arrays:
            at = int(np.searchsorted(self._arrays["input_numbers"], image))
            spot.update(encode_framed(self._arrays["inputs"][at], frame))
            if "answers" in self._arrays:
                probabilities = self._arrays["answers"][at]
                spot["answer"] = [self._class(probabilities.argmax()), float(probabilities.max())]
        return spot

    def _class(self, number) -> str:
        return str(self._arrays["class_names"][number]) if "class_names" in self._arrays else str(number)
