"""Errors with an HTTP status, and pictures as JSON. Does not import TensorFlow."""

import base64
from typing import Any, Dict, List

import numpy as np

from legacy_graph.errors import UserError
from legacy_graph.visualize.image_grid import draw_curve

FORBIDDEN, NOT_FOUND, NOT_POSTED, TOO_LARGE, BUSY = 403, 404, 405, 413, 503
LISTED = 10  # names in a message
CURVE = "curve"  # how signals and their projections are drawn


class HttpError(UserError):
    """A `UserError` whose answer has the HTTP status `code` instead of 400."""

    def __init__(self, code: int, subject: str, expected: str, found: object, hint: str) -> None:
        super().__init__(subject, expected, found, hint)
        self.code = code


def find(subject: str, known: Dict[Any, Any], name: Any) -> Any:
    """The value of `name` in `known`.

    Raises:
        HttpError: 404; the message lists the first names in `known`.
    """
    if name not in known:
        names, more = ", ".join(map(str, list(known)[:LISTED])), len(known) - LISTED
        names += f" and {more} more" if more > 0 else ""
        raise HttpError(NOT_FOUND, subject, f"one of {names or 'none'}", repr(name), "reload the page")
    return known[name]


def encode_tile(pixels: np.ndarray) -> Dict[str, Any]:
    """A picture, uint8 [H, W] or [H, W, 3], as JSON: height, width, channels, and base64 of the bytes row by row."""
    height, width, channels = (*pixels.shape, 1)[:3]
    data = base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode("ascii")
    return {"height": height, "width": width, "channels": channels, "data": data}


def encode_framed(picture: np.ndarray, frame: List[List[int]]) -> Dict[str, Any]:
    """A complete image, as `encode_tile`, and the frame around a part of it, [[top, height], [left, width]], in pixels.

    A signal, an image of one row, is drawn as a curve; the frame is at the same fraction of its width.
    """
    if len(picture) == 1:
        curve = draw_curve(picture)
        times = curve.shape[1] / picture.shape[1]
        picture, frame = curve, [[0, len(curve)], [side * times for side in frame[1]]]
    return {"input": encode_tile(picture), "frame": frame}
