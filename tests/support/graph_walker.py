"""A second implementation of the projections, in numpy and float64, for GraphDefs of the operations below.

`Walker` computes the nodes of a graph forward, then walks from a node back to the images. It computes with numpy, not
with TensorFlow, so that an error in TensorFlow's gradients is detected.
"""

from typing import Dict, List

import numpy as np
from tensorflow.python.framework import tensor_util

from tests.support import numpy_layers as layers

FORWARD = {
    "Identity": lambda node, value: value,
    "Conv2D": layers.convolve,
    "DepthwiseConv2dNative": lambda node, value, kernel: layers.convolve(node, value, layers.ungrouped(kernel)),
    "Conv2DBackpropInput": lambda node, sizes, kernel, value: layers.convolve_back(node, sizes[1:3], value, kernel),
    "MaxPool": layers.max_pool,
    "AvgPool": layers.average_pool,
    "BiasAdd": lambda node, value, bias: value + bias,
    "Add": lambda node, one, other: one + other,
    "AddV2": lambda node, one, other: one + other,
    "Sub": lambda node, one, other: one - other,
    "Mul": lambda node, one, other: one * other,
    "Neg": lambda node, value: -value,
    "Rsqrt": lambda node, value: value**-0.5,
    "FusedBatchNormV3": layers.batch_norm,
    "ConcatV2": lambda node, *values: np.concatenate(values[:-1], int(values[-1])),
    "Relu": lambda node, value: np.maximum(value, 0),
    "Relu6": lambda node, value: np.clip(value, 0, 6),
    "LeakyRelu": lambda node, value: np.where(value > 0, value, node.attr["alpha"].f * value),
    "Elu": lambda node, value: layers.elu(value),
    "Selu": lambda node, value: layers.elu(value, *layers.SELU),
    "Sigmoid": lambda node, value: 1 / (1 + np.exp(-value)),
    "LRN": layers.response_norm,
    "ResizeNearestNeighbor": layers.resize,
    "ResizeBilinear": layers.resize,
    "Reshape": lambda node, value, shape: value.reshape(shape),
    "ExpandDims": lambda node, value, axis: np.expand_dims(value, int(axis)),
    "Squeeze": lambda node, value: np.squeeze(value, tuple(node.attr["squeeze_dims"].list.i)),
    "Shape": lambda node, value: np.array(value.shape),
    "StridedSlice": lambda node, value, *_: value[0],  # the batch of a shape
    "Pack": lambda node, *values: np.array(values),
}
# (node, its inputs, signal) -> signals of the inputs, up to the last input that may depend on the images.
BACK = {
    "Identity": lambda node, inputs, signal: [signal],
    "Conv2D": lambda node, inputs, signal: [layers.convolve_back(node, inputs[0].shape[1:3], signal, inputs[1])],
    "DepthwiseConv2dNative": lambda node, inputs, signal: [
        layers.convolve_back(node, inputs[0].shape[1:3], signal, layers.ungrouped(inputs[1]))
    ],
    "Conv2DBackpropInput": lambda node, inputs, signal: [None, None, layers.convolve(node, signal, inputs[1])],
    "AvgPool": lambda node, inputs, signal: [layers.average_pool_back(node, inputs[0], signal)],
    "BiasAdd": lambda node, inputs, signal: [signal],
    "Add": lambda node, inputs, signal: [signal, signal],
    "AddV2": lambda node, inputs, signal: [signal, signal],
    "Sub": lambda node, inputs, signal: [signal, -signal],
    "Mul": lambda node, inputs, signal: [signal * inputs[1], signal * inputs[0]],
    "Neg": lambda node, inputs, signal: [-signal],
    "FusedBatchNormV3": lambda node, inputs, signal: [
        signal * inputs[1] / np.sqrt(inputs[4] + node.attr["epsilon"].f)
    ],
    **dict.fromkeys(
        ["Reshape", "ExpandDims", "Squeeze"], lambda node, inputs, signal: [signal.reshape(inputs[0].shape)]
    ),
    **dict.fromkeys(
        ["ResizeNearestNeighbor", "ResizeBilinear"],
        lambda node, inputs, signal: [layers.resize_back(node, inputs[0], signal)],
    ),
    "LeakyRelu": lambda node, inputs, signal: [signal * np.where(inputs[0] > 0, 1, node.attr["alpha"].f)],
    "Elu": lambda node, inputs, signal: [layers.elu_back(inputs[0], signal)],
    "Selu": lambda node, inputs, signal: [layers.elu_back(inputs[0], signal, *layers.SELU)],
    "Sigmoid": lambda node, inputs, signal: [signal * np.exp(-inputs[0]) / (1 + np.exp(-inputs[0])) ** 2],
    "LRN": lambda node, inputs, signal: [layers.response_norm_back(node, inputs[0], signal)],
    "ConcatV2": lambda node, inputs, signal: np.split(
        signal, np.cumsum([one.shape[int(inputs[-1])] for one in inputs[:-2]]), int(inputs[-1])
    ),
}  # fmt: skip


def _through_relu(node, value, signal, method):
    """The three rules. The deconvnet ignores the forward values; the others block the signal where the ReLU is flat."""
    if method in ("deconvnet", "guided"):
        signal = np.maximum(signal, 0)
    if method in ("gradient", "guided"):
        signal = signal * (value > 0) * (value < (6 if node.op == "Relu6" else np.inf))
    return signal


class Walker:
    """The values of all nodes of a graph for some images."""

    def __init__(self, graph_def, input: str, images: np.ndarray) -> None:
        self.input, self.nodes = input, {node.name: node for node in graph_def.node}
        self.values: Dict[str, np.ndarray] = {input: np.asarray(images, np.float64)}

    def value(self, name: str) -> np.ndarray:
        """The value of output 0 of a node, float64."""
        if name not in self.values:
            node = self.nodes[name]
            if node.op == "Const":
                value = tensor_util.MakeNdarray(node.attr["value"].tensor)
                self.values[name] = value.astype(np.float64) if value.dtype.kind == "f" else value
            else:
                self.values[name] = FORWARD[node.op](node, *map(self.value, self._inputs(name)))
        return self.values[name]

    def project(self, start: str, signal: np.ndarray, method: str, shared: bool = False) -> np.ndarray:
        """Walk a signal at a node back to the images: deconvnet, gradient or guided; `shared`: by equal maxima."""
        moving = {name for name in self._order(start) if self._depends(name)}
        signals = {start: signal}
        for name in reversed([name for name in self._order(start) if name in moving and name != self.input]):
            node, inputs = self.nodes[name], self._inputs(name)
            if node.op in ("Relu", "Relu6"):
                found = [_through_relu(node, self.value(inputs[0]), signals[name], method)]
            elif node.op == "MaxPool":
                found = [layers.max_pool_back(node, self.value(inputs[0]), signals[name], shared)]
            else:
                found = BACK[node.op](node, [self.value(source) for source in inputs], signals[name])
            for source, one in zip(inputs, found):
                if source in moving:
                    signals[source] = signals.get(source, 0) + one
        return signals[self.input]

    def _inputs(self, name):
        return [text.split(":")[0] for text in self.nodes[name].input if not text.startswith("^")]

    def _order(self, start):
        """The nodes that `start` reads, inputs first."""
        order: List[str] = []

        def visit(name):
            if name not in order:
                for source in self._inputs(name):
                    visit(source)
                order.append(name)

        visit(start)
        return order

    def _depends(self, name):
        return name == self.input or self.nodes[name].op != "Shape" and any(map(self._depends, self._inputs(name)))
