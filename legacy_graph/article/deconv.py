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

from legacy_graph.article.layer import Layer, check_choice, layers_up_to
from legacy_graph.article.shapes import PADDINGS, conv2d_transpose, dims
from legacy_graph.config import DECONVNET, FIRST, GRADIENT, GUIDED, METHODS, SHARED, TIES


def switches(layer: Layer) -> List[tf.Tensor]:
    """The positions of the maxima of the layer's max pool.

    Returns:
        pool * pool tensors, float32 [B, h, w, C], one for each place in a pool window, row by row: 1 where the value
        at this place is the maximum of its window, else 0. All equal maxima of a window are 1.
    """
    with tf.name_scope("switches"):
        windows = _whole_windows(layer.relu, layer.pool, layer.pool_padding)
        size = [1, layer.pool, layer.pool, 1]
        # Not `layer.output`, because a caller may feed another signal into it. If no caller does, TensorFlow merges
        # this max pool with that of the layer, and runs it once.
        strongest = tf.nn.max_pool(layer.relu, size, size, layer.pool_padding)
        return [tf.cast(tf.equal(place, strongest), tf.float32) for place in _places(windows, layer.pool)]


def unpool(
    pooled: tf.Tensor, switches: List[tf.Tensor], size: List, pool: int = 2, padding: str = "SAME", ties: str = FIRST
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
        ValueError: `padding` or `ties` is unknown.

    Source: Zeiler and Fergus, section 2.1, "Unpooling". They do not say how to treat equal maxima.
    """
    check_choice("ties", ties, TIES)
    check_choice("padding", padding, PADDINGS)
    with tf.name_scope("unpool"):
        put_back = _to_first if ties == FIRST else _to_all
        signal = _join(put_back(pooled, switches), pool)
        _, height, width, _ = size
        if padding == "VALID":
            signal = tf.pad(signal, [[0, 0], [0, height % pool], [0, width % pool], [0, 0]])
        else:
            top, left = _added(height, pool)[0], _added(width, pool)[0]
            signal = signal[:, top : top + height, left : left + width]
        return tf.reshape(signal, size)


def _to_first(pooled, switches):
    """The values for each place: a value goes to the first switch of its window; zeros elsewhere."""
    placed = []
    for switch in switches[:-1]:
        placed.append(pooled * switch)
        pooled -= placed[-1]
    return [*placed, pooled]  # each window has a maximum: what no other place takes belongs to the last place


def _to_all(pooled, switches):
    """The values for each place: a value is divided equally among all switches of its window; zeros elsewhere."""
    share = pooled / tf.add_n(switches)
    return [share * switch for switch in switches]


def _places(windows, pool):
    """The values at each place of the pool windows, row by row: pool * pool tensors [B, h, w, C]."""
    batch, height, width, channels = dims(windows)
    width //= pool
    # The third axis then has one block for each row of a window, and the fourth one block for each column.
    blocks = tf.reshape(windows, [batch, height // pool, pool * width, pool * channels])
    return [
        blocks[:, :, row * width : (row + 1) * width, column * channels : (column + 1) * channels]
        for row in range(pool)
        for column in range(pool)
    ]


def _join(places, pool):
    """The inverse of `_places`: [B, h * pool, w * pool, C]."""
    batch, height, width, channels = dims(places[0])
    rows = [tf.concat(places[start : start + pool], 3) for start in range(0, pool**2, pool)]
    return tf.reshape(tf.concat(rows, 2), [batch, height * pool, width * pool, channels])


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
    GRADIENT: Rule("the signal where the ReLU's output is positive", _where_it_fired),
    DECONVNET: Rule("the positive part of the signal", lambda signal, relu: unrelu(signal)),
    GUIDED: Rule(
        "the positive part of the signal where the ReLU's output is positive",
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
        maps: int32 or int64 [B], the feature map to keep for each image, or one for all; None keeps all.
        positions: int32 or int64 [B, 2], the (y, x) in `output` to keep for each image, or one for all; None keeps all.
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
    check_choice("method", method, rules)
    signal = select_activations(walked[-1].output, maps, positions)
    for layer in reversed(walked):
        with tf.name_scope(layer.name):
            if layer.pool > 1:
                signal = unpool(signal, switches(layer), dims(layer.relu), layer.pool, layer.pool_padding, ties)
            if layer.relu is not layer.linear:
                signal = rules[method].undo(signal, layer.relu)
            signal = conv2d_transpose(signal, layer.kernel, dims(layer.input), layer.stride, layer.padding)
    return signal


def select_activations(
    output: tf.Tensor, maps: Optional[tf.Tensor] = None, positions: Optional[tf.Tensor] = None
) -> tf.Tensor:
    """Keep one map, one position, or both of the layer's `output` [B, H, W, C] for each image; set the rest to zero."""
    _, height, width, channels = dims(output)
    if maps is not None:
        output *= tf.one_hot(maps, channels)[..., None, None, :]
    if positions is not None:
        positions = tf.convert_to_tensor(positions)
        output *= tf.one_hot(positions[..., 0], height)[..., None, None]
        output *= tf.one_hot(positions[..., 1], width)[..., None, :, None]
    return output
