"""The article's shape mistakes with TensorFlow's own conv2d_transpose: python -m tests.support.shape_mistakes NAME ...

Prints a line of JSON before and after each mistake, because some of them abort the process on TensorFlow 1.15.
"""

import json
import sys

# name: value's shape, kernel's shape, output_shape, whether the first two are known while the graph is built
MISTAKES = {
    "batch not known": ([None, 14, 14, 64], [5, 5, 32, 64], [1, 14, 14, 32], True),
    "batch known": ([50, 14, 14, 64], [5, 5, 32, 64], [1, 14, 14, 32], True),
    "kernel": ([None, 14, 14, 64], [5, 5, 64, 32], [50, 14, 14, 32], True),
    "kernel not known": ([None, 14, 14, 64], [5, 5, 64, 32], [50, 14, 14, 32], False),
    "channels": ([None, 14, 14, 64], [5, 5, 32, 64], [50, 14, 14, 64], True),
}
FED = 50  # digits


def make(name):
    """TensorFlow's message, and "building" or "running"; ("", "runs") without an error."""
    import numpy as np
    import tensorflow.compat.v1 as tf

    value_shape, kernel_shape, output_shape, known = MISTAKES[name]
    with tf.Graph().as_default(), tf.Session() as session:
        value = tf.placeholder(tf.float32, value_shape if known else None)
        kernel = tf.placeholder(tf.float32, kernel_shape if known else None)
        try:
            output = tf.nn.conv2d_transpose(value, kernel, output_shape, [1, 1, 1, 1], "SAME")
        except ValueError as error:
            return str(error), "building"
        feed = {value: np.zeros([FED] + value_shape[1:], "f"), kernel: np.zeros(kernel_shape, "f")}
        try:
            session.run(output, feed)
        except tf.errors.OpError as error:
            return str(error), "running"
        return "", "runs"


if __name__ == "__main__":
    for mistake in sys.argv[1:]:
        print(json.dumps([mistake]), flush=True)
        print(json.dumps([mistake] + list(make(mistake))), flush=True)
