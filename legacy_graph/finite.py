"""NaN and infinity: found where a number is looked at anyway, and told by the tensor and the step."""

import math

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError


def check(tag: str, value: float, step: int) -> None:
    """See to it that `value` is a number.

    Raises:
        UserError: it is NaN or infinite.
    """
    if not math.isfinite(value):
        raise UserError(f"{tag}: expected a number at step {step}, found {value}: take a smaller --learning-rate")


def check_all(summary: bytes, step: int) -> None:
    """See to it that all scalars of a serialised `Summary` are numbers.

    Raises:
        UserError: one is NaN or infinite.
    """
    for value in tf.Summary.FromString(summary).value:
        check(value.tag, value.simple_value, step)
