"""Follow the images of a batch through an operation that may combine several inputs, see `batch_rules`."""

from typing import Callable, Dict

import numpy as np

from legacy_graph.graphs.batch_rules import BATCH, IMAGES, UNKNOWN, Batch, Result, Step, move_of
from legacy_graph.graphs.op_table import row

_APART = "images along different axes"
_DIFFERENT = "other values for each image, which do not depend on it"
_PRODUCT = "a product of values of several images"


def _rank(tensor):
    return tensor.shape.ndims


def _dependent(step):
    """[(tensor, where its images are)], and the other tensors."""
    pairs = list(zip(step.operation.inputs, step.inputs))
    return [pair for pair in pairs if pair[1]], [tensor for tensor, batch in pairs if not batch]


def _from_right(step, tensors=None):
    """Where the images are with the axis counted from the right, if this is the same in all inputs; else why not.

    Inputs beside the images must have the same values for each image.
    """
    dependent, others = _dependent(step)
    if any(_rank(tensor) is None for tensor, _ in dependent):
        return UNKNOWN
    places = {batch._replace(axis=batch.axis - _rank(tensor)) for tensor, batch in dependent}
    if len(places) > 1:
        return _APART
    (place,) = places
    same = all(_is_same_for_all(step, tensor, place) for tensor in others)
    return place if same else _DIFFERENT


def _is_same_for_all(step, tensor, place):
    """Whether a tensor beside the images has the same values for each image. The axis counts from the right."""
    rank = _rank(tensor)
    if rank is None or rank + place.axis < 0 or tensor.shape.as_list()[place.axis] == 1:
        return rank is not None
    value = step.value(tensor)
    if value is None or value.shape[place.axis] != place.before * IMAGES * place.after:
        return value is not None and value.shape[place.axis] == 1
    value = np.moveaxis(value, place.axis, 0).reshape(place.before, IMAGES, place.after, -1)
    return bool((value == value[:, :1]).all())


def _aligned(step, first):
    """Elementwise, with broadcasting."""
    dependent, _ = _dependent(step)
    if any(_rank(tensor) is None for tensor, _ in dependent):  # inputs of an unknown rank have the same rank
        return first if {batch for _, batch in dependent} == {first} else _APART
    place = _from_right(step)
    rank = max(_rank(tensor) or 0 for tensor in step.operation.inputs)
    return place if isinstance(place, str) else place._replace(axis=rank + place.axis)


def _select(step, first):
    """Select: a condition of rank 1 selects along axis 0."""
    condition, branch, _ = step.operation.inputs
    if _rank(condition) != 1 or _rank(branch) == 1:
        return _aligned(step, first)
    if {batch for batch in step.inputs if batch} != {Batch()}:
        return _APART
    return first if step.inputs[0] or _is_same_for_all(step, condition, Batch(-1)) else _DIFFERENT


def _joined(step, first):
    """Concat, ConcatV2."""
    axis, place = step.value(step.operation.inputs[row(step.operation.type).axes]), _from_right(step)
    if axis is None or int(axis) % _rank(_dependent(step)[0][0][0]) == first.axis:
        return UNKNOWN if axis is None else BATCH
    return place if isinstance(place, str) else first


def _packed(step, first):
    """At axis 0 the position of the image is the second index: a reshape may join both."""
    place = _from_right(step)
    return place if isinstance(place, str) else first._replace(axis=move_of(step).sources.index(first.axis))


def _gathered(step, first):
    """Gather, GatherV2: inputs values, indices, axis."""
    values, indices = step.inputs[:2]
    axis = 0 if step.operation.type == "Gather" else step.value(step.operation.inputs[2])
    attributes = step.operation.node_def.attr
    if axis is None or any(map(bool, step.inputs[2:])):
        return UNKNOWN
    if attributes["batch_dims"].i if "batch_dims" in attributes else 0:
        return first if values == indices == Batch() else _APART
    rank, axis = [_rank(tensor) for tensor in step.operation.inputs[:2]], int(axis)
    if values and indices or None in rank:
        return _APART
    axis %= rank[0]
    if indices:
        return first._replace(axis=axis + first.axis)
    return BATCH if axis == first.axis else first._replace(axis=first.axis + (axis < first.axis) * (rank[1] - 1))


def _indexed(step, first):
    """GatherNd with indices that depend on the images, of values that do not."""
    indices = step.operation.inputs[1]
    beside = not step.inputs[0] and _rank(indices) is not None and first.axis < _rank(indices) - 1
    return first if beside else _APART


def _matrices(*transposes):
    """The rule of a matrix product; `transposes` are the attributes that transpose its inputs."""

    def rule(step, first):
        dependent, _ = _dependent(step)
        if any(_rank(tensor) is None for tensor in step.operation.inputs):
            return UNKNOWN
        number, rank = step.inputs.index(first), max(map(_rank, step.operation.inputs))
        axis = first.axis - _rank(step.operation.inputs[number])
        if axis < -2:
            place = _from_right(step)
            return place if isinstance(place, str) else place._replace(axis=rank + place.axis)
        if step.operation.get_attr(transposes[number]):
            axis = -3 - axis
        return first._replace(axis=rank + axis) if len(dependent) == 1 and axis == (-2, -1)[number] else _PRODUCT

    return rule


def _einsum(step, first):
    terms, output = step.operation.get_attr("equation").decode().replace(" ", "").split("->")
    if "." in terms:
        return "an equation with an ellipsis"
    labels = {term[batch.axis] for term, batch in zip(terms.split(","), step.inputs) if batch}
    parts = {batch._replace(axis=0) for batch in step.inputs if batch}
    (label, *more) = labels
    if more or len(parts) > 1 or any(term.count(label) > 1 for term in terms.split(",")) or label not in output:
        return _PRODUCT
    for term, tensor, batch in zip(terms.split(","), step.operation.inputs, step.inputs):
        place = first._replace(axis=term.find(label) - len(term))
        if not batch and label in term and not _is_same_for_all(step, tensor, place):
            return _DIFFERENT
    return first._replace(axis=output.index(label))


RULES: Dict[str, Callable[[Step, Batch], Result]] = {
    "aligned": _aligned, "select": _select, "joined": _joined, "packed": _packed, "gathered": _gathered,
    "indexed": _indexed, "matmul": _matrices("transpose_a", "transpose_b"), "batch matmul": _matrices("adj_x", "adj_y"),
    "einsum": _einsum,
}  # fmt: skip
