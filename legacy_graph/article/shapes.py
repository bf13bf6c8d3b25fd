"""可能遇到的问题: the article's shape mistakes, reported while the graph is built, with a suggested fix.

TensorFlow reports some of these mistakes only when a session runs, in terms of its C++ kernels. A kernel with its
channels in the wrong order aborts the process on TensorFlow 1.15. `conv2d_transpose` below checks the shapes first.
"""

from typing import Any, List, Optional, Sequence, Union

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.layer import check_choice

PADDINGS = ("SAME", "VALID")
ORDER = "[height, width, output_channels, in_channels]"
# Names of arguments in the versions of TensorFlow, and in earlier versions of this package.
_NAMES = {"input": "value", "filter": "kernel", "filters": "kernel", "stride": "strides"}


class ShapeError(ValueError):
    """A shape mistake of the article's section 四, found while the graph is built."""


def conv2d_transpose(
    value: Optional[tf.Tensor] = None,
    kernel: Optional[tf.Tensor] = None,
    output_shape: Optional[Sequence[Union[int, tf.Tensor]]] = None,
    strides: Union[int, Sequence[int]] = 1,
    padding: str = "SAME",
    data_format: str = "NHWC",
    name: Optional[str] = None,
    **names: Any,
) -> tf.Tensor:
    """反卷积 (deconvolution): check the shapes, then call `tf.nn.conv2d_transpose`. Takes its arguments in its order.

    Args:
        value: float32 [B, H, W, in_channels], the output of a convolution: its output channels are in_channels here.
        kernel: float32 [height, width, output_channels, in_channels], the kernel of the convolution, unchanged.
        output_shape: [B, H_out, W_out, output_channels], numbers or int32 scalars; output_channels is a number.
        strides: of the convolution, in pixels: one number, two for height and width, or four in `data_format`.
        padding: "SAME" or "VALID", of the convolution.
        data_format: "NHWC", or "NCHW": then `value`, `output_shape` and four strides have the channels second.
        name: of the operation.
        names: other names of the arguments: `input` for value, `filter` or `filters` for kernel, `stride`.

    Returns:
        float32, of `output_shape`.

    Raises:
        ShapeError: the batch is a constant that differs from the batch of `value`, or that batch is unknown (the
            article's problem 2); the channels of the kernel are unknown or in the wrong order (problem 3, aborts the
            process on 1.15); the channels of `output_shape` differ from the kernel's; or a convolution with these
            strides does not reduce the height and width of `output_shape` to those of `value`.
        TypeError, ValueError: an argument is missing, given twice, unknown or of another kind.
    """
    given = {"value": value, "kernel": kernel, "output_shape": output_shape, "strides": strides}
    value, kernel, output_shape, strides = _arguments(given, names).values()
    orders = {"NHWC": [0, 1, 2, 3], "NCHW": [0, 2, 3, 1]}
    check_choice("data_format", data_format, orders)
    check_choice("padding", padding, PADDINGS)
    value, kernel, order = tf.convert_to_tensor(value), tf.convert_to_tensor(kernel), orders[data_format]
    value_shape, kernel_shape = _rank_4(value, "value"), _rank_4(kernel, "kernel")
    wanted = _numbers(output_shape)
    value_shape, wanted = [value_shape[axis] for axis in order], [wanted[axis] for axis in order]
    down, across = _strides(strides, order)
    _check_kernel(value_shape, kernel_shape)
    if wanted[3] != kernel_shape[2]:
        raise ShapeError(
            f"output_shape: its channels are {wanted[3]} but the kernel {kernel_shape} has {kernel_shape[2]} "
            f"output_channels (the order is {ORDER}): write {kernel_shape[2]} as the channels of output_shape"
        )
    _check_batch(value_shape[0], wanted[0])
    for axis, side, stride in ((1, "height", down), (2, "width", across)):
        _check_side(side, value_shape[axis], wanted[axis], kernel_shape[axis - 1], stride, padding)
    strides = [1, down, across, 1] if data_format == "NHWC" else [1, 1, down, across]
    with tf.name_scope(name, "conv2d_transpose") as scope:
        # TensorFlow 2.22 would call this node output_shape; users' logs have the name of the earlier versions.
        sizes = tf.convert_to_tensor(output_shape, tf.int32, name="input_sizes")
        return tf.nn.conv2d_transpose(value, kernel, sizes, strides, padding, data_format, scope)


def _arguments(given, names):
    """The arguments by name, after those in `names` have replaced the ones that are missing."""
    for name, content in names.items():
        if name not in _NAMES:
            raise TypeError(f"conv2d_transpose() got an unexpected keyword argument {name!r}")
        if given[_NAMES[name]] is not None and _NAMES[name] != "strides":
            raise TypeError(f"conv2d_transpose() got both {_NAMES[name]!r} and {name!r}")
        given[_NAMES[name]] = content
    missing = [name for name, content in given.items() if content is None]
    if missing:
        raise TypeError(f"conv2d_transpose() missing the arguments {', '.join(missing)}")
    return given


def _strides(strides, order):
    """The strides down and across."""
    numbers = np.atleast_1d(strides)
    if numbers.dtype.kind in "iu" and numbers.shape in ((1,), (2,), (4,)) and (numbers > 0).all():
        numbers = numbers.tolist()
        if len(numbers) < 4:
            return [numbers[0], numbers[-1]]
        batch, *sides, channels = [numbers[axis] for axis in order]
        if (batch, channels) == (1, 1):
            return sides
    expected = "one, two or four whole numbers from 1, with 1 for batch and channels"
    raise ValueError(f"strides: expected {expected}, found {strides!r}")


def dims(tensor: tf.Tensor) -> List[Union[int, tf.Tensor]]:
    """The shape of `tensor`: a number for each static dimension, an int32 scalar tensor for each dynamic one."""
    static = tensor.shape.as_list()
    if None not in static:
        return static
    dynamic = tf.unstack(tf.shape(tensor), len(static))
    return [dynamic[axis] if size is None else size for axis, size in enumerate(static)]


def _rank_4(tensor, argument):
    if tensor.shape.ndims != 4:
        order = ORDER if argument == "kernel" else "[batch, height, width, in_channels]"
        expected, hint = f"a tensor of four dimensions, {order}", "reshape it, or call set_shape"
        raise ShapeError(f"{argument}: expected {expected}, found the shape {tensor.shape}: {hint}")
    return tensor.shape.as_list()


def _numbers(output_shape):
    """`output_shape` with None for each dynamic dimension."""
    if not isinstance(output_shape, (list, tuple, np.ndarray, tf.TensorShape)) or len(output_shape) != 4:
        raise ShapeError(
            f"output_shape: expected a list of four, [batch, height, width, output_channels], found {output_shape}: "
            "write [tf.shape(value)[0], height, width, output_channels]"
        )
    # A scalar tensor may be a constant: tf.constant(1) is the same mistake as 1.
    known = [tf.get_static_value(size) if isinstance(size, tf.Tensor) else size for size in output_shape]
    return [None if size is None else int(size) for size in known]


def _check_kernel(value_shape, kernel_shape):
    channels = value_shape[3]
    if channels is None or None in kernel_shape:
        raise ShapeError(
            f"kernel: expected a shape {ORDER} known while the graph is built, found the kernel {kernel_shape} "
            f"for a value {value_shape}: call set_shape on it first"
        )
    if kernel_shape[3] != channels:
        swapped = kernel_shape[:2] + [kernel_shape[3], kernel_shape[2]]
        mend = f"swap them: {swapped}" if kernel_shape[2] == channels else "use the kernel that made this value"
        raise ShapeError(
            f"kernel: value has {channels} channels but the kernel {kernel_shape} has {kernel_shape[3]} in_channels; "
            f"the order is {ORDER}, the other way round than in a convolution that goes forward: {mend}"
        )


def _check_batch(batch, wanted):
    if wanted is not None and wanted != batch:
        found = "not known while the graph is built" if batch is None else str(batch)
        raise ShapeError(
            f"output_shape: its batch is {wanted} but the batch of value is {found}: "
            "write tf.shape(value)[0] as the first number of output_shape, [batch, height, width, output_channels]"
        )


def _check_side(side, small, wanted, window, stride, padding):
    if small is None or wanted is None:
        return
    shrunk = -(-wanted // stride) if padding == "SAME" else -(-(wanted - window + 1) // stride)
    if shrunk != small:
        raise ShapeError(
            f"output_shape: its {side} is {wanted}, which a convolution with stride {stride} and padding {padding} "
            f"turns into {shrunk}, but the {side} of value is {small}: write the {side} that the convolution was given"
        )
