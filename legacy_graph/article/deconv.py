"""反卷积, 反池化, 反激活: what made a feature map light up, traced back to the pixels.

A deconvnet runs the network backwards with the kernels it has learned. Each layer is undone in three steps:

    反池化    unpool      each value goes back to where its maximum stood (the switches), zeros elsewhere
    反激活    unrelu      a ReLU on the signal that travels back
    反卷积    conv2d_transpose with the SAME kernel

so layer one takes one `conv2d_transpose` to come back to the input's size, and layer two takes two.

What it is not: `unrelu` looks at no forward value. The gradient and guided backpropagation are the same walk with
another un-activation, and stand beside it in `METHODS`. Nor is it an inverse: the image cannot be restored, only the
part of it that a feature map answered to.

Ties: on the even ground around a digit a convolution is constant, so in most pool windows of conv1 several maxima are
equal. If the first of them gets the signal, as in `tf.gradients`, the picture's ground is covered by a lattice with a
period of two pixels; if they share it, the lattice is gone. The paper does not say which.

Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 2.1; the
article, 二.6. Guided backpropagation: Springenberg et al., "Striving for Simplicity", ICLR 2015 workshop.
"""

from typing import Callable, Dict, List, NamedTuple, Optional

import tensorflow.compat.v1 as tf

from legacy_graph.article.layer import Layer, layers_up_to
from legacy_graph.article.shapes import conv2d_transpose, dims
from legacy_graph.config import FIRST, SHARED, TIES


def switches(layer: Layer) -> tf.Tensor:
    """Where each maximum of the layer's pool stood.

    Returns:
        float32 [B, h * pool, w * pool, C] over whole pool windows: 1 at a maximum, else 0. Where maxima tie, all of
        them are 1.
    """
    with tf.name_scope("switches"):
        windows = _whole_windows(layer.relu, layer.pool, layer.pool_padding)
        # From the ReLU, not from `layer.output`: a caller may feed another signal there.
        strongest = _max_pool(windows, layer.pool)
        return tf.cast(tf.equal(windows, _repeat(strongest, layer.pool)), windows.dtype)


def unpool(
    pooled: tf.Tensor, switches: tf.Tensor, size: List, pool: int = 2, padding: str = "SAME", ties: str = FIRST
) -> tf.Tensor:
    """反池化: put each value back where its maximum stood, zeros elsewhere.

    Args:
        pooled: float32 [B, h, w, C], a finite signal in the size that pooling left.
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

    Source: Zeiler and Fergus, section 2.1, "Unpooling". They do not say what becomes of a tie.
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
    """Each value at the first place of its window that is switched on, row by row."""
    rows, across = _first(switches, 2, pool)
    _, down = _first(rows, 1, pool)
    return _put_back(_put_back(pooled, down, 1, pool), across, 2, pool)


def _to_all(pooled, switches, pool):
    """Each value in equal shares at all places of its window that are switched on."""
    size = [1, pool, pool, 1]
    tied = tf.round(tf.nn.avg_pool(switches, size, size, "VALID") * pool**2)
    return _repeat(pooled / tied, pool) * switches


def _first(switches, axis, pool):
    """Whether any of `pool` neighbours along an axis is switched on, and the number of the first that is."""
    size = dims(switches)
    # Neighbours along one axis lie side by side in the next, once `pool` of them share a place in theirs.
    size[axis], size[axis + 1] = size[axis] // pool, size[axis + 1] * pool
    # By its raw name, since tf.split adds a constant that nobody reads on TensorFlow 1.15.
    found, *others = tf.raw_ops.Split(axis=axis + 1, value=tf.reshape(switches, size), num_split=pool)
    first = 0
    for number, other in enumerate(others, 1):
        first = tf.maximum(first, number * tf.cast(other > found, tf.int32))
        found = tf.maximum(found, other)
    return found, first


def _put_back(value, number, axis, pool):
    """Each value at the place `number` of its `pool` neighbours along an axis, zeros at the others."""
    size = dims(value)
    size[axis] *= pool
    neighbours = [value * tf.cast(tf.equal(number, place), value.dtype) for place in range(pool)]
    return tf.reshape(tf.concat(neighbours, axis + 1), size)


def _repeat(value, pool):
    """Each value at all places of its window: [B, h, w, C] -> [B, h * pool, w * pool, C]."""
    for axis in (1, 2):
        size = dims(value)
        size[axis] *= pool
        value = tf.reshape(tf.concat([value] * pool, axis + 1), size)
    return value


def _max_pool(windows, pool):
    size = [1, pool, pool, 1]
    return tf.nn.max_pool(windows, size, size, "VALID")


def _whole_windows(value, pool, padding):
    """`value` with the places that TensorFlow's pool adds around it, or without those that it leaves out."""
    _, height, width, _ = dims(value)
    if padding == "VALID":
        return value[:, : height // pool * pool, : width // pool * pool]
    margins = [[0, 0], _added(height, pool), _added(width, pool), [0, 0]]
    return tf.pad(value, margins, constant_values=value.dtype.min)


def _added(length, pool):
    """How many places SAME adds before and after an axis."""
    return [-length % pool // 2, (-length % pool + 1) // 2]


def unrelu(signal: tf.Tensor) -> tf.Tensor:
    """反激活: let the positive part of the signal pass, any shape; the forward activations are not asked.

    Source: Zeiler and Fergus, section 2.1, "Rectification".
    """
    return tf.nn.relu(signal, name="unrelu")


def _where_it_fired(signal, relu):
    return signal * tf.cast(relu > 0, signal.dtype)


TIES_IN_WORDS: Dict[str, str] = {
    FIRST: "Where equal maxima of a pool tie, the first gets its signal, row by row, as in TensorFlow's gradients.",
    SHARED: "Where equal maxima of a pool tie, all of them get an equal share of its signal.",
}


class Method(NamedTuple):
    """One way back through a ReLU. All else on the way to the pixels is the same."""

    lets_through: str  # what defines it, in one line
    undo: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # (signal on its way back, the ReLU's forward output) -> signal


DECONVNET = "deconvnet"
METHODS: Dict[str, Method] = {
    "gradient": Method("what the ReLU let through on the way forward", _where_it_fired),
    DECONVNET: Method("what is positive on the way back", lambda signal, relu: unrelu(signal)),
    "guided backpropagation": Method(
        "only what both others let through", lambda signal, relu: _where_it_fired(unrelu(signal), relu)
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
    """Project what a layer put out down to the pixels. Build it once in your graph, run it as often as you like.

    Args:
        layers: from the input upwards, each fed by the one before.
        name: of the layer to start from.
        maps: int32 or int64 [B], for each image the one feature map to keep; None keeps all.
        positions: int32 or int64 [B, 2], for each image the (y, x) in `output` to keep; None keeps all.
        method: one of `METHODS`. "gradient" is that of half the sum of squares of what is kept.
        ties: one of `TIES`, see `unpool`.

    Returns:
        float32 of the shape of `layers[0].input`.

    Raises:
        ValueError: no layer, no method, or no way with ties, has that name.
    """
    walked = layers_up_to(layers, name)
    if method not in METHODS:
        raise ValueError("method: expected one of {}, found {!r}".format(", ".join(METHODS), method))
    signal = select_activations(walked[-1].output, maps, positions)
    for layer in reversed(walked):
        with tf.name_scope(layer.name):
            if layer.pool > 1:
                signal = unpool(signal, switches(layer), dims(layer.relu), layer.pool, layer.pool_padding, ties)
            signal = METHODS[method].undo(signal, layer.relu)
            signal = conv2d_transpose(signal, layer.kernel, dims(layer.input), layer.stride, layer.padding)
    return signal


def select_activations(
    output: tf.Tensor, maps: Optional[tf.Tensor] = None, positions: Optional[tf.Tensor] = None
) -> tf.Tensor:
    """The layer's `output` [B, H, W, C] with all but one map, and all but one place, of each image set to zero."""
    _, height, width, channels = dims(output)
    if maps is not None:
        output *= tf.one_hot(maps, channels)[:, None, None, :]
    if positions is not None:
        output *= tf.one_hot(positions[:, 0], height)[:, :, None, None]
        output *= tf.one_hot(positions[:, 1], width)[:, None, :, None]
    return output
