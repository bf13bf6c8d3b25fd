"""Layers and their adjoints in numpy, float64. Windows are slices of a padded array [B, H, W, C]."""

from typing import List, NamedTuple, Tuple

import numpy as np


class Windows(NamedTuple):
    """The windows of a convolution or pool over [B, H, W, C]."""

    padded: Tuple[int, int]  # height and width after padding
    before: Tuple[int, int]  # padding above and to the left
    sides: Tuple[int, int]  # height and width without padding
    taps: List[Tuple[Tuple[int, int], slice, slice]]  # position in the window, its rows and columns

    def pad(self, value, fill=0):
        canvas = np.full([len(value), *self.padded, value.shape[3]], fill, np.float64)
        self.crop(canvas)[:] = value
        return canvas

    def crop(self, canvas):
        (top, left), (height, width) = self.before, self.sides
        return canvas[:, top : top + height, left : left + width]


def windows(node, sides, window):
    """The windows of a node with strides, padding and dilations."""
    _, *strides, _ = node.attr["strides"].list.i
    _, *rates, _ = node.attr["dilations"].list.i or [1] * 4
    padded, before, steps = [], [], []
    for side, length, stride, rate in zip(sides, window, strides, rates):
        reach = (length - 1) * rate + 1
        same = node.attr["padding"].s == b"SAME"
        count = -(-side // stride) if same else (side - reach) // stride + 1
        missing = max(0, (count - 1) * stride + reach - side) if same else 0
        padded.append(side + missing)
        before.append(missing // 2)
        steps.append([slice(at * rate, at * rate + (count - 1) * stride + 1, stride) for at in range(length)])
    taps = [((i, j), rows, columns) for i, rows in enumerate(steps[0]) for j, columns in enumerate(steps[1])]
    return Windows(tuple(padded), tuple(before), tuple(sides), taps)


def convolve(node, value, kernel):
    seen = windows(node, value.shape[1:3], kernel.shape[:2])
    padded = seen.pad(value)
    return sum(padded[:, rows, columns] @ kernel[place] for place, rows, columns in seen.taps)


def convolve_back(node, sides, signal, kernel):
    seen = windows(node, sides, kernel.shape[:2])
    canvas = np.zeros([len(signal), *seen.padded, kernel.shape[2]])
    for place, rows, columns in seen.taps:
        canvas[:, rows, columns] += signal @ kernel[place].T
    return seen.crop(canvas)


def ungrouped(kernel):
    """The kernel of an ordinary convolution that equals a depthwise one: [h, w, C, m] -> [h, w, C, C * m]."""
    height, width, channels, multiplier = kernel.shape
    full = np.zeros([height, width, channels, channels * multiplier])
    for channel in range(channels):
        full[:, :, channel, channel * multiplier : (channel + 1) * multiplier] = kernel[:, :, channel]
    return full


def _pool(node, value, fill):
    seen = windows(node, value.shape[1:3], list(node.attr["ksize"].list.i)[1:3])
    return seen, seen.pad(value, fill)


def max_pool(node, value):
    seen, padded = _pool(node, value, -np.inf)
    return np.max([padded[:, rows, columns] for _, rows, columns in seen.taps], axis=0)


def max_pool_back(node, value, signal, shared=False):
    """If several values of a window are the maximum, the first one, row by row, gets the signal; or all share it."""
    (seen, padded), strongest = _pool(node, value, -np.inf), max_pool(node, value)
    tied = sum(padded[:, rows, columns] == strongest for _, rows, columns in seen.taps)
    canvas, given = np.zeros_like(padded), np.zeros(signal.shape, bool)
    for _, rows, columns in seen.taps:
        hit = (padded[:, rows, columns] == strongest) & ~given
        canvas[:, rows, columns] += signal * hit / (tied if shared else 1)
        given |= hit & (not shared)
    return seen.crop(canvas)


def average_pool(node, value):
    """The mean over the values inside the image; padding is not counted."""
    (seen, padded), (_, inside) = _pool(node, value, 0), _pool(node, np.ones_like(value), 0)
    total, count = [sum(one[:, rows, columns] for _, rows, columns in seen.taps) for one in (padded, inside)]
    return total / count


def average_pool_back(node, value, signal):
    seen, inside = _pool(node, np.ones_like(value), 0)
    count = sum(inside[:, rows, columns] for _, rows, columns in seen.taps)
    canvas = np.zeros_like(inside)
    for _, rows, columns in seen.taps:
        canvas[:, rows, columns] += signal / count
    return seen.crop(canvas)


def batch_norm(node, value, scale, offset, mean, variance):
    return (value - mean) * scale / np.sqrt(variance + node.attr["epsilon"].f) + offset


def _neighbours(node, value):
    """(near channels, bias + alpha * sum of their squares); LRN divides by this sum to the power of beta."""
    numbers = np.arange(value.shape[3])
    near = np.abs(numbers[:, None] - numbers) <= node.attr["depth_radius"].i
    return near, node.attr["bias"].f + node.attr["alpha"].f * value**2 @ near


def response_norm(node, value):
    return value * _neighbours(node, value)[1] ** -node.attr["beta"].f


def response_norm_back(node, value, signal):
    (near, total), beta = _neighbours(node, value), node.attr["beta"].f
    return signal * total**-beta - 2 * node.attr["alpha"].f * beta * value * (
        (signal * value * total ** (-beta - 1)) @ near
    )


def elu(value, scale=1.0, alpha=1.0):
    return scale * np.where(value > 0, value, alpha * np.expm1(np.minimum(value, 0)))


def elu_back(value, signal, scale=1.0, alpha=1.0):
    return scale * signal * np.where(value > 0, 1, alpha * np.exp(np.minimum(value, 0)))


SELU = 1.0507009873554805, 1.6732632423543772


def resize(node, value, size):
    """[B, H, W, C] to another height and width."""
    for axis, new in enumerate(size, start=1):
        value = np.moveaxis(np.moveaxis(value, axis, -1) @ _weights(node, value.shape[axis], new).T, -1, axis)
    return value


def resize_back(node, value, signal):
    """The adjoint of `resize`."""
    for axis in (1, 2):
        weights = _weights(node, value.shape[axis], signal.shape[axis])
        signal = np.moveaxis(np.moveaxis(signal, axis, -1) @ weights, -1, axis)
    return signal


def _weights(node, old, new):
    """The weight of each old value in each new value, [new, old], with half pixel centres."""
    assert node.attr["half_pixel_centers"].b and not node.attr["align_corners"].b
    weights, centres = np.zeros([new, old]), (np.arange(new) + 0.5) * old / new
    for row, centre in zip(weights, centres):
        if node.op == "ResizeNearestNeighbor":
            row[int(centre)] = 1
        else:
            below = int(np.floor(centre - 0.5))
            part = centre - 0.5 - below
            row[max(below, 0)] += 1 - part
            row[min(below + 1, old - 1)] += part
    return weights
