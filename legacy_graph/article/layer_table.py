"""The rows of the table of layers: shapes, receptive fields, parameters."""

from typing import List, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.article.receptive_field import PIXEL, Fields, through_convolution, through_pool

HEADERS = ("layer", "operation", "output", "receptive field", "stride", "parameters")


def layer_rows() -> List[Tuple]:
    """One row, as in `HEADERS`, for each step of the article's network; None if a column does not apply.

    The receptive field is the size, in input pixels, of the area that one output position depends on. The stride is the
    distance, in input pixels, between the receptive fields of two neighbouring positions.
    """
    with tf.Graph().as_default():
        net, counts = network.build(), _parameters()
    fields: Fields = (PIXEL, PIXEL)
    rows = [("input", "pixels in [0, 1]", _shape(net.layers[0].input), None, None, None)]
    for layer in net.layers:
        height, width = layer.kernel.shape.as_list()[:2]
        fields = through_convolution(layer, fields)
        operation = f"convolution {height} x {width}, stride {layer.stride}, {layer.padding}; ReLU"
        rows.append((layer.name, operation, _shape(layer.relu), *_seen(fields), counts[layer.name]))
        if layer.pool > 1:
            fields = through_pool(layer, fields)
            operation = f"max pool {layer.pool} x {layer.pool}, {layer.pool_padding}"
            rows.append((None, operation, _shape(layer.output), *_seen(fields), None))
    rows.append(("fc1", "fully connected; ReLU; dropout", _shape(net.features), "complete image", None, counts["fc1"]))
    rows.append(("fc2", "fully connected; softmax", _shape(net.probabilities), "complete image", None, counts["fc2"]))
    rows.append(("all", None, None, None, None, sum(counts.values())))
    return rows


def _parameters():
    """{name scope: number of trainable parameters}."""
    counts = {}
    for variable in tf.trainable_variables():
        scope = variable.op.name.split("/")[0]
        counts[scope] = counts.get(scope, 0) + int(np.prod(variable.shape.as_list()))
    return counts


def _shape(tensor):
    return " x ".join(map(str, tensor.shape.as_list()[1:]))


def _seen(fields):
    down, across = fields
    return f"{down.size} x {across.size} pixels", down.step
