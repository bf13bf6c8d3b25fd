"""What the page posts for the graph of --graph: a picture, or an array of images. Does not import TensorFlow."""

import io

import numpy as np

from legacy_graph.board.answers import NOT_FOUND, HttpError
from legacy_graph.board.open_graph import OpenGraph
from legacy_graph.data import npz
from legacy_graph.data.images import Images, from_array, from_checked_array
from legacy_graph.data.pictures import read_picture
from legacy_graph.errors import UserError, explain

LARGEST = 2**28  # bytes of an array; an .npz file may be compressed
HINT = "save one array of floating point or uint8 values by numpy.save"


def read_posted(graph: OpenGraph, content: bytes) -> Images:
    """The posted images. A picture and uint8 values are prepared as --range says; other values are fed as they are.

    Raises:
        UserError: neither a picture nor an array; or an array that does not match the graph.
    """
    if content.startswith((npz.NPY, npz.NPZ)):
        with explain("array", "an .npy or .npz file with one array", HINT, npz.DAMAGE):
            array = npz.read_single(content, LARGEST)
        preprocessing = graph.preprocessing if array.dtype == np.uint8 else None
        return from_checked_array(array, "array", graph.model.input_shape, preprocessing)
    if graph.about is None:
        raise UserError("signal", "an .npy or .npz file with one array", "another format", HINT)
    pixels = read_picture("picture", graph.model.input_shape, io.BytesIO(content))
    return from_array(pixels[None], graph.preprocessing, graph.about)


def choose_image(images: Images, number: int) -> Images:
    """One of the images.

    Raises:
        HttpError: there is no such image.
    """
    if number >= len(images):
        raise HttpError(NOT_FOUND, "image", f"at most {len(images) - 1}", number, "reload the page")
    return from_array(images.read([number]), images.preprocessing, images.about)
