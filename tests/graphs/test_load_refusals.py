"""Files and graphs that are refused: the exact line, and exit status 2 on the command line."""

import os
import re

import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.__main__ import main
from legacy_graph.errors import UserError
from legacy_graph.graphs.load import load_model
from tests.support import graph_files
from tests.support.graph_files import CONSTRUCTS, graph_of, write_frozen

KINDS = "expected a frozen graph (.pb, .pbtxt), a MetaGraph (.meta) or a SavedModel directory"
OTHER_FILES = [
    ("model.h5", b"\x89HDF\r\n\x1a\n" + bytes(50), "an HDF5 file (Keras .h5)",
     "load it with tf.keras.models.load_model(FILE) and save it with model.export(DIRECTORY)"),
    ("model.tflite", b"\x1c\0\0\0TFL3" + bytes(50), "a TensorFlow Lite file",
     "save the model it was converted from with tf.graph_util.convert_variables_to_constants, or as a SavedModel"),
    ("model.pb", b"just words\n", "a text file", "give the graph itself"),
    ("model.pb", b"", "an empty file", "copy it again"),
    ("model.pb.gz", b"\x1f\x8b\x08" + bytes(50), "a gzip archive", "unpack it"),
    ("model.keras", b"PK\x03\x04" + bytes(50), "a zip archive",
     "unpack it; load a .keras file with tf.keras.models.load_model and save it with model.export(DIRECTORY)"),
    ("model.meta", b"\xff" * 50, "a damaged file", "it is truncated or no graph: copy it again"),
]  # fmt: skip


def refusal(path, **options):
    with pytest.raises(UserError) as refused:
        load_model(str(path), **options)
    return str(refused.value)


@pytest.mark.parametrize("name, data, found, hint", OTHER_FILES, ids=[f"{row[0]} {row[2]}" for row in OTHER_FILES])
def test_other_kinds_of_files(name, data, found, hint, tmp_path):
    (tmp_path / name).write_bytes(data)
    assert refusal(tmp_path / name) == f"{tmp_path / name}: {KINDS}, found {found}; {hint}"


def test_command_line_prints_one_line_and_returns_2(tmp_path, capsys):
    assert main(["layers", "--graph", str(tmp_path / "none.pb")]) == 2
    told = capsys.readouterr()
    line = f"legacy_graph: {tmp_path / 'none.pb'}: {KINDS}, found No such file or directory; check the path\n"
    assert (told.out, told.err) == ("", line)


def test_a_directory_without_a_saved_model(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    expected = f"{tmp_path}: {KINDS}, found a directory with notes.txt; "
    assert refusal(tmp_path) == expected + "name the file, or the directory of saved_model.pb"


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.99])
def test_a_truncated_graph(share, tmp_path):
    data = graph_of(CONSTRUCTS["residual"]).SerializeToString()
    (tmp_path / "model.pb").write_bytes(data[: int(len(data) * share)])
    line = refusal(tmp_path / "model.pb")
    assert line == f"{tmp_path / 'model.pb'}: {KINDS}, found a damaged file; it is truncated or no graph: copy it again"


def test_a_graph_cut_between_two_nodes(tmp_path):
    graph_def = graph_of(CONSTRUCTS["pooled"])
    del graph_def.node[0]
    (tmp_path / "model.pb").write_bytes(graph_def.SerializeToString())
    expected = f"{tmp_path / 'model.pb'}: expected a complete graph, found node conv that reads the missing node images"
    assert refusal(tmp_path / "model.pb") == expected + "; the file is truncated: copy it again"


@pytest.mark.parametrize("operation, count", [("Conv2D", 1), ("Conv2DBackpropInput", 2), ("Switch", 1), ("Mean", 1)])
def test_a_node_with_too_few_inputs(operation, count, tmp_path):
    graph_def = graph_of(CONSTRUCTS["pooled"])
    node = next(node for node in graph_def.node if node.name == "conv")
    node.op, inputs = operation, [*node.input, "^images"]
    del node.input[:]
    node.input.extend(inputs[:count] + inputs[-1:])
    (tmp_path / "model.pb").write_bytes(graph_def.SerializeToString())
    found = f"node conv ({operation}) with the number of inputs {count}"
    expected = f"{tmp_path / 'model.pb'}: expected a complete graph, found {found}; the file is damaged: copy it again"
    assert refusal(tmp_path / "model.pb") == expected


def convolution(x):
    return tf.nn.conv2d(x, graph_files.constant([3, 3, 3, 4]), [1, 1, 1, 1], "SAME", name="conv")


def in_three_dimensions(x):
    return tf.nn.conv3d(x[:, None], graph_files.constant([1, 3, 3, 3, 4]), [1] * 5, "SAME", name="volume")


def quantised(x):
    low, high = tf.constant(0.0), tf.constant(1.0)
    whole = tf.quantize(x, low, high, tf.quint8, name="whole").output
    return convolution(tf.dequantize(whole, low, high))


def by_python(x):
    y = tf.py_func(lambda value: value, [x], tf.float32, name="code")
    y.set_shape(x.shape)
    return convolution(y)


def from_file(x):
    words = tf.io.read_file("/etc/hostname", name="secret")
    return convolution(x + tf.cast(tf.strings.length(words), tf.float32))


def through_integers(x):
    return convolution(tf.cast(tf.cast(x * 255, tf.int32, name="whole"), tf.float32))


def with_batch_statistics(x):
    norm = tf.nn.fused_batch_norm(x, [1.0] * 3, [0.0] * 3, is_training=True, name="norm")[0]
    return convolution(norm)


def noisy(x):
    return convolution(x + tf.random_uniform([12, 12, 3], name="noise"))


def looped(x):
    x = tf.nn.conv2d(x, graph_files.constant([1, 1, 3, 3]), [1] * 4, "SAME", name="first")
    return convolution(tf.while_loop(lambda n, y: n < 3, lambda n, y: (n + 1, y * 2), [0, x], name="loop")[1])


def variables(x):
    kernel = tf.get_variable("kernel", initializer=graph_files.constant([3, 3, 3, 4]), use_resource=False)
    return tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME")


def dense(x):
    return tf.matmul(tf.reshape(x, [-1, 432]), graph_files.constant([432, 5]))


GRAPHS = [
    (in_three_dimensions, "operation Conv3D (volume): expected 2-D convolutions, found a 3-D one; "
     "no picture shows a volume: use a 2-D model"),
    (quantised, "operation QuantizeV2 (whole): expected a float graph, found a quantised one; "
     "give the graph before quantisation"),
    (by_python, "operation PyFunc (code): expected operations that only compute, found PyFunc; "
     "it runs code or touches files: name a node after it with --input"),
    (from_file, "operation ReadFile (secret): expected operations that only compute, found ReadFile; "
     "it runs code or touches files: name a node after it with --input"),
    (through_integers, "operation Cast (whole): expected a float path from the input to layer conv, found int32; "
     "name a node after it with --input"),
    (with_batch_statistics, "operation FusedBatchNormV3 (norm): expected a batch norm in inference mode, "
     "found statistics of the batch; export the graph for inference"),
    (noisy, "operation RandomUniform (noise/RandomUniform): expected a graph for inference, found random numbers; "
     "export the graph for inference"),
]  # fmt: skip


@pytest.mark.parametrize("construct, line", GRAPHS, ids=[row[0].__name__ for row in GRAPHS])
def test_graphs_that_cannot_be_shown(construct, line, tmp_path):
    assert refusal(write_frozen(tmp_path / "model.pb", construct)) == line


def test_a_while_loop(tmp_path):
    line = refusal(write_frozen(tmp_path / "model.pb", looped), layer="conv")
    assert re.search(
        "^operation .*: expected (a graph without loops, found a while|plain operations, found a func)", line
    )


def test_variables_without_values(tmp_path):
    path = write_frozen(tmp_path / "model.pb", variables)
    expected = f"{path}: expected a frozen graph, found the variable kernel; "
    assert refusal(path) == expected + "name the checkpoint with --checkpoint, or freeze the graph"


def test_a_graph_without_convolutions(tmp_path):
    path = write_frozen(tmp_path / "model.pb", dense)
    expected = f"{path}: expected a graph with 2-D convolutions, found none; give a convolutional network"
    assert refusal(path) == expected


def test_an_unknown_operation(tmp_path):
    graph_def = graph_of(lambda x: convolution(tf.identity(x, name="odd")))
    next(node for node in graph_def.node if node.name == "odd").op = "TheirOwn"
    (tmp_path / "model.pb").write_bytes(graph_def.SerializeToString())
    expected = f"operation TheirOwn (odd): expected operations that TensorFlow {tf.__version__} knows, found TheirOwn; "
    assert refusal(tmp_path / "model.pb") == expected + "export the graph without custom operations"


def test_several_inputs_are_listed(tmp_path):
    path = write_frozen(tmp_path / "model.pb", lambda x: convolution(x + tf.placeholder(tf.float32, x.shape, "other")))
    hint = "name the node that takes the images with --input"
    assert refusal(path) == f"--input: expected one input, found several: images, other; {hint}"
    expected = "placeholder other: expected one input, found another one; a layer needs its value: freeze it"
    assert refusal(path, input="images") == expected
    assert refusal(path, input="x") == f"--input: expected a node of the graph such as images, other, found x; {hint}"


def test_an_unknown_layer_and_a_wrong_size(tmp_path):
    path = write_frozen(tmp_path / "model.pb", CONSTRUCTS["residual"])
    expected = "--layer: expected one of first, second, conv, found x; list them with the command layers"
    assert refusal(path, layer="x") == expected
    expected = "--size: expected 12 x 12, found 9 x 12; leave it out: the graph fixes the size"
    assert refusal(path, size=(9, 12)) == expected


@pytest.mark.parametrize("size, windows", [((1, 12), "3 from 1"), ((12, 2), "3 from 2"), ((7, 12), "3 from 2")])
def test_images_that_are_too_small(size, windows, tmp_path):
    """A convolution 3 x 3, a pool 3 x 3 of stride 2, a convolution 3 x 3, all VALID, for images of any size."""
    path = write_frozen(tmp_path / "model.pb", CONSTRUCTS["valid"], shape=(None, None, None, 3))
    found = f"{size[0]} x {size[1]} (Negative dimension size caused by subtracting {windows})"
    expected = f"image size: expected a height and width that the graph accepts, found {found}; "
    assert refusal(path, size=size) == expected + "choose larger images, or a larger --size"


def test_options_that_do_not_belong_together(tmp_path, capsys):
    path = write_frozen(tmp_path / "model.pb", CONSTRUCTS["pooled"])
    expected = f"--signature: expected a SavedModel directory, found {path}; "
    assert refusal(path, signature="x") == expected + "leave it out: only a SavedModel has signatures"
    expected = f"--checkpoint: expected a MetaGraph, found the SavedModel {tmp_path}; "
    assert refusal(tmp_path, checkpoint="x") == expected + "leave it out: a SavedModel holds its variables"
    for option in ("--checkpoint", "--signature", "--input"):
        assert main(["layers", option, "x"]) == 2
        line = f"legacy_graph: {option}: expected --graph PATH beside it, found none; name the graph with --graph\n"
        assert capsys.readouterr().err == line


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(str(tmp_path / "model.pb"))
    assert "found a pipe or a device; copy the graph to a file" in refusal(tmp_path / "model.pb")
