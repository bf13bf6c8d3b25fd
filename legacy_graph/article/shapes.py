"""可能遇到的问题: the article's shape mistakes, reported while the graph is built, with a suggested fix.

TensorFlow reports some of these mistakes only when a session runs, in terms of its C++ kernels. A kernel with its
channels in the wrong order aborts the process on TensorFlow 1.15. `conv2d_transpose` below checks the shapes first.
"""

from typing import List, Optional, Sequence, Union

import tensorflow.compat.v1 as tf

ORDER = "[height, width, output_channels, in_channels]"


class ShapeError(ValueError):
    """A shape mistake of the article's section 四, found while the graph is built."""


def conv2d_transpose(
    value: tf.Tensor,
    kernel: tf.Tensor,
    output_shape: Sequence[Union[int, tf.Tensor]],
    stride: int = 1,
    padding: str = "SAME",
    name: Optional[str] = None,
) -> tf.Tensor:
    """反卷积 (deconvolution): check the shapes, then call `tf.nn.conv2d_transpose`.

    Args:
        value: float32 [B, H, W, in_channels], the output of a convolution: its output channels are in_channels here.
        kernel: float32 [height, width, output_channels, in_channels], the kernel of the convolution, unchanged.
        output_shape: [B, H_out, W_out, output_channels], numbers or int32 scalars; output_channels is a number.
        stride: of the convolution, in pixels, for height and width.
        padding: "SAME" or "VALID", of the convolution.
        name: of the operation.

    Returns:
        float32 [B, H_out, W_out, output_channels].

    Raises:
        ShapeError: the batch is a constant that differs from the batch of `value`, or that batch is unknown (the
            article's problem 2); the channels of the kernel are unknown or in the wrong order (problem 3, aborts the
            process on 1.15); the channels of `output_shape` differ from the kernel's; or a convolution with this
            stride does not reduce the height and width of `output_shape` to those of `value`.
    """
    value_shape, kernel_shape = _rank_4(value, "value"), _rank_4(kernel, "kernel")
    wanted = _numbers(output_shape)
    _check_kernel(value_shape, kernel_shape)
    if wanted[3] != kernel_shape[2]:
        raise ShapeError(
            f"output_shape: its channels are {wanted[3]} but the kernel {kernel_shape} has {kernel_shape[2]} "
            f"output_channels (the order is {ORDER}): write {kernel_shape[2]} as the last number of output_shape"
        )
    _check_batch(value_shape[0], wanted[0])
    for axis, side in ((1, "height"), (2, "width")):
        _check_side(side, value_shape[axis], wanted[axis], kernel_shape[axis - 1], stride, padding)
    return tf.nn.conv2d_transpose(value, kernel, output_shape, [1, stride, stride, 1], padding, name=name)


def dims(tensor: tf.Tensor) -> List[Union[int, tf.Tensor]]:
    """The shape of `tensor`: a number for each static dimension, an int32 scalar tensor for each dynamic one."""
    static = tensor.shape.as_list()
    if None not in static:
        return static
    dynamic = tf.unstack(tf.shape(tensor), len(static))
    return [dynamic[axis] if size is None else size for axis, size in enumerate(static)]


def _rank_4(tensor, argument):
    if tensor.shape.ndims != 4:
        raise ShapeError(
            "{}: expected a tensor of four dimensions, {}, found the shape {}: reshape it, or call set_shape".format(
                argument, ORDER if argument == "kernel" else "[batch, height, width, in_channels]", tensor.shape
            )
        )
    return tensor.shape.as_list()


def _numbers(output_shape):
    """`output_shape` with None for each dynamic dimension."""
    if isinstance(output_shape, tf.Tensor) or len(output_shape) != 4:
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
