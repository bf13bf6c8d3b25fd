"""反卷积, 反池化, 反激活: project the activations of a feature map back to the input pixels.

A deconvnet runs the network backwards with the kernels it has learned. Each layer is reversed in three steps:

    反池化    unpool      each value goes back to the position of its maximum (the switch), zeros elsewhere
    反激活    unrelu      a ReLU on the projected signal
    反卷积    conv2d_transpose with the SAME kernel

so a projection from layer one needs one `conv2d_transpose`, and a projection from layer two needs two.

Limits: `unrelu` does not use the forward activations. The gradient and guided backpropagation differ from the deconvnet
only in this step, see `RULES`. A deconvnet is not an inverse: it does not restore the image, it shows only the part
that the feature map responds to.

Ties: the background around a digit is uniform, so a convolution is constant there, and most pool windows of conv1 have
several equal maxima. If the first maximum gets the signal, as in `tf.gradients`, the background of the projection shows
a lattice with a period of two pixels. If the maxima share the signal, there is no lattice. The paper leaves this open.

Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 2.1; the
article, 二.6. Guided backpropagation: Springenberg et al., "Striving for Simplicity", ICLR 2015 workshop.
"""

from typing import Callable, Dict, List, NamedTuple, Optional

import tensorflow.compat.v1 as tf

from legacy_graph.article.layer import Layer, layers_up_to
from legacy_graph.article.shapes import conv2d_transpose, dims
from legacy_graph.config import DECONVNET, FIRST, GRADIENT, GUIDED, METHODS, SHARED, TIES


def switches(layer: Layer) -> tf.Tensor:
    """The positions of the maxima of the layer's max pool.

    Returns:
        float32 [B, h * pool, w * pool, C] over complete pool windows: 1 at a maximum, else 0. All equal maxima of
        a window are 1.
    """
    with tf.name_scope("switches"):
        windows = _whole_windows(layer.relu, layer.pool, layer.pool_padding)
        # From the ReLU, not from `layer.output`: a caller may feed another signal there.
        strongest = _max_pool(windows, layer.pool)
        return tf.cast(tf.equal(windows, _repeat(strongest, layer.pool)), windows.dtype)


def unpool(
    pooled: tf.Tensor, switches: tf.Tensor, size: List, pool: int = 2, padding: str = "SAME", ties: str = FIRST
) -> tf.Tensor:
    """反池化: put each value back at the position of its maximum, zeros elsewhere.

    Args:
        pooled: float32 [B, h, w, C], a finite signal of the pool's output size.
        switches: as from `switches` above.
        size: [B, H, W, C] before pooling, numbers or int32 scalars.
        pool: window and stride of the pool, in pixels.
        padding: of the pool.
        ties: one of `TIES`. "first": the first maximum of a window, row by row, gets the whole value, as in
            `tf.gradients`. "shared": all maxima of a window get an equal share of it.

    Returns:
        float32 [B, H, W, C].

    Raises:
        ValueError: `ties` is not one of `TIES`.

    Source: Zeiler and Fergus, section 2.1, "Unpooling". They do not say how to treat equal maxima.
    """
    if ties not in TIES:
        raise ValueError("ties: expected one of {}, found {!r}".format(", ".join(TIES), ties))
    with tf.name_scope("unpool"):
        put_back = _to_first if ties == FIRST else _to_all
        signal = put_back(pooled, switches, pool)
        _, height, width, _ = size
        if padding == "VALID":
            signal = tf.pad(signal, [[0, 0], [0, height % pool], [0, width % pool], [0, 0]])
        else:
            top, left = _added(height, pool)[0], _added(width, pool)[0]
            signal = signal[:, top : top + height, left : left + width]
        return tf.reshape(signal, size)


def _to_first(pooled, switches, pool):
    """Put each value at the first switch of its window, row by row; zeros elsewhere."""
    rows, across = _first(switches, 2, pool)
    _, down = _first(rows, 1, pool)
    return _put_back(_put_back(pooled, down, 1, pool), across, 2, pool)


def _to_all(pooled, switches, pool):
    """Divide each value equally among all switches of its window; zeros elsewhere."""
    size = [1, pool, pool, 1]
    tied = tf.round(tf.nn.avg_pool(switches, size, size, "VALID") * pool**2)
    return _repeat(pooled / tied, pool) * switches


def _first(switches, axis, pool):
    """For each group of `pool` neighbours along an axis: whether it has a switch, and the index of the first one."""
    size = dims(switches)
    # Reshape so that the `pool` neighbours along this axis become adjacent blocks along the next axis.
    size[axis], size[axis + 1] = size[axis] // pool, size[axis + 1] * pool
    # The raw operation, because tf.split adds an unused constant to the graph on TensorFlow 1.15.
    found, *others = tf.raw_ops.Split(axis=axis + 1, value=tf.reshape(switches, size), num_split=pool)
    first = 0
    for number, other in enumerate(others, 1):
        first = tf.maximum(first, number * tf.cast(other > found, tf.int32))
        found = tf.maximum(found, other)
    return found, first


def _put_back(value, number, axis, pool):
    """Enlarge an axis `pool` times: each value goes to index `number` of its group of `pool`, zeros elsewhere."""
    size = dims(value)
    size[axis] *= pool
    neighbours = [value * tf.cast(tf.equal(number, place), value.dtype) for place in range(pool)]
    return tf.reshape(tf.concat(neighbours, axis + 1), size)


def _repeat(value, pool):
    """Repeat each value over its window: [B, h, w, C] -> [B, h * pool, w * pool, C]."""
    for axis in (1, 2):
        size = dims(value)
        size[axis] *= pool
        value = tf.reshape(tf.concat([value] * pool, axis + 1), size)
    return value


def _max_pool(windows, pool):
    size = [1, pool, pool, 1]
    return tf.nn.max_pool(windows, size, size, "VALID")


def _whole_windows(value, pool, padding):
    """Pad `value` as a SAME pool does, or crop the incomplete windows that a VALID pool ignores."""
    _, height, width, _ = dims(value)
    if padding == "VALID":
        return value[:, : height // pool * pool, : width // pool * pool]
    margins = [[0, 0], _added(height, pool), _added(width, pool), [0, 0]]
    return tf.pad(value, margins, constant_values=value.dtype.min)


def _added(length, pool):
    """The SAME padding before and after an axis, in positions."""
    return [-length % pool // 2, (-length % pool + 1) // 2]


def unrelu(signal: tf.Tensor) -> tf.Tensor:
    """反激活: keep the positive part of the signal, any shape. The forward activations are not used.

    Source: Zeiler and Fergus, section 2.1, "Rectification".
    """
    return tf.nn.relu(signal, name="unrelu")


def _where_it_fired(signal, relu):
    return signal * tf.cast(relu > 0, signal.dtype)


TIES_IN_WORDS: Dict[str, str] = {
    FIRST: "If several values of a pool window are the maximum, the first one gets the signal, as in tf.gradients.",
    SHARED: "If several values of a pool window are the maximum, each of them gets an equal share of the signal.",
}


class Rule(NamedTuple):
    """How a method projects a signal back through a ReLU. The other steps are the same for all methods."""

    passes: str  # what a ReLU passes backward, in one line
    undo: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # (projected signal, forward output of the ReLU) -> signal


RULES: Dict[str, Rule] = {
    GRADIENT: Rule("the signal where its forward output is positive", _where_it_fired),
    DECONVNET: Rule("the positive part of the signal", lambda signal, relu: unrelu(signal)),
    GUIDED: Rule(
        "the positive part of the signal where its forward output is positive",
        lambda signal, relu: _where_it_fired(unrelu(signal), relu),
    ),
}


def deconvolve(
    layers: List[Layer],
    name: str,
    maps: Optional[tf.Tensor] = None,
    positions: Optional[tf.Tensor] = None,
    method: str = DECONVNET,
    ties: str = FIRST,
) -> tf.Tensor:
    """Project the output of a layer to the input pixels. Build the projection once, then run it for any images.

    Args:
        layers: in order from the input; each takes the output of the previous one.
        name: of the layer to start from.
        maps: int32 or int64 [B], the feature map to keep for each image; None keeps all.
        positions: int32 or int64 [B, 2], the (y, x) in `output` to keep for each image; None keeps all.
        method: "deconvnet", "gradient" (of half the sum of squares of the kept activations) or "guided"; the full
            names in `config.METHODS` are accepted too.
        ties: one of `TIES`, see `unpool`.

    Returns:
        float32 of the shape of `layers[0].input`.

    Raises:
        ValueError: `name`, `method` or `ties` is unknown.
    """
    walked = layers_up_to(layers, name)
    rules = {**RULES, **{METHODS[name]: rule for name, rule in RULES.items()}}
    if method not in rules:
        raise ValueError("method: expected one of {}, found {!r}".format(", ".join(RULES), method))
    signal = select_activations(walked[-1].output, maps, positions)
    for layer in reversed(walked):
        with tf.name_scope(layer.name):
            if layer.pool > 1:
                signal = unpool(signal, switches(layer), dims(layer.relu), layer.pool, layer.pool_padding, ties)
            signal = rules[method].undo(signal, layer.relu)
            signal = conv2d_transpose(signal, layer.kernel, dims(layer.input), layer.stride, layer.padding)
    return signal


def select_activations(
    output: tf.Tensor, maps: Optional[tf.Tensor] = None, positions: Optional[tf.Tensor] = None
) -> tf.Tensor:
    """Keep one map, one position, or both of the layer's `output` [B, H, W, C] for each image; set the rest to zero."""
    _, height, width, channels = dims(output)
    if maps is not None:
        output *= tf.one_hot(maps, channels)[:, None, None, :]
    if positions is not None:
        output *= tf.one_hot(positions[:, 0], height)[:, :, None, None]
        output *= tf.one_hot(positions[:, 1], width)[:, None, :, None]
    return output
