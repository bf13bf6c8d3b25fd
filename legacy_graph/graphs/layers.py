"""The layers of a graph: convolutions, outputs of residual blocks, dense layers, and any tensor that the user names."""

import collections
import os
import re
from typing import Dict, List, Optional, Set, Tuple

from legacy_graph.graphs.ends import EndFinder, Ends
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.model import ConvLayer
from legacy_graph.graphs.op_table import CONVOLUTIONS, DENSE, of_kind, row
from legacy_graph.graphs.operations import attribute

_OPERATION_WORDS = re.compile(
    r"conv|(conv2d|convolution|depthwise|separable_conv2d|conv2d_transpose|conv2dbackpropinput|depthwiseconv2dnative"
    r"|_?fusedconv2d)(_fold)?(_\d+)?",
    re.IGNORECASE,
)
# Parts of names that come from function calls of a SavedModel.
_CALL_WORDS = {*of_kind("call"), "inlined"}
_MATMUL = re.compile(r"(^|/)MatMul(_\d+)?$", re.IGNORECASE)
_SUMS, _GATES = of_kind("sum"), of_kind("saturating")
# Without operations that a conversion to NHWC only surrounds with transposes: their output may stay NCHW.
_NHWC = {
    name for name in of_kind("join", "max pool", "average pool", "rearranging") if row(name).layout != "transposed"
}
_BEGINNINGS = of_kind("resize") | _NHWC


def find_convolutions(graph: Graph) -> List[str]:
    """The names, in topological order, of the convolutions whose values depend on the images.

    The inputs of a transposed convolution are: size, kernel, values. A convolution whose kernel depends on the images
    is not a layer.
    """
    names, dependent = [], graph.dependent
    for name in graph.order:
        if graph.by_name[name].op in CONVOLUTIONS:
            values = values_input(graph, name)
            if values in dependent and graph.data_inputs(name)[1] not in dependent:
                names.append(name)
    return names


def values_input(graph: Graph, convolution: str) -> str:
    """The name of the node whose output a convolution convolves."""
    return graph.data_inputs(convolution)[2 if graph.by_name[convolution].op == "Conv2DBackpropInput" else 0]


def find_dense(graph: Graph, convolutions: List[str]) -> List[str]:
    """The names, in topological order, of the products with weights after the convolutions.

    Not a layer: a product that a convolution depends on, such as that of a squeeze-and-excitation block; and a step of
    a recurrent cell, which multiplies by the same weights as a product before or after it.

    Args:
        graph: complete after the input.
        convolutions: from `find_convolutions`.
    """
    before, dependent = graph.ancestors(graph.names(CONVOLUTIONS)), graph.dependent
    after = graph.dependents(convolutions) - before
    products = [name for name in graph.order if name in after and _has_weights(graph, name, dependent)]
    steps = _find_steps(graph, products)
    return [name for name in products if name not in steps]


def _find_steps(graph, products) -> Set[str]:
    """The products that read the same weights as a product that they depend on, or that depends on them."""
    sharing: Dict[str, List[str]] = collections.defaultdict(list)
    for name in products:
        sharing[_weights(graph, name)].append(name)
    steps: Set[str] = set()
    for names in sharing.values():
        if len(names) > 1 and names[0] in graph.ancestors(names[-1:]):
            steps.update(names)
    return steps


def _weights(graph, name) -> str:
    """The constant or variable with the weights of a convolution or product, or the operation that computes them."""
    return graph.root(graph.by_name[name].input[1])


def _has_weights(graph, name, dependent):
    node = graph.by_name[name]
    if node.op not in DENSE or attribute(node, "transpose_a").b:
        return False
    values, weights = graph.data_inputs(name)
    return values in dependent and weights not in dependent


def short_labels(convolutions: List[str], titles: Optional[Dict[str, str]] = None) -> Dict[str, str]:
    """Short unique labels of layers.

    The label of a convolution is its name without function calls, the scopes that all convolutions share, and a last
    part that only names the operation. That of another layer is its title without function calls and these scopes.

    Args:
        convolutions: names.
        titles: {name of another layer: what to call it}.

    Returns:
        {name: label}.
    """
    words = {name: _words(name) for name in convolutions}
    plain = {
        name: parts[:-1] if len(parts) > 1 and _OPERATION_WORDS.fullmatch(parts[-1]) else parts
        for name, parts in words.items()
    }
    shared = len(os.path.commonprefix([parts[:-1] for parts in plain.values()]))
    scope = next(iter(plain.values()), [])[:shared]
    ways = {name: [plain[name][shared:], words[name][shared:], [name]] for name in convolutions}
    labels = _first_unique(ways, [])
    ways = {}
    for name, title in (titles or {}).items():
        parts = _words(title)
        is_inside = len(parts) > shared and parts[:shared] == scope
        ways[name] = [parts[shared:] if is_inside else parts, [title], [name]]
    return {**labels, **_first_unique(ways, list(labels.values()))}


def _words(name) -> List[str]:
    return [part for part in name.split("/") if part not in _CALL_WORDS] or [name]


def _first_unique(ways, taken) -> Dict[str, str]:
    """{name: the first of its ways to write the label that is neither another label nor taken}."""
    labels = {name: "/".join(short) for name, (short, *_) in ways.items()}
    for number in (1, 2):
        counts = collections.Counter([*taken, *labels.values()])
        labels = {name: label if counts[label] == 1 else "/".join(ways[name][number]) for name, label in labels.items()}
    return labels


def _numbered_as_weights(graph, labels, names) -> Dict[str, str]:
    """The labels, with the numbers of scopes as in the names of the weights, if the labels stay unique.

    Keras 3 opens the scope of a layer anew when it exports a model: conv2d_1_1 reads the kernel of the layer conv2d_1.
    """
    renamed = dict(labels)
    for name in names:
        scopes = _weights(graph, name).split("/")[:-1]
        parts = [(part, re.sub(r"_\d+$", "", part)) for part in labels[name].split("/")]
        renamed[name] = "/".join(plain if plain in scopes and part not in scopes else part for part, plain in parts)
    counts = collections.Counter(renamed.values())
    renamed = {name: label if counts[label] == 1 else labels[name] for name, label in renamed.items()}
    return renamed if len({*renamed.values()}) == len(labels) else labels


def has_name(layer: ConvLayer, wanted: str) -> bool:
    """Whether the user names the layer: by its label, also with all scopes before it, or by its first node."""
    if wanted == layer.label or (wanted == layer.name and layer.operation in CONVOLUTIONS | DENSE):
        return True
    name = "/".join(_words(layer.name)) + "/"
    return wanted.endswith("/" + layer.label) and name.startswith(wanted + "/")


def find_layers(graph: Graph) -> Tuple[Dict[str, ConvLayer], Dict[str, Tuple[str, ...]]]:
    """The convolutions, the dense layers, and the activations that belong to neither, as after a residual block.

    Args:
        graph: complete after the input; with the types of its tensors, as far as they are known.

    Returns:
        {name of the first node: layer}, in the order of their ends; shapes and parameters are not measured. And
        {name: the nodes that read a value before the activation, see `Ends.left`}.
    """
    finder, names = EndFinder(graph), find_convolutions(graph)
    dense = find_dense(graph, names)
    ends = {name: finder.find(name) for name in [*names, *dense]}
    blocks = _find_blocks(graph, finder, ends)
    titles = {name: _MATMUL.sub("", name) or name for name in dense}
    titles.update((name, end.activation) for name, end in blocks.items())
    labels = short_labels(names, titles)
    labels = _numbered_as_weights(graph, labels, list(ends))
    ends.update(blocks)
    position = {name: number for number, name in enumerate(graph.order)}
    ordered = sorted(ends, key=lambda name: position[ends[name].start])
    layers = {name: _new_layer(graph, name, labels[name], *ends[name][:2]) for name in ordered}
    return layers, {name: end.left for name, end in ends.items()}


def name_tensor(graph: Graph, layers: Dict[str, ConvLayer], tensor: str) -> ConvLayer:
    """The layer that ends at a tensor: output 0 of any node that depends on the images.

    It is the layer of a convolution if the tensor is between this convolution and the end of its layer.
    """
    before = graph.ancestors([tensor])
    for name, layer in layers.items():
        if name in before and tensor in graph.ancestors([layer.start]):
            activation = layer.activation if layer.activation in before else None
            return layer._replace(label=tensor, activation=activation, start=tensor)
    activation = tensor if row(graph.by_name[tensor].op).projection == "relu" else None
    return _new_layer(graph, tensor, tensor, activation, tensor)


def _new_layer(graph, name, label, activation, start):
    return ConvLayer(name, label, graph.by_name[name].op, activation, start, (None, None, 0), 0, None)


def _find_blocks(graph, finder, ends) -> Dict[str, Ends]:
    """{first node: end} of the activations that belong to no convolution or product.

    They follow an addition of tensors of one shape (a residual block), a concatenation (a dense block, CReLU), a pool,
    a resize or depth_to_space; or they are the maximum of several maps (maxout). Gates of recurrent cells, whose
    activation saturates, are no layers.
    """
    inside = {end.activation for end in ends.values()}
    types, dependent = graph.types, graph.dependent
    blocks: Dict[str, Ends] = {}
    for name in graph.order:
        kind, operation = types.get(name), graph.by_name[name].op
        if name not in dependent or name in inside or not kind or not kind.is_float:
            continue
        sources = [types[source] for source in graph.data_inputs(name) if source in dependent]
        is_maximum = _is_maximum(graph, name, sources)
        begins = operation in _BEGINNINGS or (operation in _SUMS and _are_alike(sources))
        if (kind.shape is None or len(kind.shape) == 4) and (is_maximum or begins):
            end = finder.end_at(name) if is_maximum else finder.find(name)
            if end.activation not in (None, *inside) and graph.by_name[end.activation].op not in _GATES:
                inside.add(end.activation)
                blocks[name] = end
    return blocks


def _is_maximum(graph, name, sources):
    """Whether a node is the maximum of several maps: of two tensors, or of groups of channels [B, H, W, C, group]."""
    node = graph.by_name[name]
    if node.op == "Max":
        axes = graph.constant(node.input[1])
        return len(sources[0].shape or ()) == 5 and axes is not None and axes.ravel().tolist() in ([4], [-1])
    return node.op == "Maximum" and _are_alike(sources)


def _are_alike(sources):
    """Whether there are several tensors, all of one shape. A mean that a norm subtracts has another shape."""
    return len(sources) > 1 and all(source.shape == sources[0].shape for source in sources)
