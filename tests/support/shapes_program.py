"""A training program in the style of TensorFlow 1's CIFAR-10 tutorial, on small coloured shapes. It prints its losses.

python -m tests.support.shapes_program LOGDIR [hook]
"""

import sys

import numpy as np
import tensorflow.compat.v1 as tf

import legacy_graph

SIDE, CLASSES, BATCH, STEPS = 24, 3, 16, 30


def make_shapes(count, seed):
    """(images float32 [count, 24, 24, 3] in [-0.5, 0.5], labels int64 [count]): a coloured square, disc or cross."""
    random = np.random.RandomState(seed)
    y, x = np.indices([SIDE, SIDE])
    images, labels = np.zeros([count, SIDE, SIDE, 3], np.float32), random.randint(CLASSES, size=count)
    for image, label in zip(images, labels):
        down, across = np.abs(y - random.randint(8, 16)), np.abs(x - random.randint(8, 16))
        shapes = [np.maximum(down, across) < 5, down**2 + across**2 < 36, np.minimum(down, across) < 2]
        image[shapes[label]] = random.uniform(0.3, 1, 3)
    return images - 0.5, labels


def inference(images, keep_prob):
    """The logits, float32 [B, 3]."""
    value = images
    for name, channels in (("conv1", 8), ("conv2", 8)):
        with tf.variable_scope(name):
            kernel = tf.get_variable("weights", [5, 5, value.shape[3], channels])
            biases = tf.get_variable("biases", [channels], initializer=tf.constant_initializer(0.1))
            value = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(value, kernel, [1, 1, 1, 1], "SAME"), biases), name=name)
            value = tf.nn.max_pool(value, [1, 3, 3, 1], [1, 2, 2, 1], "SAME", name="pool")
    with tf.variable_scope("softmax_linear"):
        flat = tf.nn.dropout(tf.reshape(value, [-1, 6 * 6 * 8]), rate=1 - keep_prob)
        return tf.matmul(flat, tf.get_variable("weights", [6 * 6 * 8, CLASSES]))


def train(logdir, with_hook):
    """The loss of each step."""
    tf.set_random_seed(1)
    data, labels = make_shapes(200, 0)
    batch = tf.data.Dataset.from_tensor_slices((data, labels)).shuffle(200, 3).repeat().batch(BATCH)
    images, truth = tf.data.make_one_shot_iterator(batch).get_next()
    logits = inference(images, 0.8)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=truth, logits=logits))
    train_op = tf.train.AdamOptimizer(0.003).minimize(loss, tf.train.get_or_create_global_step())
    hooks = [legacy_graph.FeaturesHook(images, None, logdir, pictures=make_shapes(40, 1)[0])] if with_hook else []
    with tf.train.MonitoredTrainingSession(hooks=[tf.train.StopAtStepHook(STEPS), *hooks]) as session:
        while not session.should_stop():
            yield session.run([loss, train_op])[0]


if __name__ == "__main__":
    with tf.Graph().as_default():
        print(*(loss.hex() for loss in map(float, train(sys.argv[1], sys.argv[2:] == ["hook"]))))
