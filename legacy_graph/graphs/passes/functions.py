"""Inline function calls. This runs before variables become constants, because functions take variable handles."""

from typing import Dict, List

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.graph import Graph, check_size
from legacy_graph.graphs.nodes import canonical, new_node
from legacy_graph.graphs.op_table import of_kind
from legacy_graph.graphs.operations import definition

_CALLS, _CONDITIONALS = of_kind("call"), of_kind("conditional")


def inline_functions(graph: Graph) -> List[str]:
    """Replace each call by the nodes of its function, and each conditional on a constant by the branch taken.

    The nodes of a function called by the node "call" are named "call/...", or "call/inlined/...". Other calls, such as
    loops, remain; `check_operations` refuses them.

    Raises:
        UserError: a function is damaged or calls itself, or the graph becomes too large.
    """
    functions = {function.signature.name: function for function in graph.library.function}
    while True:
        _choose_branches(graph)
        calls = [node for node in graph.by_name.values() if node.op in _CALLS and _called(node) in functions]
        if not calls:
            return []
        sizes = _sizes(functions)
        check_size(len(graph.by_name) + sum(sizes[_called(call)] for call in calls))
        _inline(graph, calls, functions)


def _called(node) -> str:
    return node.attr["f"].func.name


def _sizes(functions) -> Dict[str, int]:
    """{name of a function: number of its nodes, with those of the functions that it calls}."""
    calls = {name: [_called(node) for node in known.node_def if node.op in _CALLS] for name, known in functions.items()}
    sizes = dict.fromkeys(functions, 0)
    for _ in range(len(functions) + 1):  # each round counts the calls one level deeper
        before, sizes = sizes, {
            name: len(known.node_def) + sum(sizes.get(inner, 0) for inner in calls[name])
            for name, known in functions.items()
        }  # fmt: skip
        if sizes == before:
            return sizes
    name, hint = next(name for name in sizes if sizes[name] != before[name]), "export the graph without recursion"
    raise UserError(f"function {name}", "a function that does not call itself", "one that does", hint)


def _choose_branches(graph):
    """Replace each If on a constant by a call of the branch that is taken."""
    conditionals = [node for node in graph.by_name.values() if node.op in _CONDITIONALS]
    for node, taken in [(node, graph.truth(node.input[0])) for node in conditionals]:
        if taken is not None:
            attributes = {"Tin": node.attr["Tin"], "Tout": node.attr["Tout"]}
            attributes["f"] = node.attr["then_branch" if taken else "else_branch"]
            graph.add(new_node("PartitionedCall", node.name, node.input[1:], **attributes))


def _inline(graph, calls, functions):
    """Replace the calling nodes by the nodes of their functions."""
    scopes = {name.rsplit("/", depth)[0] for name in graph.by_name for depth in range(1, name.count("/") + 1)}
    bodies: Dict[str, List[tf.NodeDef]] = {}
    replacements: Dict[str, str] = {}
    for call in calls:
        function, scope = functions[_called(call)], call.name
        while scope in scopes:
            scope += "/inlined"
        outputs = _outputs(function, functions)
        names = {nested: f"{scope}/{canonical(flat)}" for nested, flat in outputs.items()}
        names.update(zip((argument.name for argument in function.signature.input_arg), graph.references(call.name)))
        try:
            bodies[call.name] = [_copy(node, scope, names) for node in function.node_def]
            results = [names[function.ret[result.name]] for result in function.signature.output_arg]
        except KeyError as error:
            where, hint = f"function {function.signature.name}", "the file is damaged: export the graph again"
            found = f"one that reads the missing tensor {error}"
            raise UserError(where, "a complete function", found, hint) from error
        replacements.update((canonical(f"{call.name}:{number}"), result) for number, result in enumerate(results))
    graph.expand(bodies)
    graph.drop_control_inputs(bodies)
    graph.redirect(replacements)


def _copy(node, scope, names):
    """A node of a function as a node of the graph. Control inputs only order side effects here."""
    copy = tf.NodeDef()
    copy.CopyFrom(node)
    copy.name = f"{scope}/{node.name}"
    copy.input[:] = [names[text] for text in node.input if not text.startswith("^")]
    return copy


def _outputs(function, functions) -> Dict[str, str]:
    """{"node:argument:number" in a function: "node:number" in a graph} of all outputs that the function reads."""
    nodes, flat = {node.name: node for node in function.node_def}, {}
    for text in [text for node in function.node_def for text in node.input] + list(function.ret.values()):
        name, *argument = text.split(":")
        if argument and name in nodes:
            flat[text] = f"{name}:{_number(nodes[name], *argument, functions)}"
    return flat


def _number(node, name, position, functions) -> int:
    """The number of an output of a node; within its argument if this TensorFlow does not know the operation."""
    known = functions[node.op].signature if node.op in functions else definition(node.op)
    number = int(position)
    for argument in known.output_arg if known else ():  # `check_operations` refuses an unknown one that a layer needs
        if argument.name == name:
            break
        lists = node.attr[argument.type_list_attr].list.type if argument.type_list_attr else [1]
        number += node.attr[argument.number_attr].i if argument.number_attr else len(lists)
    return number
