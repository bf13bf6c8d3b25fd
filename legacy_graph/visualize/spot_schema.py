"""The arrays of `features.npz`, and the check that a file has them in this form. Does not import TensorFlow.

`SCHEMA` is the one description of the file: the check, and the table in `board/README.md`, are made from it.
"""

from typing import BinaryIO, Dict, List, NamedTuple, Tuple

import numpy as np

from legacy_graph.config import ALL_METHODS, DECONVNET, DRAWN, SIGNED
from legacy_graph.data import npz
from legacy_graph.errors import explain
from legacy_graph.logdir import durable

EXPECTED, HINT = "intact results of a layer", "remove the file, or run the command features again"
PATCHES = 2**27  # largest number of values in the patches of one map, over all its spots
_LARGE = 10**9


class Array(NamedTuple):
    """One array. A letter in `shape` is the same length everywhere; "C?" is 3 for colour, and missing for grey."""

    kinds: str  # of the dtype: i integers (also unsigned), f floats, U text
    shape: Tuple[str, ...]
    least: float
    largest: float
    needed: bool
    about: str


_SPOTS = ("M", "T", "H", "W", "C?")
SCHEMA = {
    "maps": Array("i", ("M",), 0, _LARGE - 1, True, "numbers of the feature maps, each once"),
    "wins": Array("f", ("M",), 0, 1, False, "fraction of all positions in all images where the map is the strongest"),
    "images": Array("i", ("M", "T"), -1, _LARGE, True, "numbers of the images of the spots, strongest first; -1: none"),
    "places": Array("i", ("M", "T", "2"), -1, _LARGE, True, "row and column of the spots in the layer's output"),
    "activations": Array("f", ("M", "T"), -np.inf, np.inf, True, "activations of the spots"),
    "projections": Array("f", _SPOTS, -np.inf, np.inf, True, "the spots, projected to the pixels by `method`"),
    "receptive_field": Array("i", ("2", "3"), -_LARGE, _LARGE, True,
        "down and across: side in pixels, pixels from one position to the next, first pixel of position 0"),
    "known": Array("b", (), 0, 1, False, "whether the receptive field is known; it is the complete image if not"),
    "drawn": Array("U", (), 0, 0, False, "how the sheet draws `projections`: signed (the default) or magnitude"),
    "method": Array("U", (), 0, 0, False, "method of `projections`; a missing one is deconvnet"),
    "deconvnet": Array("f", _SPOTS, -np.inf, np.inf, False, "as `projections`, by the deconvnet"),
    "gradient": Array("f", _SPOTS, -np.inf, np.inf, False, "as `projections`, by the gradient"),
    "guided": Array("f", _SPOTS, -np.inf, np.inf, False, "as `projections`, by guided backpropagation"),
    "occlusion": Array("f", _SPOTS, -np.inf, np.inf, False,
        "fall of the activation while a patch is covered, for each pixel the mean over the patches that cover it"),
    "control": Array("f", _SPOTS, -np.inf, np.inf, False, "as `projections`, by `method` through a random kernel"),
    "control_deconvnet": Array("f", _SPOTS, -np.inf, np.inf, False, "as `deconvnet`, through a random kernel"),
    "control_gradient": Array("f", _SPOTS, -np.inf, np.inf, False, "as `gradient`, through a random kernel"),
    "control_guided": Array("f", _SPOTS, -np.inf, np.inf, False, "as `guided`, through a random kernel"),
    "channels": Array("i", (), 1, _LARGE, False, "number of feature maps of the layer"),
    "bounded": Array("b", (), 0, 1, False, "whether no value before the layer overflows, for any image"),
    "step": Array("i", (), 0, 2**62, False, "training step of the checkpoint"),
    "inputs": Array("i", ("K", "H", "W", "C?"), 0, 255, False, "the complete images of the spots"),
    "input_numbers": Array("i", ("K",), 0, _LARGE, False, "their numbers, ascending"),
    "answers": Array("f", ("K", "L"), 0, 1.001, False, "the class probabilities of these images"),
    "class_names": Array("U", ("L",), 0, 0, False, "names of the classes"),
    "labels": Array("i", ("N",), 0, _LARGE, False, "the class of every scanned image"),
    "files": Array("U", ("M", "T"), 0, 0, False, "file names of the images, if they are files"),
}  # fmt: skip
_KINDS = {"i": "iu", "f": "f", "U": "U", "b": "b"}
_WORDS = {"i": "integers", "f": "floats", "U": "text", "b": "truth value"}


def read(path: str) -> Dict[str, np.ndarray]:
    """The arrays of a file of results, which are as `SCHEMA` says.

    Raises:
        UserError: the file cannot be read, or an array is of another form. Names the array.
    """
    with explain(path, EXPECTED, HINT, (OSError, *npz.DAMAGE)):
        with durable.open_regular(path) as file:
            arrays = npz.read(file, SCHEMA)
        check(arrays)
    return arrays


def read_step(file: BinaryIO) -> int:
    """The training step in a file of results, without its other arrays.

    Raises:
        ValueError: it has no step.
        OSError, or one of `npz.DAMAGE`: the file is damaged.
    """
    arrays = npz.read(file, ["step"])
    if not arrays:
        raise ValueError("no array step")
    _check_array("step", arrays["step"], SCHEMA["step"], {})
    return int(arrays["step"])


def check(arrays: Dict[str, np.ndarray]) -> None:
    """Raises ValueError, with the name of the array, for what is not as `SCHEMA` says."""
    lengths: Dict[str, int] = {}
    for name, form in SCHEMA.items():
        if name in arrays:
            _check_array(name, arrays[name], form, lengths)
        elif form.needed:
            raise ValueError(f"no array {name}")
    method, drawn = str(arrays.get("method", DECONVNET)), str(arrays.get("drawn", SIGNED))
    _require(method in ALL_METHODS, "method", f"one of {', '.join(ALL_METHODS)}")
    _require(drawn in DRAWN, "drawn", f"one of {', '.join(DRAWN)}")
    _require(lengths["M"] > 0 and lengths["H"] > 0 and lengths["W"] > 0, "projections", "not empty")
    _require(len(set(arrays["maps"].tolist())) == lengths["M"], "maps", "numbers that differ")
    _require(arrays["maps"].max() < arrays.get("channels", _LARGE), "maps", "less than channels")
    _check_places(arrays)
    _check_images(arrays)


def _check_array(name, array, form, lengths):
    _require(array.dtype.kind in _KINDS[form.kinds], name, _WORDS[form.kinds])
    sides = form.shape if array.ndim == len(form.shape) else tuple(side for side in form.shape if side != "C?")
    _require(array.ndim == len(sides), name, f"of the shape {_shape_text(form)}")
    if form.shape and form.shape[-1] == "C?":  # all pictures of a file are grey, or all are coloured
        sides = (*sides[:-1], "3") if "C?" in sides else sides
        _require(lengths.setdefault("C?", array.ndim - len(form.shape)) == array.ndim - len(form.shape), name,
            "grey or coloured as projections are")  # fmt: skip
    for side, length in zip(sides, array.shape):
        expected = int(side) if side.isdecimal() else lengths.setdefault(side, length)
        _require(length == expected, name, f"of the shape {_shape_text(form)} with {side} = {expected:,}")
    if form.kinds in "if" and array.size:
        low, high = array.min(), array.max()  # NaN if an element is NaN
        inside = np.isfinite(low) and np.isfinite(high) and low >= form.least and high <= form.largest
        _require(inside, name, _range_text(form))


def _check_places(arrays):
    """The receptive field of each spot must have a part inside the image, and the patches must be of a sane size."""
    there, projections = arrays["images"] >= 0, arrays["projections"]
    values = there.shape[1] * int(np.prod(projections.shape[4:]))
    for axis, (size, step, begin) in enumerate(arrays["receptive_field"].tolist()):
        _require(size > 0 and step >= 0, "receptive_field", "a side above 0 and a step of at least 0")
        first = begin + arrays["places"][there][:, axis].astype(np.int64) * step
        inside = (first > -size) & (first < projections.shape[2 + axis])
        _require(bool(inside.all()), "places", "receptive fields with a part in the image")
        values *= size
    _require(values <= PATCHES, "receptive_field", f"at most {PATCHES:,} values in the patches of a map")


def _check_images(arrays):
    numbers = arrays["images"][arrays["images"] >= 0]
    if "labels" in arrays:
        _require(not len(numbers) or numbers.max() < len(arrays["labels"]), "labels", "one for every image")
        if "class_names" in arrays and len(arrays["labels"]):
            _require(arrays["labels"].max() < len(arrays["class_names"]), "class_names", "one for every label")
    if "inputs" in arrays:
        _require("input_numbers" in arrays, "input_numbers", "beside inputs")
        _require(bool((np.diff(arrays["input_numbers"].astype(np.int64)) > 0).all()), "input_numbers", "ascending")
        _require(bool(np.isin(numbers, arrays["input_numbers"]).all()), "input_numbers", "one for every spot")
    if "answers" in arrays:
        _require("inputs" in arrays and arrays["answers"].shape[1] > 0, "answers", "beside inputs, one for every class")


def describe() -> List[Tuple[str, str, str, str]]:
    """The rows of the table of a page: name, type, shape, meaning."""
    rows = []
    for name, form in SCHEMA.items():
        limits = (
            "" if np.isinf(form.largest) or form.kinds in "Ub" or form.largest >= _LARGE else f", {_range_text(form)}"
        )
        meaning = form.about + ("" if form.needed else " (not in all files)")
        rows.append((name, _WORDS[form.kinds] + limits, _shape_text(form), meaning))
    return rows


def _require(right: bool, name: str, expected: str) -> None:
    if not right:
        raise ValueError(f"the array {name} is not {expected}")


def _shape_text(form: Array) -> str:
    return "[" + ", ".join(side.replace("C?", "3 or missing") for side in form.shape) + "]"


def _range_text(form: Array) -> str:
    if np.isinf(form.largest):
        return "finite"
    return f"between {form.least:,} and {form.largest:,}"
