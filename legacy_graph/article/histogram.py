"""记录直方图 of millions of values: what `tf.summary.histogram` writes, bucket for bucket, in a fifth of its time.

TensorFlow looks each value up among 1,551 bucket limits by halving, which takes fc1's 3.2 million weights longer than
four training steps. The upper half of a float32's bits says it almost at once: values that share those lie within 0.8%
of each other, and limits are 10% apart, so there is one limit at most for the lower half to be compared with.
"""

import sys

import numpy as np
import tensorflow.compat.v1 as tf


def _limits():
    """TensorFlow's own, float64 [1551]: a bucket holds what is below its limit and not below the one before."""
    limits, limit = [], 1e-12
    while limit < 1e20:
        limits.append(limit)
        limit *= 1.1
    limits.append(sys.float_info.max)
    return np.array([-limit for limit in reversed(limits)] + [0.0] + limits)


def _rounded_up(limits):
    """The smallest float32 that is not below each limit: a float32 compares with it as with the limit itself."""
    with np.errstate(over="ignore"):  # the outermost two become infinite, as they should
        near = limits.astype(np.float32)
    return np.where(near < limits, np.nextafter(near, np.float32(np.inf)), near)


def _first_guess():
    """For each upper half, int64 [65536]: the bucket of the lowest value that has it."""
    upper = np.arange(1 << 16, dtype=np.uint32) << 16
    lowest = np.where(upper >> 31, upper | 0xFFFF, upper).view(np.float32)
    return np.minimum(np.searchsorted(_ROUNDED, lowest, "right"), len(LIMITS) - 1)  # NaN would lie beyond


LIMITS = _limits()
_ROUNDED = _rounded_up(LIMITS)
_GUESS = _first_guess()


def histogram_proto(values: np.ndarray) -> tf.HistogramProto:
    """The buckets, extremes and sums of `values`, float32 of any shape.

    Raises:
        ValueError: a value is NaN or infinite.
    """
    flat = np.ravel(values)
    squares = float(np.einsum("i,i->", flat, flat, dtype=np.float64))
    if not np.isfinite(squares):
        raise ValueError("histogram: expected finite values, found NaN or infinity")
    bucket = _GUESS[flat.view(np.uint32) >> 16]
    bucket += flat >= _ROUNDED[bucket]
    counts = np.bincount(bucket, minlength=len(LIMITS))
    # Empty buckets in a row become one, as in TensorFlow's own.
    kept = (counts > 0) | np.append(counts[1:] > 0, True)
    return tf.HistogramProto(
        min=flat.min(), max=flat.max(), num=len(flat), sum=flat.sum(dtype=np.float64), sum_squares=squares,
        bucket_limit=LIMITS[kept], bucket=counts[kept],
    )  # fmt: skip
