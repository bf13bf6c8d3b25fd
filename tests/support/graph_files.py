"""Small graphs, one for each construct that other people's models contain, and the files that hold them."""

import os

import numpy as np
import tensorflow.compat.v1 as tf


def plain_session(graph):
    """A session that runs the graph as it is: Grappler would fold what is constant in one graph and not in another."""
    config = tf.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return tf.Session(graph=graph, config=config)


def constant(shape, seed=0):
    """Random constants, the same on every TensorFlow."""
    return np.random.RandomState(seed).normal(0, 0.4, shape).astype(np.float32)


def variable(name, shape, seed=0, **options):
    """A random variable, which may be partitioned."""
    initial = tf.random_normal_initializer(0, 0.4, seed=seed + 1)
    return tf.get_variable(name, shape, initializer=initial, **options)


def images(*shape, seed=1):
    """Random images in [0, 1]."""
    return np.random.RandomState(seed).uniform(0, 1, shape).astype(np.float32)


def _conv(x, channels=4, size=3, stride=1, padding="SAME", name="conv"):
    kernel = constant([size, size, int(x.shape[-1]), channels], seed=channels)
    return tf.nn.conv2d(x, kernel, [1, stride, stride, 1], padding, name=name)


def _layer(x, channels=4, name="conv", **options):
    linear = _conv(x, channels, name=name, **options)
    return tf.nn.relu(tf.nn.bias_add(linear, constant([channels]), name=f"{name}/bias"), name=f"{name}/relu")


def _pool(x, size=2, stride=2, padding="VALID", name="pool"):
    return tf.nn.max_pool(x, [1, size, size, 1], [1, stride, stride, 1], padding, name=name)


def pooled(x):
    """Convolution, bias, ReLU, max pool."""
    return _pool(_layer(x))


def strided(x):
    """Two strided convolutions with SAME padding, so that the padding is uneven."""
    return _layer(_layer(x, stride=2, name="first"), 3, stride=2, name="conv")


def valid(x):
    """VALID padding and an overlapping pool."""
    return _layer(_pool(_layer(x, padding="VALID", name="first"), 3, 2), 3, padding="VALID", name="conv")


def dilated_by_blocks(x):
    """SpaceToBatchND, convolution, BatchToSpaceND: dilation as TensorFlow 1 wrote it."""
    blocks = tf.space_to_batch_nd(x, [2, 2], [[2, 2], [2, 2]])
    linear = tf.batch_to_space_nd(_conv(blocks, padding="VALID"), [2, 2], [[0, 0], [0, 0]])
    return tf.nn.relu(tf.nn.bias_add(linear, constant([4]), name="conv/bias"), name="conv/relu")


def depthwise(x):
    """Depthwise convolution, then 1 x 1."""
    middle = tf.nn.depthwise_conv2d(x, constant([3, 3, 3, 2]), [1, 1, 1, 1], "SAME", name="first")
    return _layer(tf.nn.relu(middle, name="first/relu"), size=1)


def residual(x):
    """A residual add before the ReLU."""
    first = _layer(x, name="first")
    return _layer(tf.nn.relu(first + _conv(first, name="second"), name="sum"), 3, name="conv")


def padded(x):
    """Explicit Pad, as Keras writes it."""
    return _layer(tf.pad(x, [[0, 0], [2, 1], [1, 2], [0, 0]]), stride=2, padding="VALID")


def transposed(x):
    """A transposed convolution."""
    first = _layer(x, stride=2, name="first")
    shape = [tf.shape(first)[0], 12, 12, 3]
    return tf.nn.relu(tf.nn.conv2d_transpose(first, constant([3, 3, 3, 4]), shape, [1, 2, 2, 1], name="conv"))


def folded_norm(x):
    """Batch norm written as Mul and Add of constants."""
    return tf.nn.relu(
        tf.nn.batch_normalization(_conv(x), *(constant([4], n) ** 2 for n in range(4)), 1e-3), name="relu"
    )


def fused_norm(x):
    """FusedBatchNorm, then ReLU."""
    scale, offset, mean, variance = (constant([4], n) ** 2 for n in range(4))
    norm = tf.nn.fused_batch_norm(_conv(x), scale, offset, mean, variance, is_training=False, name="norm")[0]
    return tf.nn.relu(norm, name="relu")


def norm_after_relu(x):
    """FusedBatchNorm after the ReLU, with a negative scale."""
    parameters = (constant([4], n) ** 2 for n in range(4))
    scale, offset, mean, variance = parameters
    norm = tf.nn.fused_batch_norm(_layer(x), -scale, offset, mean, variance, is_training=False, name="norm")[0]
    return _layer(norm, 3, name="last")


def relu6(x):
    """Relu6."""
    return tf.nn.relu6(tf.nn.bias_add(_conv(x) * 20, constant([4]), name="bias"), name="relu6")


def leaky(x):
    """LeakyRelu as one operation."""
    return tf.nn.leaky_relu(_conv(x), name="leaky")


def prelu(x):
    """PReLU made of several operations, with two ordinary ReLUs inside."""
    linear = _conv(x)
    return tf.subtract(tf.nn.relu(linear), constant([4]) * tf.nn.relu(-linear), name="prelu")


def swish(x):
    """x * sigmoid(x)."""
    linear = _conv(x)
    return tf.multiply(linear, tf.sigmoid(linear), name="swish")


def squeezed(x):
    """Each map times a factor computed from its mean, as in squeeze and excitation: every position sees all pixels."""
    first = _layer(x, name="first")
    factor = tf.sigmoid(_conv(tf.reduce_mean(first, [1, 2], keepdims=True), size=1, name="factor"))
    return _layer(first * factor, 3)


def mean_across(x):
    """The mean over the width alone."""
    first = _layer(x, name="first")
    return _layer(first + tf.reduce_mean(first, -2, keepdims=True), 3)


def mirrored(x):
    """Reflected borders before windows without padding, as in networks that transfer a style."""
    first = _layer(tf.pad(x, [[0, 0], [2, 1], [1, 2], [0, 0]], "REFLECT"), size=5, padding="VALID", name="first")
    return _layer(tf.pad(first, [[0, 0], [1, 1], [0, 1], [0, 0]], "SYMMETRIC"), 3, stride=2, padding="VALID")


def rearranged(x):
    """Patches as channels, split, depth to space, slice, and space to depth."""
    patches = tf.image.extract_image_patches(x, [1, 3, 3, 1], [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    one, two = tf.split(_layer(patches, 8, size=1, name="first"), 2, 3)
    part = tf.slice(tf.depth_to_space(_layer(one, name="half") + two, 2), [0, 1, 3, 0], [-1, 8, 6, -1])
    return _layer(tf.space_to_depth(part, 2), 3)


CONSTRUCTS = {
    function.__name__: function
    for function in (
        pooled, strided, valid, dilated_by_blocks, depthwise, residual, padded, transposed, folded_norm, fused_norm,
        norm_after_relu, relu6, leaky, prelu, swish, squeezed, mean_across, mirrored, rearranged,
    )
}  # fmt: skip


def graph_of(construct, shape=(None, 12, 12, 3), dtype=tf.float32):
    """The GraphDef of a construct on a placeholder "images"; what leaves it is named "output"."""
    with tf.Graph().as_default() as graph:
        tf.identity(construct(tf.placeholder(dtype, shape, "images")), name="output")
        return graph.as_graph_def()


def write_frozen(path, construct, **options):
    """Write `graph_of` to a file; returns its path as text."""
    path.write_bytes(graph_of(construct, **options).SerializeToString())
    return str(path)


def run(graph_def, output, feeds):
    """The value of one node of a graph, or of a list of nodes."""
    with tf.Graph().as_default() as graph, plain_session(graph) as session:
        tf.import_graph_def(graph_def, name="")
        names = [output] if isinstance(output, str) else output
        values = session.run([f"{name}:0" for name in names], {f"{name}:0": value for name, value in feeds.items()})
        return values[0] if isinstance(output, str) else values


def write_meta(folder, build, name="model"):
    """Train nothing: initialise the variables that `build` makes, save a checkpoint with its .meta.

    Returns:
        path of the .meta file, and the value of the node "output" for `images(2, 12, 12, 3)`.
    """
    with tf.Graph().as_default() as graph, plain_session(graph) as session:
        placeholder = tf.placeholder(tf.float32, [None, 12, 12, 3], "images")
        feeds = {placeholder: images(2, 12, 12, 3)}
        output = tf.identity(build(placeholder), name="output")
        session.run(tf.global_variables_initializer())
        prefix = tf.train.Saver().save(session, os.path.join(str(folder), name))
        return f"{prefix}.meta", session.run(output, {**feeds, **dict.fromkeys(switches(graph), False)})


def switches(graph):
    """The bool placeholders of a graph."""
    operations = [one for one in graph.get_operations() if one.type == "Placeholder"]
    return [one.outputs[0] for one in operations if one.outputs[0].dtype == tf.bool]
