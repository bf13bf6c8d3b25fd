"""The 2018 program: the result of one merge_all is written at every step, with TensorFlow's default settings.

It is a reconstruction from what is known of the 2018 program, and uses only TensorFlow and the data of legacy_graph.
"""

import os

import numpy as np

from legacy_graph.data import mnist


def merged(settings):
    """Training steps, each with all summaries."""
    os.environ.pop("TF_ENABLE_ONEDNN_OPTS", None)
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    images, labels, train = _network(tf)
    summary = tf.summary.merge_all()
    writer = tf.summary.FileWriter(settings.folder, tf.get_default_graph())
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    batches = mnist.batches(mnist.load(settings.data_dir).train, 50, seed=0)
    counter = iter(range(settings.steps))

    def advance(steps):
        for _ in range(steps):
            pictures, answers = next(batches)
            found, _ = session.run([summary, train], {images: pictures, labels: answers})
            writer.add_summary(found, next(counter))

    advance(3)
    return advance


def _network(tf):
    images, labels = tf.placeholder(tf.float32, [None, 784]), tf.placeholder(tf.float32, [None, 10])
    image = tf.reshape(images, [-1, 28, 28, 1])
    tf.summary.image("input", image, 10)
    linear1, pooled1 = _convolution(tf, "conv1", image, [5, 5, 1, 32])
    linear2, pooled2 = _convolution(tf, "conv2", pooled1, [5, 5, 32, 64])
    hidden = tf.nn.relu(_full(tf, "fc1", tf.reshape(pooled2, [-1, 3136]), [3136, 1024]))
    output = tf.nn.softmax(_full(tf, "fc2", hidden, [1024, 10]))
    _reverse(tf, linear1, linear2)
    loss = -tf.reduce_sum(labels * tf.log(output))
    tf.summary.scalar("loss", loss)
    correct = tf.equal(tf.argmax(output, 1), tf.argmax(labels, 1))
    tf.summary.scalar("accuracy", tf.reduce_mean(tf.cast(correct, tf.float32)))
    return images, labels, tf.train.AdamOptimizer(1e-4).minimize(loss)


def _convolution(tf, name, value, shape):
    with tf.name_scope(name):
        linear = tf.nn.conv2d(value, _weights(tf, shape), [1, 1, 1, 1], "SAME") + _bias(tf, shape[-1])
        return linear, tf.nn.max_pool(tf.nn.relu(linear), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")


def _full(tf, name, value, shape):
    with tf.name_scope(name):
        return tf.matmul(value, _weights(tf, shape)) + _bias(tf, shape[-1])


def _weights(tf, shape):
    return _summarised(tf, "weights", tf.Variable(tf.truncated_normal(shape, stddev=0.1)))


def _bias(tf, size):
    return _summarised(tf, "bias", tf.Variable(np.full([size], 0.1, np.float32)))


def _summarised(tf, name, variable):
    with tf.name_scope(name):
        mean = tf.reduce_mean(variable)
        tf.summary.scalar("mean", mean)
        tf.summary.scalar("stddev", tf.sqrt(tf.reduce_mean(tf.square(variable - mean))))
        tf.summary.scalar("max", tf.reduce_max(variable))
        tf.summary.scalar("min", tf.reduce_min(variable))
        tf.summary.histogram("histogram", variable)
    return variable


def _reverse(tf, linear1, linear2):
    def kernel(shape):
        return tf.Variable(tf.truncated_normal(shape, stddev=0.1), trainable=False)

    maps = tf.nn.conv2d_transpose(linear2, kernel([5, 5, 32, 64]), [50, 14, 14, 32], [1, 1, 1, 1])
    second = tf.nn.conv2d_transpose(maps, kernel([5, 5, 1, 32]), [50, 28, 28, 1], [1, 2, 2, 1])
    first = tf.nn.conv2d_transpose(linear1, kernel([5, 5, 1, 32]), [50, 28, 28, 1], [1, 1, 1, 1])
    tf.summary.image("reverse_conv1", first, 10)
    tf.summary.image("reverse_conv2", second, 10)
