"""counting.histogram against TensorFlow's own v1 histogram, bucket for bucket."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import histogram, summaries
from legacy_graph.article.histogram import histogram_proto


def theirs(values):
    """What `tf.summary.histogram` makes of float32 values."""
    with tf.Graph().as_default(), tf.Session() as session:
        placeholder = tf.placeholder(tf.float32, values.shape)
        summary = session.run(tf.summary.histogram("h", placeholder), {placeholder: values})
    return tf.Summary.FromString(summary).value[0].histo


def agree(ours, expected, values):
    assert list(ours.bucket_limit) == list(expected.bucket_limit)
    assert list(ours.bucket) == list(expected.bucket)
    assert (ours.min, ours.max, ours.num) == (expected.min, expected.max, expected.num)
    # Added in another order, in double precision.
    assert ours.sum == pytest.approx(expected.sum, abs=1e-12 * np.abs(values).sum(dtype=np.float64))
    assert ours.sum_squares == pytest.approx(expected.sum_squares, rel=1e-12)


def normal(count, scale=0.1):
    return np.random.RandomState(1).normal(0, scale, count).astype(np.float32)


def beside_limits():
    """Each limit but zero as a float32, and its neighbours on both sides."""
    limits = histogram.LIMITS[1:-1].astype(np.float32)
    limits = limits[limits != 0]
    return np.concatenate([limits, np.nextafter(limits, np.float32(-9e37)), np.nextafter(limits, np.float32(9e37))])


@pytest.mark.parametrize(
    "values",
    [
        normal(100000),
        normal([50, 20, 3], 1e5),
        beside_limits(),
        np.array([0.0, -0.0, 1e-37, -1e-37, 1e-12, -1e-12], "f"),  # still smaller ones are zero to TensorFlow's kernels
        np.array([1e20, -1e20, 1e18], "f"),
        np.full([1000], 0.1, "f"),
        np.zeros([7], "f"),
        -np.abs(normal(1000)),
        np.random.RandomState(2).bytes(400000),
    ],
    ids="weights large beside-limits tiny huge constant zeros negative any-bits".split(),
)
def test_every_bucket_is_tensorflows(values):
    if isinstance(values, bytes):
        values = np.frombuffer(values, np.float32)
        values = values[np.isfinite(values)]
        values = values[np.abs(values) > 1e-37]
    agree(histogram_proto(values), theirs(values), values)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_refused(bad):
    with pytest.raises(ValueError, match="finite"):
        histogram_proto(np.array([1.0, bad], "f"))


def test_a_million_values_give_tensorflows_own_summary():
    values = normal([1000, 1000])
    with tf.Graph().as_default() as graph, tf.Session() as session:
        placeholder = tf.placeholder(tf.float32, values.shape)
        few = summaries.histogram("fc1/few", placeholder[0])
        summary = summaries.histogram("fc1/weights", placeholder)
        assert graph.get_collection(summaries.HISTOGRAMS) == [few, summary]
        merged = session.run(tf.summary.merge_all(summaries.HISTOGRAMS), {placeholder: values})
    found = {value.tag: value.histo for value in tf.Summary.FromString(merged).value}
    assert sorted(found) == ["fc1/few", "fc1/weights"]
    assert (few.op.type, summary.op.type) == ("HistogramSummary", "PyFunc")
    agree(found["fc1/weights"], theirs(values), values)
    agree(found["fc1/few"], theirs(values[0]), values[0])
