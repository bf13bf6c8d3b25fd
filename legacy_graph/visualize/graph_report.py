"""The activations and projections of pictures in one layer of a loaded graph."""

from typing import List, Optional, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.data.images import Images
from legacy_graph.graphs import backward
from legacy_graph.graphs.inspect import is_rectified
from legacy_graph.graphs.model import ConvLayer, Model
from legacy_graph.visualize import finite, image_report

LEGEND = (
    "The output of all feature maps of the layer, projected to the pixels with the kernels of the graph. "
    f"{image_report.SCALE}"
)

COLOUR = "The colour channels of a projection are drawn separately, all with the same scale."


def read_images(
    model: Model, layer: ConvLayer, images: Images, names: Sequence[str], method: Optional[str], subject: str
) -> List[image_report.Report]:
    """Make one report per image, with the projections of every method that is defined for the layer.

    Args:
        model: as loaded.
        layer: one of its layers.
        images: to run through the graph.
        names: of the images, for the titles.
        method: the only one to show; None shows all.
        subject: the layer and its graph, for the title.

    Raises:
        UserError: the method is not defined for this layer, an image cannot be read, or a value is not finite.
    """
    methods = [method] if method else backward.allowed_methods(model, layer)
    fed = images.take(range(len(images)))
    for name, image in zip(names, fed):
        finite.check_images(name, image[None])
    outputs: List[np.ndarray] = []
    projections: List[dict] = [{} for _ in fed]
    notes: List[str] = []
    for one in methods:
        with tf.Graph().as_default() as graph:
            back = backward.import_backward(model, layer, one)
            fetches = [back.start, backward.project(back), back.finite]
            graph.finalize()
        notes += [note for note in back.notes if note not in notes]
        with tf.Session(graph=graph) as session:
            found = [session.run(fetches, {back.images: image[None]}) for image in fed]
        outputs = [output[0].transpose(2, 0, 1) for output, _, _ in found]
        for of_image, (output, projection, are_finite) in zip(projections, found):
            finite.check_operations(are_finite)
            finite.check_layer(layer.label, output, "activations")
            finite.check_layer(layer.label, projection, "projections")
            of_image[one] = images.to_shown(projection[0])
    reports, colour = [], [COLOUR] if fed.shape[3] == 3 else []
    if not any(projection.any() for of_image in projections for projection in of_image.values()):
        notes.append("Every projection is 0: no signal reaches the pixels.")
    for number, (output, of_image) in enumerate(zip(outputs, projections)):
        summary = _summary(layer.label, output, fed[number], is_rectified(model.graph, layer))
        reading = image_report.Reading({layer.label: output}, {layer.label: of_image})
        legend = [LEGEND, *colour, *notes, f"Images: {images.about}."]
        title = f"{names[number]} in {subject}: {summary}"
        reports.append(image_report.draw(title, images.shown([number])[0], reading, legend, summary))
    return reports


def _summary(label, output, fed, rectified):
    if fed.max() == fed.min():
        return f"the image has the value {fed.max():g} everywhere after preprocessing, check --range and --mean"
    largest = output.max(axis=(1, 2))
    if rectified and not largest.max() > 0:
        return f"all {len(output)} maps of {label} are dead, check --range, --mean and --bgr"
    strongest = ", ".join(f"{number} ({largest[number]:.3g})" for number in np.argsort(-largest, kind="stable")[:3])
    active = f"{int((largest > 0).sum())} of {len(output)} maps active, " if rectified else ""
    return f"{active}strongest {strongest}"
