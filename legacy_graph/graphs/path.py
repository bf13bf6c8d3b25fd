"""The operations between the images and a layer, and which projection methods are defined for them.

The deconvnet and guided backpropagation define a rule for the ReLU. All other operations must be linear, or max pools.
With any other activation on the path, only the gradient is defined.

Source: Zeiler and Fergus, ECCV 2014, section 2.1; Springenberg et al., "Striving for Simplicity", ICLR 2015 workshop.
"""

import itertools
from typing import Callable, List, NamedTuple, Set, Tuple

import tensorflow.compat.v1 as tf

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.op_table import LINEAR, RELUS, SHAPES, row


class Path(NamedTuple):
    """The operations between the images and the projected tensor."""

    operations: List[tf.Operation]  # including the start, without the images
    differentiated: List[tf.Operation]  # without those that only a StopGradient reads
    relus: List[tf.Operation]  # Relu and Relu6
    max_pools: int
    undefined: List[str]  # nodes for which the deconvnet and guided backpropagation are not defined


def find_path(images: tf.Tensor, start: tf.Tensor) -> Path:
    """The operations that carry floating point values from `images` to `start`."""
    operations = _between(images, start)
    on_path = {images} | {tensor for operation in operations for tensor in operation.outputs}
    dependent = {images} | {tensor for operation in find_dependents(images) for tensor in operation.outputs}
    undefined = {operation.name for operation in operations if not _is_defined(operation, dependent)}
    for operation in operations:
        undefined |= _split_activation(operation, on_path)
    return Path(
        operations,
        _between(images, start, through_stops=False),
        [operation for operation in operations if operation.type in RELUS],
        sum(row(operation.type).projection == "max pool" for operation in operations),
        [operation.name for operation in operations if operation.name in undefined],
    )


def open_stops(graph_def: tf.GraphDef, input: str, start: str) -> None:
    """Replace StopGradient by Identity where no other way leads from `input` to `start`. Changes the graph.

    A network that is trained on top of a frozen one stops the gradient for the training only. Beside another way, as in
    a straight-through estimator, the operation defines the gradient and stays.
    """
    nodes = Graph(graph_def)
    closed = {name for name in nodes.ancestors([start]) if row(nodes.by_name[name].op).kind == "stop"}
    while closed:
        reached = nodes.dependents([input], without=closed)
        stopped = [name for name in nodes.order if name in closed and reached.intersection(nodes.data_inputs(name))]
        if start in reached or not stopped:
            return
        nodes.by_name[stopped[-1]].op = "Identity"
        closed.remove(stopped[-1])


def _between(images, start, through_stops=True):
    needed, waiting = set(), [start.op]
    while waiting:
        operation = waiting.pop()
        if operation not in needed and (through_stops or row(operation.type).kind != "stop"):
            needed.add(operation)
            waiting += [tensor.op for tensor in operation.inputs]
    reached = find_dependents(images, lambda tensor: tensor.dtype.is_floating and tensor.op in needed)
    return [operation for operation in start.graph.get_operations() if operation in reached]


def _has_value(tensor):
    return tensor.op.type not in SHAPES


def find_dependents(images: tf.Tensor, carries: Callable[[tf.Tensor], bool] = _has_value) -> Set[tf.Operation]:
    """The operations whose results depend on the values of `images`, by tensors that carry them."""
    reached: Set[tf.Operation] = set()
    waiting = [images]
    while waiting:
        for operation in waiting.pop().consumers():
            outputs = [tensor for tensor in operation.outputs if carries(tensor)]
            if outputs and operation not in reached:
                reached.add(operation)
                waiting += outputs
    return reached


def _is_defined(operation, dependent):
    """Whether the projection through an operation is defined for every method.

    A product of two tensors that depend on the images, such as values and their mask, is not linear.
    """
    known = row(operation.type)
    if known.projection in ("product", "divided"):
        numbers = [number for number, tensor in enumerate(operation.inputs) if tensor in dependent]
        allowed = (0,) if known.projection == "divided" else known.data
        training = "is_training" in operation.node_def.attr and operation.get_attr("is_training")
        return len(numbers) == 1 and (allowed is None or numbers[0] in allowed) and not training
    return known.projection in ("linear", "relu", "max pool")


def _split_activation(operation, on_path):
    """Names of ReLUs that are part of another activation, such as PReLU(x) = relu(x) - alpha * relu(-x).

    The operation adds the output of the ReLU to a tensor with the same source that did not pass this ReLU. Empty for
    any other operation: the sum of relu(x) and 2 * relu(x) is linear in relu(x).
    """
    if row(operation.type).kind != "sum":
        return set()
    traces = [_trace(tensor, on_path) for tensor in operation.inputs if tensor in on_path]
    parts = set()
    for (root, relus), (other_root, others) in itertools.permutations(traces, 2):
        if root is other_root:
            parts |= relus - others
    return parts


def _trace(tensor, on_path) -> Tuple[tf.Tensor, set]:
    """(source tensor, ReLUs) of a chain of elementwise operations that ends in `tensor`."""
    relus = set()
    while tensor.op.type in LINEAR or tensor.op.type in RELUS:
        inputs = [source for source in tensor.op.inputs if source in on_path]
        if len(inputs) != 1:
            break
        if tensor.op.type in RELUS:
            relus.add(tensor.op.name)
        tensor = inputs[0]
    return tensor, relus
