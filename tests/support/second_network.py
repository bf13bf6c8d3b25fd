"""A network unlike the article's, and the deconvnet for it as plain numpy loops.

Three input channels of odd size; kernels 3 x 3 and 2 x 3; one layer without a pool, one with a stride, one with VALID
padding; the last pool reaches beyond the border.
"""

from typing import Dict, List, NamedTuple, Tuple

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


class Walk(NamedTuple):
    """The forward pass of one layer for one image."""

    shape: Shape
    kernel: np.ndarray
    input: np.ndarray  # [H, W, C_in]
    relu: np.ndarray  # [H', W', C]
    output: np.ndarray  # [h, w, C]
    stood: Dict[Tuple[int, int, int], List]  # (y, x, channel) of `output` -> [(row, column)], its maxima in `relu`
    ties: int  # windows with several equal maxima
    dead: int  # windows of zeros


def forward(image: np.ndarray, numbers: Numbers) -> List[Walk]:
    walks, value = [], image
    for shape, kernel, bias in zip(SHAPES, numbers.kernels, numbers.biases):
        relu = np.maximum(0, _convolve(value, kernel, shape) + bias)
        output, stood, ties, dead = _pool(relu, shape)
        walks.append(Walk(shape, kernel, value, relu, output, stood, ties, dead))
        value = output
    return walks


def backward(walks: List[Walk], signal: np.ndarray, method: str, ties: str = "first") -> np.ndarray:
    """Project the signal at the last layer's output down to the pixels."""
    for walk in reversed(walks):
        spread = np.zeros_like(walk.relu)
        for y, x, channel in np.ndindex(*signal.shape):
            places = walk.stood[y, x, channel][: 1 if ties == "first" else None]
            for row, column in places:
                spread[row, column, channel] += signal[y, x, channel] / len(places)
        for place in np.ndindex(*spread.shape):
            fired, positive = walk.relu[place] > 0, spread[place] > 0
            let_through = {"gradient": fired, "deconvnet": positive, "guided": fired and positive}
            if not let_through[method]:
                spread[place] = 0
        below = np.zeros_like(walk.input)
        for y, x, channel in np.ndindex(*spread.shape):
            for row, column, i, j in _window(y, x, walk.input.shape, walk.kernel.shape[:2], walk.shape):
                below[row, column] += spread[y, x, channel] * walk.kernel[i, j, :, channel]
        signal = below
    return signal


def _convolve(value, kernel, shape):
    height, width = [_length(side, k, shape.stride, shape.padding) for side, k in zip(value.shape[:2], kernel.shape)]
    out = np.zeros([height, width, kernel.shape[3]], np.float32)
    for y, x in np.ndindex(height, width):
        for row, column, i, j in _window(y, x, value.shape, kernel.shape[:2], shape):
            out[y, x] += value[row, column] @ kernel[i, j]
    return out


def _pool(relu, shape):
    size = shape.pool
    pooling = shape._replace(stride=size, padding=shape.pool_padding)
    height, width = [_length(side, size, size, shape.pool_padding) for side in relu.shape[:2]]
    output, stood = np.zeros([height, width, relu.shape[2]], "f"), {}
    ties = dead = 0
    for y, x, channel in np.ndindex(*output.shape):
        places = [place[:2] for place in _window(y, x, relu.shape, (size, size), pooling)]
        values = [relu[row, column, channel] for row, column in places]
        output[y, x, channel] = max(values)
        stood[y, x, channel] = [place for place, value in zip(places, values) if value == max(values)]
        dead += max(values) == 0
        ties += max(values) > 0 and values.count(max(values)) > 1
    return output, stood, ties, dead


def _length(side, window, stride, padding):
    return -(-side // stride) if padding == "SAME" else (side - window) // stride + 1


def _window(y, x, sides, window, shape):
    """(row, column, i, j): the input position under each window position (i, j), row by row."""
    begins = []
    for at, side, length in zip((y, x), sides, window):
        missing = (_length(side, length, shape.stride, shape.padding) - 1) * shape.stride + length - side
        before = max(0, missing) // 2 if shape.padding == "SAME" else 0
        begins.append(at * shape.stride - before)
    for i, j in np.ndindex(*window):
        row, column = begins[0] + i, begins[1] + j
        if 0 <= row < sides[0] and 0 <= column < sides[1]:
            yield row, column, i, j
