"""The layers of a graph: convolutions, the outputs of residual blocks, and any other tensor that the user names."""

import re
from typing import Dict, List, Set, Tuple

from legacy_graph.graphs.dense import find_dense
from legacy_graph.graphs.ends import EndFinder, Ends
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.model import ConvLayer
from legacy_graph.graphs.op_table import CONVOLUTIONS, DENSE, of_kind, row
from legacy_graph.graphs.tensor_types import TensorType

_OPERATION_WORDS = re.compile(
    r"conv|(conv2d|convolution|depthwise|separable_conv2d|conv2d_transpose|conv2dbackpropinput|depthwiseconv2dnative"
    r"|_?fusedconv2d)(_fold)?(_\d+)?",
    re.IGNORECASE,
)
# Parts of names that come from function calls of a SavedModel.
_CALL_WORDS = ("StatefulPartitionedCall", "PartitionedCall", "inlined")
_MATMUL = re.compile(r"(^|/)MatMul(_\d+)?$", re.IGNORECASE)
_SUMS, _GATES = of_kind("sum"), of_kind("saturating")


def find_convolutions(nodes: Graph, dependent: Set[str]) -> List[str]:
    """The names, in topological order, of the convolutions whose values depend on the input.

    The inputs of a transposed convolution are: size, kernel, values. A convolution whose kernel depends on the input is
    not a layer.
    """
    names = []
    for name in nodes.order:
        if nodes.by_name[name].op in CONVOLUTIONS:
            values = values_input(nodes, name)
            if values in dependent and nodes.data_inputs(name)[1] not in dependent:
                names.append(name)
    return names


def values_input(nodes: Graph, convolution: str) -> str:
    """The name of the node whose output a convolution convolves."""
    return nodes.data_inputs(convolution)[2 if nodes.by_name[convolution].op == "Conv2DBackpropInput" else 0]


def short_labels(names: List[str]) -> Dict[str, str]:
    """{name: label}: without function calls, common scopes, and a last part that only names the operation."""
    parts = {name: [part for part in name.split("/") if part not in _CALL_WORDS] or [name] for name in names}
    plain = {
        name: words[:-1] if len(words) > 1 and _OPERATION_WORDS.fullmatch(words[-1]) else words
        for name, words in parts.items()
    }
    shared = 0
    while (
        all(len(words) > shared + 1 for words in plain.values())
        and len({words[shared] for words in plain.values()}) == 1
    ):
        shared += 1
    short = ["/".join(words[shared:]) for words in plain.values()]
    long = ["/".join(parts[name][shared:]) for name in names]
    return {
        name: label if short.count(label) == 1 else longer if long.count(longer) == 1 else name
        for name, label, longer in zip(names, short, long)
    }


def has_name(layer: ConvLayer, wanted: str) -> bool:
    """Whether the user names the layer: by its label, also with all scopes before it, or by its first node."""
    if wanted == layer.label or (wanted == layer.name and layer.operation in CONVOLUTIONS | DENSE):
        return True
    name = "/".join(part for part in layer.name.split("/") if part not in _CALL_WORDS)
    return wanted.endswith("/" + layer.label) and (name + "/").startswith(wanted + "/")


def find_layers(
    nodes: Graph, types: Dict[str, TensorType], dependent: Set[str]
) -> Tuple[Dict[str, ConvLayer], Dict[str, Tuple[str, ...]]]:
    """The convolutions, the activations after the addition of a residual block, and the dense layers.

    Args:
        nodes: of the complete graph after the input.
        types: of its tensors, as far as they are known.
        dependent: names of the nodes that depend on the input.

    Returns:
        {name of the first node: layer}, in the order of their ends; shapes and parameters are not measured. And
        {name: the nodes that read a value before the activation, see `Ends.left`}.
    """
    finder, names = EndFinder(nodes, dependent), find_convolutions(nodes, dependent)
    dense = find_dense(nodes, dependent, names)
    ends = {name: finder.find(name) for name in [*names, *dense]}
    labels = short_labels(names)
    blocks = _find_blocks(nodes, types, dependent, finder, ends)
    titles = {name: _MATMUL.sub("", name) or name for name in dense}
    titles.update((name, end.activation) for name, end in blocks.items())
    labels.update(_further_labels(titles, labels))
    ends.update(blocks)
    position = {name: number for number, name in enumerate(nodes.order)}
    ordered = sorted(ends, key=lambda name: position[ends[name].start])
    layers = {name: _new_layer(nodes, name, labels[name], *ends[name][:2]) for name in ordered}
    return layers, {name: end.left for name, end in ends.items()}


def name_tensor(nodes: Graph, layers: Dict[str, ConvLayer], dependent: Set[str], tensor: str) -> ConvLayer:
    """The layer that ends at a tensor: output 0 of any node that depends on the input.

    It is the layer of a convolution if the tensor is between this convolution and the end of its layer.
    """
    before = nodes.ancestors([tensor]) & dependent
    for name, layer in layers.items():
        if name in before and tensor in nodes.ancestors([layer.start]):
            activation = layer.activation if layer.activation in before else None
            return layer._replace(label=tensor, activation=activation, start=tensor)
    activation = tensor if row(nodes.by_name[tensor].op).projection == "relu" else None
    return _new_layer(nodes, tensor, tensor, activation, tensor)


def _new_layer(nodes, name, label, activation, start):
    return ConvLayer(name, label, nodes.by_name[name].op, activation, start, (None, None, 0), 0, None)


def _find_blocks(nodes, types, dependent, finder, ends) -> Dict[str, Ends]:
    """{addition: end} of the additions of tensors of one shape, before an activation, that belong to no other layer.

    Gates of recurrent cells, whose activation saturates, are no blocks.
    """
    inside = {end.activation for end in ends.values()}
    blocks: Dict[str, Ends] = {}
    for name in nodes.order:
        kind = types.get(name)
        if name not in dependent or name in inside or nodes.by_name[name].op not in _SUMS or not kind:
            continue
        is_image = kind.is_float and (kind.shape is None or len(kind.shape) == 4)
        shapes = [types[source].shape for source in nodes.data_inputs(name) if source in dependent]
        if is_image and len(shapes) > 1 and all(shape == shapes[0] for shape in shapes):  # else it moves by a mean
            end = finder.find(name)
            if end.activation not in (None, *inside) and nodes.by_name[end.activation].op not in _GATES:
                inside.add(end.activation)
                blocks[name] = end
    return blocks


def _further_labels(titles: Dict[str, str], labels: Dict[str, str]) -> Dict[str, str]:
    """{node: label} of the layers that are no convolutions, from {node: title}.

    A label is the title without function calls and the scopes that the labels of the convolutions do not have.
    """
    scope = _shared_scope(labels)
    short = {}
    for name, title in titles.items():
        parts = [part for part in title.split("/") if part not in _CALL_WORDS] or [title]
        shown = parts[len(scope) :] if len(parts) > len(scope) and parts[: len(scope)] == scope else parts
        short[name] = "/".join(shown)
    taken = [*labels.values(), *short.values()]
    unique = {name: label if taken.count(label) == 1 else titles[name] for name, label in short.items()}
    taken = [*labels.values(), *unique.values()]
    return {name: label if taken.count(label) == 1 else name for name, label in unique.items()}


def _shared_scope(labels) -> List[str]:
    """The scopes that `short_labels` removes from all names."""
    for name, label in labels.items():
        parts, first = [part for part in name.split("/") if part not in _CALL_WORDS], label.split("/")[0]
        return parts[: parts.index(first)] if first in parts and name != label else []
    return []
