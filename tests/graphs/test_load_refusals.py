"""Files and graphs that are refused: what the line names and what it says to do; exit status 2 on the command line."""

import io
import os
import zipfile

import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.__main__ import main
from legacy_graph.errors import UserError
from legacy_graph.graphs.load import load_model
from tests.support import graph_files
from tests.support.graph_files import CONSTRUCTS, graph_of, write_frozen

ZIPPED = io.BytesIO()
zipfile.ZipFile(ZIPPED, "w").writestr("conv1.npy", b"data")
OTHER_FILES = [
    ("model.h5", b"\x89HDF\r\n\x1a\n" + bytes(50), ".h5", "copy it again"),
    ("model.tflite", b"\x1c\0\0\0TFL3" + bytes(50), "TensorFlow Lite", "convert_variables_to_constants"),
    ("lite.bin", b"\x1c\0\0\0TFL3" + bytes(50), "TensorFlow Lite", "tf2onnx.convert --tflite"),
    ("model.pb", b"just words\n", "text file", "give the graph itself"),
    ("model.pb", b"", "empty", "copy it again"),
    ("model.pb.gz", b"\x1f\x8b\x08" + bytes(50), "archive", "unpack it"),
    ("model.tar", b"model" + bytes(252) + b"ustar" + bytes(50), "archive", "unpack it"),
    ("model.pkl", b"\x80\x02" + bytes(50), "another framework", "convert it"),
    ("model.caffemodel", b"\xff" * 50, "another framework", "convert it"),
    ("model.onnx", b"\xff" * 50, "ONNX", "onnx2tf"),
    ("model.bin", ZIPPED.getvalue().replace(b"conv1.npy", b"_data.pkl"), "PyTorch", "torch.onnx.export"),
    ("model.pth", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "PyTorch", "torch.onnx.export"),
    ("weights.npz", ZIPPED.getvalue(), "numpy arrays", "build the network"),
    ("model.zip", ZIPPED.getvalue().replace(b"conv1.npy", b"_model.pb"), "zip archive", "unpack it"),
    ("model.pb", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS", "git lfs pull"),
    ("model.pb", b"\n<!DOCTYPE html>", "web page", "download"),
    ("checkpoint", b'model_checkpoint_path: "model.ckpt-7"\n', "checkpoint", ".meta"),
    ("model.ckpt-7.index", b"\xff" * 50, "checkpoint", ".meta"),
    ("model.ckpt-7.data-00000-of-00001", b"\xff" * 50, "checkpoint", ".meta"),
    ("model.json", b'{"class_name": "Sequential", "config": []}', "without weights", "load the weights"),
    ("model.json", b'{"format": "layers-model", "modelTopology": {}}', "TensorFlow.js model", "keras_saved_model"),
    ("model.json", b'{"format": "graph-model", "weightsManifest": []}', "TensorFlow.js model", "tfjs_graph_converter"),
    ("model.json", b'{"nodes": []}', "text file", "give the graph itself"),
    ("model.keras", b"PK\x03\x04" + bytes(50), "zip", "copy it again"),
    ("model.meta", b"\xff" * 50, "damaged", "copy it again"),
]


def refuse(path, *words, **options):
    """Loading is refused, and the line contains the words."""
    with pytest.raises(UserError) as refused:
        load_model(str(path), **options)
    assert [word for word in words if word not in str(refused.value)] == [], refused.value


@pytest.mark.parametrize("name, data, kind, hint", OTHER_FILES, ids=[f"{row[0]} {row[2]}" for row in OTHER_FILES])
def test_other_kinds_of_files(name, data, kind, hint, tmp_path):
    (tmp_path / name).write_bytes(data)
    refuse(tmp_path / name, name, kind, hint)


def test_command_line_prints_one_line_and_returns_2(tmp_path, capsys):
    assert main(["layers", "--graph", str(tmp_path / "none.pb")]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1
    assert str(tmp_path / "none.pb") in told.err and "No such file" in told.err


def test_a_directory_without_a_saved_model(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    refuse(tmp_path, str(tmp_path), "notes.txt", "saved_model.pb")
    (tmp_path / "model.json").write_text('{"format": "layers-model", "modelTopology": {}}')
    refuse(tmp_path, "TensorFlow.js model", "keras_saved_model")


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.99])
def test_a_truncated_graph(share, tmp_path):
    data = graph_of(CONSTRUCTS["residual"]).SerializeToString()
    (tmp_path / "model.pb").write_bytes(data[: int(len(data) * share)])
    refuse(tmp_path / "model.pb", "model.pb", "damaged", "copy it again")


def test_a_graph_cut_between_two_nodes(tmp_path):
    graph_def = graph_of(CONSTRUCTS["pooled"])
    del graph_def.node[0]
    (tmp_path / "model.pb").write_bytes(graph_def.SerializeToString())
    refuse(tmp_path / "model.pb", "node conv", "missing node images", "copy it again")


@pytest.mark.parametrize("operation, count", [("Conv2D", 1), ("Conv2DBackpropInput", 2), ("Switch", 1), ("Mean", 1)])
def test_a_node_with_too_few_inputs(operation, count, tmp_path):
    graph_def = graph_of(CONSTRUCTS["pooled"])
    node = next(node for node in graph_def.node if node.name == "conv")
    node.op, inputs = operation, [*node.input, "^images"]
    del node.input[:]
    node.input.extend(inputs[:count] + inputs[-1:])
    (tmp_path / "model.pb").write_bytes(graph_def.SerializeToString())
    refuse(tmp_path / "model.pb", f"conv ({operation})", f"inputs {count}", "copy it again")


def convolution(x, maps=4):
    return tf.nn.conv2d(x, graph_files.constant([3, 3, 3, maps]), [1, 1, 1, 1], "SAME", name="conv")


def in_three_dimensions(x):
    return tf.nn.conv3d(x[:, None], graph_files.constant([1, 3, 3, 3, 4]), [1] * 5, "SAME", name="volume")


def quantised(x):
    low, high = tf.constant(0.0), tf.constant(1.0)
    whole = tf.quantize(x, low, high, tf.quint8, name="whole").output
    return convolution(tf.dequantize(whole, low, high))


def python_code(x):
    y = tf.py_func(lambda value: value, [x], tf.float32, name="code")
    y.set_shape(x.shape)
    return y


def file_length(x):
    words = tf.io.read_file("/etc/hostname", name="secret")
    return x + tf.cast(tf.strings.length(words), tf.float32)


def batch_statistics(x):
    return tf.nn.fused_batch_norm(x, [1.0] * 3, [0.0] * 3, is_training=True, name="norm")[0]


def noise(x):
    return x + tf.random_uniform([12, 12, 3], name="noise")


def through_integers(x):
    return convolution(tf.cast(tf.cast(x * 255, tf.int32, name="whole"), tf.float32))


def looped(x):
    x = tf.nn.conv2d(x, graph_files.constant([1, 1, 3, 3]), [1] * 4, "SAME", name="first")
    return convolution(tf.while_loop(lambda n, y: n < 3, lambda n, y: (n + 1, y * 2), [0, x], name="loop")[1])


def kernel_of_the_images(x):
    return tf.nn.conv2d(x, tf.reshape(x[0, :3, :3], [3, 3, 3, 1]), [1] * 4, "SAME")


def variables(x):
    kernel = tf.get_variable("kernel", initializer=graph_files.constant([3, 3, 3, 4]), use_resource=False)
    return tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME")


def dense(x):
    return tf.matmul(tf.reshape(x, [-1, 432]), graph_files.constant([432, 5]))


GRAPHS = {
    in_three_dimensions: ("Conv3D (volume)", "2-D"),
    quantised: ("QuantizeV2 (whole)", "before quantisation"),
    kernel_of_the_images: ("kernel",),
    through_integers: ("Cast (whole)", "layer conv", "int32", "--input"),
}
# Each of these runs before the convolution, or between it and its activation, which belongs to the layer.
CHANGES = {
    python_code: ("PyFunc (code)", "--input"),
    file_length: ("ReadFile (secret)", "--input"),
    batch_statistics: ("FusedBatchNormV3 (norm)", "statistics of the batch", "for inference"),
    noise: ("RandomUniform (noise/RandomUniform)", "for inference"),
}


@pytest.mark.parametrize("construct, words", GRAPHS.items(), ids=[construct.__name__ for construct in GRAPHS])
def test_graphs_that_cannot_be_shown(construct, words, tmp_path):
    refuse(write_frozen(tmp_path / "model.pb", construct), *words)


@pytest.mark.parametrize("change, words", CHANGES.items(), ids=[change.__name__ for change in CHANGES])
def test_operations_that_do_not_run(change, words, tmp_path):
    refuse(write_frozen(tmp_path / "before.pb", lambda x: convolution(change(x))), *words)
    if change is not python_code:  # a layer ends before it
        refuse(write_frozen(tmp_path / "after.pb", lambda x: tf.nn.relu(change(convolution(x, 3)))), *words)


def test_a_while_loop(tmp_path):
    refuse(write_frozen(tmp_path / "model.pb", looped), "operation", "loop", layer="conv")


def test_variables_without_values(tmp_path):
    refuse(write_frozen(tmp_path / "model.pb", variables), "model.pb", "variable kernel", "--checkpoint")


def test_a_graph_without_convolutions(tmp_path):
    refuse(write_frozen(tmp_path / "model.pb", dense), "model.pb", "2-D convolutions, found none")


def test_an_unknown_operation(tmp_path):
    graph_def = graph_of(lambda x: convolution(tf.identity(x, name="odd")))
    next(node for node in graph_def.node if node.name == "odd").op = "TheirOwn"
    (tmp_path / "model.pb").write_bytes(graph_def.SerializeToString())
    refuse(tmp_path / "model.pb", "TheirOwn (odd)", tf.__version__, "custom operations")
    next(
        node for node in graph_def.node if node.name == "odd"
    ).attr.clear()  # as the call of a function in TensorFlow 1
    (tmp_path / "model.pb").write_bytes(graph_def.SerializeToString())
    refuse(tmp_path / "model.pb", "TheirOwn (odd)", tf.__version__, "custom operations and functions")


def test_a_file_of_empty_nodes(tmp_path):
    """Two bytes of any file can be a node without a name: tag 10, length 0."""
    (tmp_path / "model.pb").write_bytes(b"\n\0" * 9)
    refuse(tmp_path / "model.pb", "model.pb", "frozen graph", "without a name", "copy it again")


def test_several_inputs_are_listed(tmp_path):
    path = write_frozen(tmp_path / "model.pb", lambda x: convolution(x + tf.placeholder(tf.float32, x.shape, "other")))
    refuse(path, "--input", "several: images, other")
    refuse(path, "placeholder other", "constant", input="images")
    refuse(path, "such as images, other", "found 'x'", input="x")


def test_an_unknown_layer_and_a_wrong_size(tmp_path):
    path = write_frozen(tmp_path / "model.pb", CONSTRUCTS["residual"])
    refuse(path, "--layer", "first, second, sum, conv", "found 'x'", layer="x")
    refuse(path, "--size", "12 x 12", "9 x 12", "leave it out", size=(9, 12))


@pytest.mark.parametrize(
    "size, node", [((1, 12), "Conv2D (first)"), ((3, 3), "MaxPool (pool)"), ((7, 12), "Conv2D (conv)")]
)
def test_images_that_are_too_small(size, node, tmp_path):
    """A convolution 3 x 3, a pool 3 x 3 of stride 2, a convolution 3 x 3, all VALID, for images of any size."""
    path = write_frozen(tmp_path / "model.pb", CONSTRUCTS["valid"], shape=(None, None, None, 3))
    refuse(path, "image size", f"{size[0]} x {size[1]}", node, "larger --size", size=size)


def test_options_that_do_not_belong_together(tmp_path, capsys):
    path = write_frozen(tmp_path / "model.pb", CONSTRUCTS["pooled"])
    refuse(path, "--signature", path, "leave it out", signature="x")
    refuse(tmp_path, "--checkpoint", str(tmp_path), "leave it out", checkpoint="x")
    for option in ("--checkpoint", "--signature", "--input"):
        assert main(["layers", option, "x"]) == 2
        error = capsys.readouterr().err
        assert option in error and "--graph" in error and error.count("\n") == 1


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(str(tmp_path / "model.pb"))
    refuse(tmp_path / "model.pb", "pipe", "copy the graph to a file")
