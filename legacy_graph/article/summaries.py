"""Tensorboard的使用: 记录标量, 记录直方图, 记录图片, 记录数据的分布图, 记录变化信息.

Each helper calls the `tf.summary` function of the same name, with two differences:

* The tag is used unchanged. In a scope with an op `Max`, `tf.summary.scalar("max", x)` writes the tag "max_1". A tag
  that equals the name of a scope also gets a `_1`.
* The summary is added to a collection of its own, such as `SCALARS` or `HISTOGRAMS`, because they are recorded at
  different intervals: a histogram of fc1's 3.2 million weights takes as long as a thousand scalars.
  `tf.summary.merge_all(SCALARS)` merges one collection.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.histogram import histogram_proto

MANY = 10000  # values; with more of them, TensorFlow's histogram is slower than ours

SCALARS, HISTOGRAMS, IMAGES, AUDIO = "scalars", "histograms", "images", "audio"
# Of the training batch; scalars about what was learned; sheets of all feature maps.
ACTIVATIONS, LEARNING, FEATURES = "activations", "learning", "features"


def scalar(tag: str, value: tf.Tensor, collection: str = SCALARS) -> tf.Tensor:
    """记录标量: record a number.

    Args:
        tag: the complete name in TensorBoard: "conv1/weights/summaries/max".
        value: a number [], of any real dtype.
        collection: to which the summary is added.

    Returns:
        string [], a serialised `Summary`, also in the collection.

    Source: the article, 二.1.
    """
    return tf.summary.scalar(_exactly(tag), value, collections=[collection])


def histogram(tag: str, values: tf.Tensor) -> tf.Tensor:
    """记录直方图 and 记录数据的分布图: record how values are distributed.

    The HISTOGRAMS and the DISTRIBUTIONS dashboards are two views of this one summary: the article's
    `tf.summary.distribution` never existed.

    Args:
        tag: the complete name in TensorBoard.
        values: of any shape and real dtype; a NaN makes the session run fail. If they are float32, and `MANY` or
            more or of an unknown number, `histogram_proto` counts them, with the same result.

    Returns:
        string [], a serialised `Summary`, also in the collection `HISTOGRAMS`.

    Source: the article, 二.2 and 二.4.
    """
    number = values.shape.num_elements()
    if (number is not None and number < MANY) or values.dtype != tf.float32:
        return tf.summary.histogram(_exactly(tag), values, collections=[HISTOGRAMS])
    return _counted(tag, values, lambda array: [tf.Summary.Value(tag=tag, histo=histogram_proto(array))], HISTOGRAMS)


def image(tag: str, images: tf.Tensor, max_outputs: int = 10) -> tf.Tensor:
    """记录图片: record pictures, as tag/image/0, tag/image/1 ..., or as tag/image with `max_outputs` 1.

    Args:
        tag: the complete name in TensorBoard.
        images: [B, height, width, channels], channels 1, 3 or 4. uint8 is shown unchanged. float32 is scaled image by
            image: if it has a negative value, zero becomes grey 128, else its maximum becomes 255.
        max_outputs: the maximum number of images to record.

    Returns:
        string [], a serialised `Summary`, also in the collection `IMAGES`.

    Source: the article, 二.3.
    """
    return tf.summary.image(_exactly(tag), images, max_outputs, collections=[IMAGES])


def audio(tag: str, samples: tf.Tensor, sample_rate: float) -> tf.Tensor:
    """记录音频: record one sound, as tag/audio.

    Args:
        tag: the complete name in TensorBoard.
        samples: float32 [1, frames, 1] in [-1, 1].
        sample_rate: frames a second, in hertz.

    Returns:
        string [], a serialised `Summary`, also in the collection `AUDIO`.

    Source: the article names the AUDIO dashboard in its section 一 and leaves it empty.
    """
    return tf.summary.audio(_exactly(tag), samples, sample_rate, max_outputs=1, collections=[AUDIO])


def variable_summaries(variable: tf.Tensor) -> None:
    """变化信息: record mean, stddev, max, min and a histogram of a variable, under "summaries" in the current scope.

    Args:
        variable: float32 of any shape. With `MANY` values or more, stddev is the root of the mean square minus the
            squared mean; its relative error is below 1e-5 if the mean is at most five deviations.

    Source: the article, 二.5.
    """
    with tf.name_scope("summaries") as scope:
        mean = tf.reduce_mean(variable, name="mean_value")
        scalar(scope + "mean", mean)
        scalar(scope + "stddev", tf.sqrt(_variance(variable, mean), name="stddev_value"))
        scalar(scope + "max", tf.reduce_max(variable, name="max_value"))
        scalar(scope + "min", tf.reduce_min(variable, name="min_value"))
        histogram(scope + "histogram", variable)


def activation_summaries(layer: str, activations: tf.Tensor) -> tf.Tensor:
    """Record the histogram <layer>/activations and the fraction of zeros <layer>/sparsity, in `ACTIVATIONS`.

    Args:
        layer: the name of the layer.
        activations: float32 of any shape, after the ReLU. NaN and infinity count as zero: the check of the loss
            reports them.

    Returns:
        string [], both as a serialised `Summary`.

    Source: `_activation_summary` of TensorFlow's CIFAR-10 tutorial.
    """

    def count(array):
        if not np.isfinite(array.max()):
            array = np.where(np.isfinite(array), array, np.float32(0))
        return [
            tf.Summary.Value(tag=f"{layer}/activations", histo=histogram_proto(array)),
            tf.Summary.Value(tag=f"{layer}/sparsity", simple_value=np.count_nonzero(array == 0) / array.size),
        ]

    return _counted(f"{layer}/activations", activations, count, ACTIVATIONS)


def on_one_scale(maps: tf.Tensor) -> tf.Tensor:
    """Signed values as grey on one scale for all images, zero is 128, so that the images can be compared.

    Args:
        maps: float32 of any shape, for instance [B, height, width, 1].

    Returns:
        uint8 of that shape: 128 + 127 * value / the largest absolute value, rounded; all 128 if all values are
            zero.
    """
    with tf.name_scope("on_one_scale"):
        largest = tf.reduce_max(tf.abs(maps))
        return tf.cast(tf.round(128.0 + 127.0 * tf.math.divide_no_nan(maps, largest)), tf.uint8)


def _variance(values, mean):
    number = values.shape.num_elements()
    if number is None or number < MANY:
        return tf.reduce_mean(tf.square(values - mean))
    # One pass over the memory. It would lose digits for a mean of many deviations; the mean of weights is small.
    return tf.maximum(tf.nn.l2_loss(values) * (2 / number) - tf.square(mean), 0)


def _counted(name, values, count, collection):
    """The serialised `Summary` of the values that numpy's `count` returns, string [], also in the collection."""

    def serialise(array):
        return tf.Summary(value=count(array)).SerializeToString()

    summary = tf.numpy_function(serialise, [values], tf.string, name=_exactly(name))
    summary.set_shape([])
    tf.add_to_collection(collection, summary)
    return summary


def _exactly(tag):
    """A trailing slash makes a name scope absolute: it adds no prefix to the tag and no `_1`."""
    return tag + "/"
