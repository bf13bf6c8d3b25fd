"""Read a Keras model, .h5 or .keras, as a frozen graph in inference mode.

The Keras of the installed TensorFlow loads the model. Keras 3 traces it once with its weights as constants; Keras 2
builds it in a session, whose variables become constants. No Python code from the file runs: layers with code inside
are refused.
"""

import json
import os
import re
import shutil
import tempfile
import warnings
import zipfile

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.eager import context

from legacy_graph.errors import UserError, reason
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.read.files import unreadable
from legacy_graph.graphs.read.keras_config import EXPECTED, EXPORT, KERAS_3, check_config, to_present
from legacy_graph.graphs.read.session import snapshot
from legacy_graph.graphs.read.variables import REFERENCES, RESOURCES, Source, refuse_variables

HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
_CONFIG = "config.json"  # in a .keras archive
_MARK = "-layer"  # ends the names of layers, so that their own numbers differ from those that TensorFlow appends


def is_keras(path: str) -> bool:
    """Whether a file begins as an HDF5 file or a zip archive do, whatever its name."""
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            return file.read(len(HDF5)).startswith((HDF5, ZIP))
    except OSError:  # reported by the reader of frozen graphs
        return False


def read_keras(path: str) -> Source:
    """The model in a .h5 or .keras file as a graph with one placeholder.

    Raises:
        UserError: the file has weights only, a layer with Python code, several inputs, or a layer that this Keras does
            not know.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of settings for training
        try:
            copy = _prepared(path, folder)
            if not KERAS_3:
                return _load_keras_2(copy, path)
            with context.eager_mode():  # also in a graph, and after tf.disable_v2_behavior()
                return _load_keras_3(copy, path)
        except UserError:
            raise
        except Exception as error:  # Keras raises many types for a model that it cannot build
            text = re.sub(r"\x1b\[\d*m", "", str(error)).split("Exception encountered: ")[-1]  # without colours
            raise UserError(path, EXPECTED, " ".join(text.split())[:200] or type(error).__name__, EXPORT) from error


def _prepared(path, folder) -> str:
    """A copy with a suffix that Keras knows; of HDF5 with a configuration that Keras 2 and 3 read."""
    import h5py  # comes with TensorFlow

    with open(path, "rb") as file:
        header = file.read(512)
    if header.startswith(ZIP):
        if not zipfile.is_zipfile(path):
            raise UserError(path, "a .keras file", "a damaged zip archive", "copy it again")
        with zipfile.ZipFile(path) as archive:
            if _CONFIG not in archive.namelist():
                hint = "unpack it and name the graph in it, or convert it to a SavedModel first"
                raise unreadable(path, header, "a zip archive without config.json", hint)
            check_config(path, json.loads(archive.read(_CONFIG).decode()), 3)
        return shutil.copyfile(path, os.path.join(folder, "model.keras"))
    copy = shutil.copyfile(path, os.path.join(folder, "model.h5"))
    try:
        opened = h5py.File(copy, "r+")
    except OSError as error:
        raise UserError(path, "a .h5 file", reason(error), "copy it again") from error
    with opened as file:
        if "model_config" not in file.attrs:
            hint = "build the model, load the weights, and save it complete: model.save(FILE)"
            raise UserError(path, "a complete Keras model", "weights or other data, without a model_config", hint)
        config = json.loads(_text(file.attrs["model_config"]))
        major = int(_text(file.attrs.get("keras_version", "2")).split(".")[0])
        check_config(path, config, major)
        file.attrs["model_config"] = json.dumps(to_present(config, major)).encode()
    return copy


def _text(value) -> str:
    return value if isinstance(value, str) else value.decode()


def _load_keras_2(copy, path) -> Source:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.keras.backend.set_session(session)
        tf.keras.backend.set_learning_phase(0)
        named = {"relu6": tf.nn.relu6, "swish": tf.nn.swish, "silu": tf.nn.swish}  # later versions have these
        model = tf.keras.models.load_model(copy, named, compile=False)
        _check_inputs(path, model)
        source = snapshot(session)()
        source.graph.keep(source.graph.ancestors([tensor.op.name for tensor in model.outputs]))
        source.read([node for node in source.graph.by_name.values() if node.op in REFERENCES | RESOURCES])
    return source  # it keeps the values


def _load_keras_3(copy, path) -> Source:
    safe = {"safe_mode": True} if copy.endswith(".keras") else {}
    model = tf.keras.models.load_model(copy, compile=False, **safe)
    _check_inputs(path, model)
    kinds = (model.trainable_variables, model.non_trainable_variables)
    weights = [[np.asarray(weight) for weight in kind] for kind in kinds]

    def run(images):
        constants = [[tf.constant(weight) for weight in kind] for kind in weights]
        return model.stateless_call(*constants, images, training=False)[0]

    for layer in model._flatten_layers():
        layer.name += _MARK
    # Unlike a plain graph, a function accepts the eager tensors that a layer holds, such as those of Normalization.
    images = tf.TensorSpec(model.inputs[0].shape, model.inputs[0].dtype, model.inputs[0].name)
    graph_def = tf.wrap_function(run, [images]).graph.as_graph_def()
    for node in graph_def.node:
        node.name = _renamed(node.name)
        node.input[:] = map(_renamed, node.input)
    return Source(Graph(graph_def), [], refuse_variables(path))


def _renamed(reference: str) -> str:
    """A reference with scopes named as the layers. The scope of a second call of a layer ends with "_call_2".

    For each call, Keras 3 opens two scopes with the name of the layer: one builds it; one, with an odd number, runs it.
    """

    def suffix(number):
        call = (int(number.group(1)) + 1) // 2
        return f"_call_{call}" if call > 1 else ""

    return re.sub(rf"{_MARK}_(\d*[13579])(?=/)", suffix, reference)


def _check_inputs(path, model) -> None:
    if len(model.inputs) != 1:
        names = ", ".join(tensor.name.split(":")[0] for tensor in model.inputs)
        raise UserError(path, EXPECTED, f"{len(model.inputs)} inputs ({names})", "give a model with one input")
