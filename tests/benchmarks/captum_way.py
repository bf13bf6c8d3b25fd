"""captum's `Deconvolution` of whole maps of layer two, and its `Occlusion`, with our weights."""

import os
import warnings

import numpy as np

from legacy_graph.data import mnist
from tests.benchmarks import occlusion as occluded
from tests.benchmarks.deconvolution import NETWORK, median_times

AT_ONCE = 334  # covered images in a batch of `captum, many patches at once`: the largest batch of ours


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


def occlusion(settings):
    """For no images, the largest differences from our falls; for some, median seconds of the falls of the probability.

    A difference is relative to the largest fall. By default captum runs the network on one patch of all images at once.
    """
    import torch
    from captum.attr import Occlusion

    torch.set_grad_enabled(False)
    exported = np.load(os.path.join(settings.folder, occluded.NETWORK))
    layers = _network(torch, exported)[:6]
    answers = torch.nn.Sequential(*layers, *_dense(torch, exported))
    digits = mnist.scale_pixels(mnist.load(settings.data_dir).test.images).reshape(-1, 1, 28, 28)
    patch = {"sliding_window_shapes": (1, *[occluded.PATCH] * 2), "strides": (1, *[occluded.STRIDE] * 2)}

    def falls(forward, pixels, targets, at_once=1):
        images, targets = torch.from_numpy(pixels), list(map(tuple, targets))
        return Occlusion(forward).attribute(images, target=targets, perturbations_per_eval=at_once, **patch).numpy()

    pixels = exported["images"].reshape(-1, 1, 28, 28)

    def differences():
        both = {"class probability": (falls(answers, pixels, exported["read"][:, None]), exported["classes"])}
        for layer, length in zip(occluded.LAYERS, (3, 6)):
            spots = np.column_stack([exported["maps"], exported[f"{layer}/places"]])
            both[f"spots of {layer}"] = falls(layers[:length], pixels, spots), exported[f"{layer}/spots"]
        return {name: float(np.abs(a[:, 0] - b).max() / np.abs(b).max()) for name, (a, b) in both.items()}

    def work(asked):
        count, seconds = asked
        if not count:
            return differences()
        targets = answers(torch.from_numpy(digits[:count])).argmax(1)[:, None].tolist()
        runs = {
            "captum": lambda: falls(answers, digits[:count], targets),
            "captum, many patches at once": lambda: falls(answers, digits[:count], targets, max(1, AT_ONCE // count)),
        }
        return median_times(runs, seconds)

    return work


def _dense(torch, exported):
    """The layers from the maps [B, 64, 7, 7] of conv2 to the probabilities."""
    layer = torch.nn
    fc1, fc2 = layer.Linear(3136, 1024), layer.Linear(1024, 10)
    rows = exported["fc1/weights"].reshape(7, 7, 64, 1024).transpose(2, 0, 1, 3).reshape(3136, 1024)
    for linear, weights, name in ((fc1, rows, "fc1"), (fc2, exported["fc2/weights"], "fc2")):
        linear.weight.copy_(torch.from_numpy(weights.T))
        linear.bias.copy_(torch.from_numpy(exported[name + "/bias"]))
    return layer.Flatten(), fc1, layer.ReLU(), fc2, layer.Softmax(1)


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
