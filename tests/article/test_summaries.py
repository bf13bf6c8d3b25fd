"""tf.summary, by hand: the tag that was asked for, the cadence it joins, the values it holds."""

import io

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from legacy_graph.article import summaries


def run(summary, feed=None):
    """The values of a serialised Summary."""
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return tf.Summary.FromString(session.run(summary, feed)).value


def picture(value):
    return np.asarray(Image.open(io.BytesIO(value.image.encoded_image_string))).tolist()


def test_variable_summaries_by_hand():
    values = np.array([[1, 2], [3, 6]], "f")
    with tf.Graph().as_default():
        with tf.name_scope("conv1"), tf.name_scope("weights"):
            summaries.variable_summaries(tf.constant(values))
        found = {value.tag: value.simple_value for value in run(tf.summary.merge_all(summaries.SCALARS))}
        (histogram,) = run(tf.summary.merge_all(summaries.HISTOGRAMS))
    scope = "conv1/weights/summaries/"
    # mean 3; squares of the distances 4, 1, 0, 9: their mean 3.5
    expected = {scope + "mean": 3, scope + "stddev": 3.5**0.5, scope + "max": 6, scope + "min": 1}
    assert found == {tag: pytest.approx(value) for tag, value in expected.items()}
    assert histogram.tag == scope + "histogram"
    assert (histogram.histo.num, histogram.histo.sum, histogram.histo.sum_squares) == (4, 12, 50)


@pytest.mark.parametrize("mean", [0.0, 0.3, -2.0])
def test_the_deviation_of_many_values(mean):
    values = np.random.RandomState(0).normal(mean, 0.1, [400, 300]).astype("f")
    with tf.Graph().as_default():
        summaries.variable_summaries(tf.constant(values))
        found = {value.tag: value.simple_value for value in run(tf.summary.merge_all(summaries.SCALARS))}
    assert found["summaries/stddev"] == pytest.approx(values.astype(float).std(), rel=1e-3)


def test_the_deviation_of_many_equal_values_is_small():
    with tf.Graph().as_default():
        summaries.variable_summaries(tf.fill([400, 300], 0.7))
        found = {value.tag: value.simple_value for value in run(tf.summary.merge_all(summaries.SCALARS))}
    assert 0 <= found["summaries/stddev"] < 0.007


def test_a_tag_stays_what_was_asked_for():
    """TensorFlow's own call writes max_1 here, and loss_1 beside a scope `loss`."""
    with tf.Graph().as_default():
        with tf.name_scope("loss"):
            value = tf.reduce_max(tf.constant([1.0, 2.0]), name="Max")
            theirs = tf.summary.scalar("max", value)
        ours = [summaries.scalar("loss/max_value", value), summaries.scalar("loss", value)]
        assert [run(summary)[0].tag for summary in [theirs] + ours] == ["loss/max_1", "loss/max_value", "loss"]


def test_float_images_are_rescaled_and_uint8_are_not():
    pictures = np.array([[[0, 1], [2, 4]], [[-1, 0], [1, 0.5]]], "f")[..., None]
    with tf.Graph().as_default():
        floats = run(summaries.image("floats", tf.constant(pictures)))
        bytes_ = run(summaries.image("bytes", tf.constant(np.array([[[[7], [200]]]], np.uint8))))
    assert [value.tag for value in floats] == ["floats/image/0", "floats/image/1"]
    assert picture(floats[0]) == [[0, 63], [127, 255]]  # all positive: the maximum becomes 255
    assert picture(floats[1]) == [[1, 128], [255, 191]]  # a negative value: zero becomes 128
    assert picture(bytes_[0]) == [[7, 200]]


def test_ten_pictures_are_kept_of_more():
    with tf.Graph().as_default():
        assert len(run(summaries.image("many", tf.zeros([12, 2, 2, 1])))) == 10


def test_one_scale_by_hand():
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(summaries.on_one_scale(tf.constant([-2.0, -1.0, 0.0, 0.5]))).tolist() == [1, 64, 128, 160]
        assert session.run(summaries.on_one_scale(tf.zeros([2]))).tolist() == [128, 128]
