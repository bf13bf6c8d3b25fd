"""Project a layer of any graph to the pixels: `tf.gradients` with a different gradient for the ReLU.

`gradient_rules` has the gradients (rules); `project` checks that each node on the path used its rule.
"""

from typing import Dict, Iterator, NamedTuple, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.article.deconv import TIES_IN_WORDS, select_activations
from legacy_graph.config import DECONVNET, FIRST, GRADIENT, GUIDED, METHODS, OCCLUSION
from legacy_graph.errors import UserError, reason
from legacy_graph.graphs.crops import Crop, cut_out, find_crop
from legacy_graph.graphs.gradient_rules import METHOD, USED, check_groups, has_rule, unclip, with_rules
from legacy_graph.graphs.inspect import is_rectified
from legacy_graph.graphs.model import ConvLayer, Model
from legacy_graph.graphs.nodes import cut
from legacy_graph.graphs.op_table import CONVOLUTIONS, row
from legacy_graph.graphs.path import Path, find_path, open_stops

PRODUCTS = ("product", "divided")  # projections of operations with weights
LISTED = 3  # maximum number of nodes in a message


class Backward(NamedTuple):
    """A model imported into the default graph, for projections of one layer."""

    images: tf.Tensor  # float32 [B, H, W, C], a placeholder
    start: tf.Tensor  # float32 [B, h, w, maps], the activations to project
    kernel: Optional[tf.Tensor]  # float32, of the layer's convolution; None for a layer without one
    path: Path
    methods: Tuple[str, ...]  # for which `project` may be called
    notes: Tuple[str, ...]  # sentences to print on the sheet
    finite: Dict[str, tf.Tensor]  # bool []: whether the values of a convolution or product on the path are finite
    rectified: bool  # the layer ends with a ReLU
    crop: Optional[Crop]  # for projections of single positions; None if they need the complete image


def allowed_methods(model: Model, layer: ConvLayer) -> Tuple[str, ...]:
    """The names of the methods that are defined for projections of `layer`: all, or only the gradient."""
    with tf.Graph().as_default():
        return import_backward(model, layer).methods


def import_backward(model: Model, layer: ConvLayer, method: Optional[str] = None, best: bool = False) -> Backward:
    """Import a model into the default graph, for projections of `layer` by one method, or by all that are defined.

    With `best` and without a method, one is chosen: the deconvnet, unless its projections do not depend on the images.

    Raises:
        UserError: the method is not defined for this layer, or the model does not fix the size of its images. Occlusion
            is defined for every layer.
    """
    height, width, channels = model.input_shape
    if height is None or width is None:
        raise UserError(
            "--size", "the height and width of the images", "a graph that leaves them open", "add --size HxW"
        )
    graph_def = model.graph_def
    end = unclip(graph_def, layer)
    with_rules(graph_def)
    # The placeholder is a node of the graph: TensorFlow warns of an old graph that is imported beside other nodes.
    cut(graph_def, model.input, [None, height, width, channels])
    open_stops(graph_def, model.input, end)
    wanted = [model.input + ":0", end + ":0", layer.name]
    images, start, convolution = tf.import_graph_def(graph_def, None, wanted, name="")
    start.set_shape([None, *layer.shape])  # TensorFlow does not infer each size that a graph computes
    path = find_path(images, start)
    _check_weights(model.graph, path)
    for operation in path.operations:
        if operation.type == "Conv2D":
            check_groups(operation)
    methods = (GRADIENT,) if path.undefined else tuple(METHODS)
    if method not in (None, OCCLUSION, *methods):
        expected = f"only ReLU and linear nodes between the images and {layer.label} for {method}"
        raise UserError("--method", expected, _listed(path.undefined), f"choose --method {GRADIENT}")
    notes = list(model.notes)
    if best and not method:
        method, why = _best_method(layer, path, end)
        notes += [why] if why else []
    methods = (method,) if method else methods
    notes += dict.fromkeys(note for name in methods for note in _notes(model.graph, layer, path, name, end))
    products = [operation for operation in path.operations if row(operation.type).projection in PRODUCTS]
    # A ReLU hides NaN and minus infinity: they become 0 on some processors.
    finite = {operation.name: tf.reduce_all(tf.is_finite(operation.outputs[0])) for operation in products}
    kernel = convolution.inputs[1] if convolution.type in CONVOLUTIONS else None
    rectified, crop = is_rectified(model.graph, layer), find_crop(model, layer)
    return Backward(images, start, kernel, path, methods, tuple(notes), finite, rectified, crop)


def project(back: Backward, maps: Optional[tf.Tensor] = None, places: Optional[tf.Tensor] = None) -> tf.Tensor:
    """Project the layer to the pixels by its first method, as `article.deconv.deconvolve` does.

    Args:
        back: from `import_backward`.
        maps: int64 [B], the feature map to keep for each image; None keeps all.
        places: int64 [B, 2], the (y, x) to keep for each image; None keeps all.

    Returns:
        float32 [B, H, W, C], of the images' shape.

    Raises:
        UserError: an operation between the images and the layer has no gradient.
    """
    # A value below 0 would reverse the projection: the largest value of a map without a ReLU can be one.
    values = back.start if maps is None or back.rectified else tf.ones_like(back.start)
    return project_signal(back, select_activations(values, maps, places), back.methods[0])


def project_spots(back: Backward, maps: tf.Tensor, places: tf.Tensor) -> Tuple[tf.Tensor, tf.Tensor]:
    """Project one map and position for each image, on crops where the layer allows it.

    Args, raises: as in `project`.

    Returns:
        float32 [B, H, W, C], of the images' shape, and the tensor whose values are the signals.
    """
    if back.crop:
        crops, start, places = cut_out(back.images, back.start, places, back.crop)
        back = back._replace(start=start, path=find_path(crops, start))
    return project(back, maps, places), back.start


def project_signal(back: Backward, signal: tf.Tensor, method: str) -> tf.Tensor:
    """Project any signal, of the shape of `back.start`, to the pixels. Returns and raises as `project`."""
    graph = back.images.graph
    used = graph.get_collection_ref(USED)
    used.clear()
    graph.get_collection_ref(METHOD)[:] = [method]
    try:
        (projection,) = tf.gradients(back.start, back.images, signal)
    except LookupError as error:
        expected = "a gradient for each node between the images and the layer"
        raise UserError("--layer", expected, error, "choose a layer below this node") from error
    except ValueError as error:
        hint = "the graph has constants for another image size: choose another --size, or a layer below"
        raise UserError("image size", "a size that each node below the layer accepts", reason(error), hint) from error
    if projection is None:
        hint = "choose a layer below these nodes"
        raise UserError("--layer", "a gradient from the layer to the images", "nodes without a gradient", hint)
    expected = [operation.name for operation in back.path.differentiated if has_rule(operation.node_def)]
    if sorted(used) != sorted(expected):
        missed = _listed(sorted(set(expected) - set(used)))
        found = f"{len(used)} uses, none for {missed}"
        raise UserError("--method", f"{len(expected)} uses of its rules", found, f"choose --method {GRADIENT}")
    return projection


def _check_weights(graph, path):
    """Refuse NaN and infinity in constants that the path reads. A fused ReLU would make them 0: a dead map."""
    for operation in path.operations:
        is_limit = row(operation.type).kind in ("limit", "clip")  # an infinite limit is valid
        for reference in operation.node_def.input if not is_limit else ():
            value = graph.constant(reference)
            if value is not None and value.dtype.kind == "f" and not np.isfinite(value.astype(np.float32)).all():
                hint, found = "export it from a checkpoint with finite weights", graph.root(reference)
                raise UserError("--graph", "finite weights", f"NaN or infinite values in {found}", hint)


def _best_method(layer, path, end) -> Tuple[str, Optional[str]]:
    """The name of the method to use without --method, and the reason, a sentence, if it is not the deconvnet."""
    other = "To choose another method, use --method."
    if path.undefined:
        return GRADIENT, "Method: the gradient, because the deconvnet is not defined for this layer."
    if not path.max_pools and _lower_relus(layer, path, end):
        reason = f"no max pool lies between the images and {layer.label}, so the pattern of a deconvnet projection does"
        return GUIDED, f"Method: {METHODS[GUIDED]}, because {reason} not depend on the image. {other}"
    return DECONVNET, None


def _lower_relus(layer, path, end):
    """The ReLUs between the images and the layer's own ReLU."""
    return [relu for relu in path.relus if relu.name not in (layer.activation, end)]


def _notes(graph, layer, path, method, end) -> Iterator[str]:
    if layer.fields is None:
        after = f" after {layer.lost}" if layer.lost else ""
        yield f"The receptive field of {layer.label} is unknown{after}: it can be the complete image."
        before = graph.ancestors([layer.lost] if layer.lost else [])
        if before and not any(graph.by_name[name].op in CONVOLUTIONS for name in before):
            hint = f"with --input {layer.lost} the field is known, and --range gives the values at this node"
            yield f"{layer.lost} is before all convolutions: {hint}."
    if end != layer.start:
        yield f"{layer.label} is ranked and projected before the clip of its Relu6 at 6."
    if method == OCCLUSION:
        return
    pattern = "projection of one activation depends on the map and the position, not on the image."
    if not path.max_pools and not _lower_relus(layer, path, end) and not path.undefined:
        start = f"{'the ReLU of ' if path.relus else ''}{layer.label}"
        yield f"All nodes between the images and {start} are linear: the pattern of the {pattern}"
    elif method == DECONVNET and not path.max_pools:
        yield (
            f"No max pool lies between the images and {layer.label}: the pattern of the deconvnet {pattern} "
            "--method guided depends on the image."
        )
    if path.max_pools:
        yield TIES_IN_WORDS[FIRST]
    clipped = sum(relu.type == "Relu6" for relu in path.relus)
    if clipped and method == DECONVNET:
        yield f"The deconvnet passes a signal through the {clipped} Relu6 nodes below as through ReLU nodes."
    elif clipped:
        yield f"Gradient and guided pass no signal where one of the {clipped} Relu6 nodes below clips at 6."
    stops = [operation.name for operation in path.operations if row(operation.type).kind == "stop"]
    if stops:
        yield f"The graph stops the gradient at {_listed(stops)}: no projection passes there."
    if path.undefined:
        yield f"Only the gradient is defined for {_listed(path.undefined)}."


def _listed(names):
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
