"""What the layers of a graph respond to, from Python and in notebooks.

    model = legacy_graph.load_model("model.pb", range=(-1, 1))
    print(model.layers)
    model.sheet("conv2", "photos")                       # a notebook shows it as a picture
    spots = model.top_activations("conv2", "photos")     # the same as numpy arrays

The results are those of the commands `layers` and `features`. Bad input raises `legacy_graph.UserError`, whose message
names the options of the commands: `--range` is the argument `range`.
"""

import functools
from typing import Dict, Optional, Sequence, Tuple, Union

import tensorflow.compat.v1 as tf

from legacy_graph.config import DEFAULT_SIGNATURE
from legacy_graph.data import arguments
from legacy_graph.errors import short_path
from legacy_graph.graphs.read import read_source
from legacy_graph.graphs.read.session import image_tensor_name, session_graph, snapshot
from legacy_graph.graphs.target import Loader, read_preprocessing
from legacy_graph.visualize.loaded_model import LoadedModel


def load_model(
    path: str,
    checkpoint: Optional[str] = None,
    signature: str = DEFAULT_SIGNATURE,
    input: Optional[str] = None,
    size: Optional[Tuple[int, int]] = None,
    values: Optional[Dict[str, bool]] = None,
    tags: Optional[str] = None,
    range: Optional[Tuple[float, float]] = None,
    mean: Sequence[float] = (),
    bgr: bool = False,
) -> LoadedModel:
    """Load a graph that someone else trained. A graph is a program: load only graphs that you trust.

    Args:
        path: a frozen graph (.pb, .pbtxt), a MetaGraph (.meta), a Keras file (.h5, .keras) or a SavedModel directory.
        checkpoint: prefix of the checkpoint of a MetaGraph; by default the checkpoint beside the .meta file.
        signature, tags: of a SavedModel.
        input: name of the node that takes the images, if there are several.
        size: height and width of the images in pixels, if the graph does not fix them.
        values: of bool placeholders, such as {"is_training": False}; by default their names decide.
        range: input values of this graph for the pixel values 0 and 255, such as (-1, 1); required for pictures and
            uint8 arrays.
        mean: subtracted after `range`: one number, or three for red, green and blue.
        bgr: whether the graph takes the channels in the order blue, green, red.

    Raises:
        UserError: the graph cannot be read, run, or shown correctly.
    """
    path = arguments.file_path("path", path)
    checkpoint = checkpoint if checkpoint is None else arguments.file_path("checkpoint", checkpoint)
    for name, value in (("signature", signature), ("tags", tags), ("input", input)):
        if value is not None:
            arguments.text(name, value, "a name, as text", "correct it or leave it out")
    read = functools.partial(read_source, path, checkpoint, signature, tags)
    loader = Loader(read, path, input, size, values, read_preprocessing(range, mean, bgr))
    return LoadedModel(loader, short_path(path))


def from_session(
    session: tf.Session,
    images: Union[tf.Tensor, str],
    size: Optional[Tuple[int, int]] = None,
    values: Optional[Dict[str, bool]] = None,
    range: Optional[Tuple[float, float]] = None,
    mean: Sequence[float] = (),
    bgr: bool = False,
) -> LoadedModel:
    """The graph of an open session, with the values that its variables have now. Adds nothing to the graph.

    Args:
        session: with values for the variables of the layers.
        images: the tensor that takes the images, float32 [B, H, W, channels], or its name.
        size, values, range, mean, bgr: as in `load_model`.

    Raises:
        UserError: the session is closed, a variable has no value, `images` is a tensor of another graph, or the graph
            cannot be shown correctly.
    """
    name = image_tensor_name(images, session_graph(session))
    loader = Loader(snapshot(session), "session", name, size, values, read_preprocessing(range, mean, bgr))
    loader.load()  # reads the variables now
    return LoadedModel(loader, "the session")
