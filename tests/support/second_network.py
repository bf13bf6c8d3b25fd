"""A network unlike the article's.

Three input channels of odd size; kernels 3 x 3 and 2 x 3; one layer without a pool, one with a stride, one with VALID
padding; the last pool reaches beyond the border.
"""

from typing import List, NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.layer import Layer

SIDES = (13, 11)
CHANNELS = 3


class Shape(NamedTuple):
    name: str
    kernel: List[int]
    stride: int
    padding: str
    pool: int
    pool_padding: str


SHAPES = [
    Shape("first", [3, 3, 3, 4], 1, "VALID", 1, "SAME"),  # 13 x 11 -> 11 x 9
    Shape("second", [3, 3, 4, 5], 1, "SAME", 2, "VALID"),  # -> 5 x 4, the last row and column are dropped
    Shape("third", [2, 3, 5, 6], 2, "SAME", 2, "SAME"),  # -> 3 x 2 -> 2 x 1, the last row pools padding too
]


class Numbers(NamedTuple):
    kernels: List[np.ndarray]
    biases: List[np.ndarray]


def real_numbers(seed: int) -> Numbers:
    random = np.random.RandomState(seed)
    return Numbers(
        [random.normal(0, 0.3, shape.kernel).astype("f") for shape in SHAPES],
        [random.normal(0, 0.1, shape.kernel[3]).astype("f") for shape in SHAPES],
    )


def whole_numbers(seed: int) -> Numbers:
    """Small whole numbers: sums are exact; ties and windows without a positive value are common."""
    random = np.random.RandomState(seed)
    return Numbers(
        [random.randint(-1, 2, shape.kernel).astype("f") for shape in SHAPES],
        [random.randint(-2, 1, shape.kernel[3]).astype("f") for shape in SHAPES],
    )


def build(images: tf.Tensor, numbers: Numbers) -> List[Layer]:
    layers, value = [], images
    for shape, kernel, bias in zip(SHAPES, numbers.kernels, numbers.biases):
        kernel, window = tf.constant(kernel), [1, shape.pool, shape.pool, 1]
        linear = tf.nn.conv2d(value, kernel, [1, shape.stride, shape.stride, 1], shape.padding) + bias
        relu = tf.nn.relu(linear)
        output = tf.nn.max_pool(relu, window, window, shape.pool_padding) if shape.pool > 1 else relu
        layers.append(
            Layer(shape.name, value, kernel, linear, relu, output, shape.stride, shape.padding, shape.pool,
                  shape.pool_padding)
        )  # fmt: skip
        value = output
    return layers
