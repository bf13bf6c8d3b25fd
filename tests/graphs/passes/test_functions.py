"""Functions that call functions: sizes, and bombs."""

import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.load import load_model
from legacy_graph.graphs.nodes import new_node
from tests.support.graph_files import CONSTRUCTS, graph_of

FLOATS = tf.AttrValue(list=tf.AttrValue.ListValue(type=[1]))


def call(name, function, source):
    value = tf.AttrValue()
    value.func.name = function
    return new_node("PartitionedCall", name, [source], Tin=FLOATS, Tout=FLOATS, f=value)


def add_function(library, name, nodes, result):
    """A function from the argument "x" to `result`."""
    function = library.function.add()
    function.signature.name = name
    argument, output = function.signature.input_arg.add(), function.signature.output_arg.add()
    argument.name, argument.type, output.name, output.type = "x", 1, "y", 1
    function.node_def.extend(nodes)
    function.ret["y"] = result


def write_called(path, function, define):
    """A construct whose images pass through a call of `function`, of the library that `define` fills."""
    graph_def = graph_of(CONSTRUCTS["pooled"])
    define(graph_def.library)
    convolution = next(node for node in graph_def.node if node.name == "conv")
    convolution.input[0] = "call"
    graph_def.node.extend([call("call", function, "images")])
    path.write_bytes(graph_def.SerializeToString())
    return str(path)


def doubling(depth):
    def define(library):
        for level in range(depth):
            inner = f"f{level + 1}"
            add_function(library, f"f{level}", [call("a", inner, "x"), call("b", inner, "a:output:0")], "b:output:0")
        add_function(library, f"f{depth}", [new_node("Neg", "n", ["x"], T=tf.AttrValue(type=1))], "n:y:0")

    return define


def test_nested_calls_are_inlined(tmp_path):
    model = load_model(write_called(tmp_path / "model.pb", "f0", doubling(3)))
    assert sum(node.op == "Neg" for node in model.graph_def.node) == 8


def test_more_calls_than_any_memory_holds_are_refused(tmp_path):
    with pytest.raises(UserError, match="^graph: expected at most 200,000 nodes .* found 3,221,"):
        load_model(write_called(tmp_path / "model.pb", "f0", doubling(30)))


@pytest.mark.parametrize("names", [["f"], ["f", "g"], ["f", "g", "h"]])
def test_a_function_that_calls_itself_is_refused(names, tmp_path):
    def define(library):
        for name, inner in zip(names, names[1:] + names[:1]):
            add_function(library, name, [call("again", inner, "x")], "again:output:0")

    with pytest.raises(UserError, match="^function .*: expected a function that does not call itself"):
        load_model(write_called(tmp_path / "model.pb", "f", define))


def boolean(operation, name, *sources):
    return new_node(operation, name, sources)


def test_truth_of_a_deep_chain_and_of_a_wide_tree():
    true = tf.AttrValue(tensor=tf.make_tensor_proto(True))
    nodes = [new_node("Const", "n0", dtype=tf.AttrValue(type=10), value=true)]
    nodes += [boolean("LogicalNot", f"n{number}", f"n{number - 1}") for number in range(1, 5000)]
    nodes += [boolean("LogicalAnd", "t0", "n4998", "n4998")]
    nodes += [boolean("LogicalAnd", f"t{number}", *[f"t{number - 1}"] * 2) for number in range(1, 60)]
    graph = Graph(tf.GraphDef(node=nodes))
    assert (graph.truth("n4999"), graph.truth("n4998"), graph.truth("t59")) == (False, True, True)


@pytest.mark.parametrize("operation, back", [("Identity", "b"), ("IdentityN", "b:1"), ("Merge", "b")])
def test_a_cycle_is_refused(operation, back, tmp_path):
    graph_def = graph_of(CONSTRUCTS["pooled"])
    kind = tf.AttrValue(list=tf.AttrValue.ListValue(type=[1, 1])) if operation == "IdentityN" else tf.AttrValue(type=1)
    graph_def.node.extend([new_node(operation, "a", ["images", back][: 1 + (operation != "Identity")], T=kind)])
    graph_def.node.extend([new_node("Identity", "b", ["a"], T=tf.AttrValue(type=1))])
    graph_def.node[-2].input[0] = back
    next(node for node in graph_def.node if node.name == "conv").input[0] = "a"
    (tmp_path / "model.pb").write_bytes(graph_def.SerializeToString())
    with pytest.raises(UserError, match="^graph: expected no cycles, found a cycle through node"):
        load_model(str(tmp_path / "model.pb"))


def test_an_identity_of_its_own_output_is_refused(tmp_path):
    graph_def = graph_of(CONSTRUCTS["pooled"])
    kind = tf.AttrValue(list=tf.AttrValue.ListValue(type=[1, 1]))
    graph_def.node.extend([new_node("IdentityN", "a", ["images", "a:1"], T=kind)])
    next(node for node in graph_def.node if node.name == "conv").input[0] = "a:1"
    (tmp_path / "model.pb").write_bytes(graph_def.SerializeToString())
    with pytest.raises(UserError, match="^graph: expected no cycles, found a cycle through node a"):
        load_model(str(tmp_path / "model.pb"))


def test_a_deeply_nested_text_is_refused(tmp_path):
    (tmp_path / "deep.pbtxt").write_text("node{attr{key:'a' value{list{" + "func{attr{key:'a' value{list{" * 5000)
    with pytest.raises(UserError, match="found a text file"):
        load_model(str(tmp_path / "deep.pbtxt"))
