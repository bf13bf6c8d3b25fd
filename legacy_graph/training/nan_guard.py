"""NaN and infinity: found where a number is looked at anyway, and told by the tensor and the step."""

import math

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError


def check_finite(tag: str, value: float, step: int) -> None:
    """See to it that `value` is a number.

    Raises:
        UserError: it is NaN or infinite.
    """
    if not math.isfinite(value):
        raise UserError(tag, f"a finite number at step {step}", value, "use a smaller --learning-rate")


def check_summary(summary: bytes, step: int) -> None:
    """See to it that all scalars of a serialised `Summary` are numbers.

    Raises:
        UserError: one is NaN or infinite.
    """
    for value in tf.Summary.FromString(summary).value:
        check_finite(value.tag, value.simple_value, step)
