"""captum's Deconvolution of whole maps of layer two, with our weights."""

import os
import warnings

import numpy as np

from legacy_graph.data import mnist
from tests.benchmarks.deconvolution import NETWORK, median_times


def contiguous(settings):
    """NCHW arrays."""
    return _deconvolution(settings, "contiguous_format")


def channels_last(settings):
    """NHWC arrays."""
    return _deconvolution(settings, "channels_last")


def _deconvolution(settings, memory_format):
    """Median seconds, and the largest difference from our projections, relative to the largest value of ours."""
    import torch
    from captum.attr import Deconvolution

    warnings.filterwarnings("ignore", module="captum")
    exported = np.load(os.path.join(settings.folder, NETWORK))
    order = getattr(torch, memory_format)
    attribute = Deconvolution(_network(torch, exported).to(memory_format=order)).attribute
    digits = mnist.load(settings.data_dir).test.images

    def project(pixels):
        images = torch.from_numpy(pixels.reshape(-1, 1, 28, 28)).to(memory_format=order)
        return attribute(images).detach().numpy()

    ours = exported["projections"][..., 0]
    theirs = project(exported["images"])[:, 0]
    difference = float(np.abs(theirs - ours).max() / np.abs(ours).max())

    def work(asked):
        count, seconds = asked
        pixels = mnist.scale_pixels(digits[:count])
        return median_times({"captum": lambda: project(pixels)}, seconds)["captum"], difference

    return work


def _network(torch, exported):
    """The network up to layer two, then half the sum of squares, whose gradient at the maps is the maps themselves."""
    layer = torch.nn

    class Energy(layer.Module):
        def forward(self, maps):
            return maps.square().sum((1, 2, 3)) / 2

    model = layer.Sequential(
        layer.Conv2d(1, 32, 5, padding=2),
        layer.ReLU(),
        layer.MaxPool2d(2),
        layer.Conv2d(32, 64, 5, padding=2),
        layer.ReLU(),
        layer.MaxPool2d(2),
        Energy(),
    )
    with torch.no_grad():
        for number, name in ((0, "conv1"), (3, "conv2")):
            model[number].weight.copy_(torch.from_numpy(exported[name + "/weights"].transpose(3, 2, 0, 1)))
            model[number].bias.copy_(torch.from_numpy(exported[name + "/bias"]))
    return model
