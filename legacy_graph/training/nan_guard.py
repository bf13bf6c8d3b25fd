"""Stop at NaN or infinity, with the name of the tensor and the step."""

import math

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError


def check_finite(tag: str, value: float, step: int) -> None:
    """Raise an error if `value` is not finite.

    Raises:
        UserError: it is NaN or infinite.
    """
    if not math.isfinite(value):
        raise UserError(tag, f"a finite number at step {step}", value, "use a smaller --learning-rate")


def check_summary(summary: bytes, step: int) -> None:
    """Raise an error if a scalar of a serialised `Summary` is not finite.

    Raises:
        UserError: one is NaN or infinite.
    """
    for value in tf.Summary.FromString(summary).value:
        check_finite(value.tag, value.simple_value, step)
