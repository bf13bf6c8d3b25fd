"""Read a GraphDef, MetaGraphDef or SavedModel, and refuse other kinds of files with a clear message."""

import itertools
import json
import os
import re
from typing import Type, TypeVar

import tensorflow.compat.v1 as tf
from google.protobuf import text_format
from google.protobuf.message import DecodeError, Message
from tensorflow.core.protobuf import saved_model_pb2

from legacy_graph.errors import UserError, reason
from legacy_graph.graphs.graph import check_size
from legacy_graph.graphs.operations import definition

KINDS = "a frozen graph (.pb, .pbtxt), a MetaGraph (.meta), a Keras file (.h5, .keras) or a SavedModel directory"
_FREEZE = "with tf.graph_util.convert_variables_to_constants, or as a SavedModel"
_CONVERTERS = {  # the tools that write a SavedModel of the two kinds of TensorFlow.js models
    "keras_saved_model": "tensorflowjs_converter --input_format tfjs_layers_model --output_format keras_saved_model",
    "tf_saved_model": "tfjs_graph_converter --output_format tf_saved_model (of the package tfjs-graph-converter)",
}
_CHECKPOINT = (
    "a checkpoint, which has no graph",
    "name its .meta file, or name the graph and give --checkpoint PREFIX",
)
_ONNX2TF = "convert it with onnx2tf -i model.onnx -osd, and give the SavedModel that this writes"
_PYTORCH = ("a PyTorch model", f"write it with torch.onnx.export, then {_ONNX2TF}")
# INPUT is the name of the input. Without --inputs-as-nchw, onnx2tf takes the height of the images for their channels.
_TF2ONNX = "python -m tf2onnx.convert --tflite model.tflite --output model.onnx --inputs-as-nchw INPUT:0"
_FOREIGN = ("a model of another framework", "convert it to a SavedModel first")
_ARRAYS = ("numpy arrays, which have no graph", "build the network, load the arrays, and save it as a SavedModel")
# Pattern of the first bytes -> what the file is, and what to do.
_OTHER_BYTES = (
    (
        b"....TFL3",
        "a TensorFlow Lite file",
        f"save the model it was converted from {_FREEZE}; or write an ONNX file with {_TF2ONNX}, then {_ONNX2TF}",
    ),
    (b"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|.{257}ustar", "an archive", "unpack it"),
    (rb"\x80\x02\x8a\nl\xfc\x9cF|PK\x03\x04.{26}[^\0]*data\.pkl", *_PYTORCH),
    (b"\x80[\x02-\x05]", *_FOREIGN),  # a pickle
    (rb"\x93NUMPY|PK\x03\x04.{26}[^\0]*\.npy", *_ARRAYS),
    (b"version https://git-lfs", "a pointer of Git LFS", "fetch the file itself: git lfs pull"),
    (rb"\s*<(!doctype|html)", "a web page", "download the file itself"),
    (b"model_checkpoint_path:", *_CHECKPOINT),
)
# Pattern of the end of the name of a file that is no graph -> what the file is, and what to do.
_OTHER_NAMES = (
    (r"\.index|\.data-\d+-of-\d+", *_CHECKPOINT),
    (r"\.pth?", *_PYTORCH),
    (r"\.onnx", "an ONNX model", _ONNX2TF),
    (r"\.(caffemodel|prototxt|mlmodel|weights|cfg|params|safetensors)", *_FOREIGN),
    (r"\.tfevents\.[^/]*", "a file of summaries", "give the graph"),
)
_Proto = TypeVar("_Proto", bound=Message)


def read_graph(path: str, kind: Type[_Proto] = tf.GraphDef) -> tf.GraphDef:
    """Read the graph in a GraphDef or a MetaGraphDef, binary or text.

    Raises:
        UserError: the file is missing, of another kind, truncated or empty.
    """
    message = _parse(path, kind)
    graph_def = message if kind is tf.GraphDef else message.graph_def
    if not graph_def.node:
        hint = (
            "give the file that holds the graph" if kind is tf.GraphDef else "give the .meta file beside the checkpoint"
        )
        raise unreadable(path, b"", "a file without nodes", hint)
    check_references(graph_def, path)
    return graph_def


def read_saved_model(directory: str) -> saved_model_pb2.SavedModel:
    """Read saved_model.pb or saved_model.pbtxt of a SavedModel directory.

    Raises:
        UserError: the directory holds neither, or the file is damaged.
    """
    names = sorted(os.listdir(directory))
    for name in ("saved_model.pb", "saved_model.pbtxt"):
        if name in names:
            saved_model = _parse(os.path.join(directory, name), saved_model_pb2.SavedModel)
            if saved_model.meta_graphs:
                return saved_model
            raise _bad_file(os.path.join(directory, name), "a file without graphs", "export the model again")
    if "keras_metadata.pb" in names or "config.json" in names:
        raise _bad_file(directory, "a Keras directory", "export it with model.export(DIRECTORY)")
    if "model.json" in names:
        _parse(os.path.join(directory, "model.json"), tf.GraphDef)
    inside = ", ".join(names[:5]) or "nothing"
    raise _bad_file(directory, f"a directory with {inside}", "name the file, or the directory of saved_model.pb")


def check_references(graph_def: tf.GraphDef, path: str) -> None:
    """Refuse a damaged graph: a node is empty, reads a missing node, or has fewer inputs than its operation needs."""
    check_size(len(graph_def.node))
    names = {node.name for node in graph_def.node}
    for node in graph_def.node:
        if not node.name or not node.op:
            raise _bad_file(path, "a node without a name or an operation", "it is no graph: copy it again")
        for reference in node.input:
            if reference.lstrip("^").split(":")[0] not in names:
                found = f"node {node.name} that reads the missing node {reference}"
                raise _bad_file(path, found, "the file is truncated: copy it again", "a complete graph")
    functions = [function.node_def for function in graph_def.library.function]
    for node in itertools.chain(graph_def.node, *functions):
        count = sum(not reference.startswith("^") for reference in node.input)
        if count < _required_inputs(node.op):
            found = f"node {node.name} ({node.op}) with the number of inputs {count}"
            raise _bad_file(path, found, "the file is damaged: copy it again", "a complete graph")


def _required_inputs(operation):
    """The number of inputs without lists, whose length an attribute tells."""
    known = definition(operation)
    arguments = known.input_arg if known else []
    return sum(not (argument.number_attr or argument.type_list_attr) for argument in arguments)


def _parse(path: str, kind: Type[_Proto]) -> _Proto:
    data = _read(path)
    message = kind()
    try:
        if _is_text(data):
            _refuse_json(path, data)
            return text_format.Parse(data, message)
        message.ParseFromString(data)
    except (text_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(path, data, "a text file", "give the graph itself") from error
    except (DecodeError, RuntimeError) as error:
        _refuse_saved_model(path, data, kind)
        raise unreadable(path, data, "a damaged file", "it is truncated or no graph: copy it again") from error
    if kind is tf.GraphDef and not message.node:
        _refuse_saved_model(path, data, kind)
    return message


def _read(path):
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise _bad_file(path, "a pipe or a device", "copy the graph to a file")  # reading a pipe would wait for ever
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        found = _CHECKPOINT if os.path.exists(path + ".index") else (reason(error), "check the path")
        raise _bad_file(path, *found) from error
    if not data:
        raise _bad_file(path, "an empty file", "copy it again")
    for found, hint in _kinds(data):
        raise _bad_file(path, found, hint)
    return data


def _refuse_json(path, data):
    """Refuse JSON: the model.json of TensorFlow.js, with the lists of its weights, or the layers of a Keras model."""
    try:
        content = json.loads(data.decode())
    except ValueError:
        return
    if isinstance(content, dict) and {"modelTopology", "weightsManifest"} & set(content):
        to = "keras_saved_model" if content.get("format") == "layers-model" else "tf_saved_model"
        hint = f"convert it with {_CONVERTERS[to]}, and give that directory"
        raise _bad_file(path, "a TensorFlow.js model", hint)
    if isinstance(content, dict) and "class_name" in content:
        hint = "build the model, load the weights, and save it complete: model.save(FILE)"
        raise _bad_file(path, "a Keras model without weights", hint)


def unreadable(path: str, data: bytes, found: str, hint: str) -> UserError:
    """The error for a file that is no graph: what its first bytes or its name say it is, or else `found`."""
    kinds = [*_kinds(data), *(what for pattern, *what in _OTHER_NAMES if re.search(f"({pattern})$", path))]
    return _bad_file(path, *(kinds or [(found, hint)])[0])


def _kinds(data):
    """(what a file is, what to do) of the kinds of files that begin with these bytes."""
    return [what for pattern, *what in _OTHER_BYTES if re.match(pattern, data[:512], re.DOTALL | re.IGNORECASE)]


def _is_text(data):
    if any(byte < 9 or 13 < byte < 32 for byte in data[:4096]):
        return False
    try:
        return bool(data.decode())
    except UnicodeDecodeError:
        return False


def _refuse_saved_model(path, data, kind):
    try:
        graphs = saved_model_pb2.SavedModel.FromString(data).meta_graphs
    except (DecodeError, RuntimeError):
        return
    if graphs and kind is not saved_model_pb2.SavedModel:
        directory = os.path.dirname(path) or "."
        raise _bad_file(path, "the graph file of a SavedModel", f"name its directory, {directory}")


def _bad_file(path, found, hint, expected=KINDS):
    return UserError(path, expected, found, hint)
