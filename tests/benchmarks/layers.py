"""Arithmetic and memory traffic of each part of a training step.

The limit of a part is the larger of two times: its arithmetic at the speed of a large matrix product, and its bytes at
the measured memory bandwidth (the roofline model: Williams, Waterman and Patterson, CACM 2009).
"""

from typing import NamedTuple

FLOAT = 4  # bytes


class Layer(NamedTuple):
    """The size of a layer for one digit. Each output position uses every weight once."""

    positions: int
    weights: int
    inputs: int  # values
    outputs: int  # values, before the max pool


SHAPES = {
    "conv1": Layer(28 * 28, 5 * 5 * 1 * 32, 28 * 28 * 1, 28 * 28 * 32),
    "conv2": Layer(14 * 14, 5 * 5 * 32 * 64, 14 * 14 * 32, 14 * 14 * 64),
    "fc1": Layer(1, 7 * 7 * 64 * 1024, 7 * 7 * 64, 1024),
    "fc2": Layer(1, 1024 * 10, 1024, 10),
}
LAYERS = tuple(SHAPES)
PARAMETERS = 3274634
# Forward, gradient of the weights, gradient of the input; conv1 needs no gradient of its input.
PRODUCTS = {layer: 2 if layer == "conv1" else 3 for layer in LAYERS}
# Multiplications and additions for one digit, in GFLOP.
FORWARD = {name: 2 * layer.positions * layer.weights / 1e9 for name, layer in SHAPES.items()}
STEP = {name: forward * PRODUCTS[name] for name, forward in FORWARD.items()}


def step_gflop(part: str, batch: int) -> float:
    """The arithmetic of a training step, without Adam's few operations per weight."""
    return batch * STEP.get(part, 0)


def step_bytes(part: str, batch: int) -> int:
    """The bytes that a training step has to read and write.

    A layer has two or three products. Each reads two of input, weights and output (or their gradients) once, and writes
    the third once. So fc1's 3.2 million weights are read twice, and their gradient is written once. Bias, ReLU and pool
    are not counted.
    Adam reads weights, gradient and two moments, and writes the weights and the moments: seven arrays.
    """
    if part == "Adam":
        return 7 * FLOAT * PARAMETERS
    layer = SHAPES[part]
    return FLOAT * PRODUCTS[part] * (layer.weights + batch * (layer.inputs + layer.outputs))


def limit(part: str, batch: int, flops: float, bandwidth: float) -> float:
    """The shortest possible seconds per training step of a part.

    Args:
        part: one of `LAYERS`, or "Adam".
        batch: digits per step.
        flops: floating point operations per second of a large matrix product.
        bandwidth: memory bandwidth in bytes per second.
    """
    return max(1e9 * step_gflop(part, batch) / flops, step_bytes(part, batch) / bandwidth)


def step_limit(batch: int, flops: float, bandwidth: float) -> float:
    """The shortest possible seconds of a training step: the sum over its parts."""
    return sum(limit(part, batch, flops, bandwidth) for part in [*LAYERS, "Adam"])
