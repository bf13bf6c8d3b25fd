"""使用tensorboard来可视化卷积过程: watch a convolutional network with TensorBoard, in TensorFlow 1's graph mode.

From Python and in notebooks, for a graph that someone else trained, or for an open session:

    model = legacy_graph.load_model("model.pb", range=(-1, 1))     # or from_session(session, images)
    print(model.layers)                                            # a table
    model.sheet("conv2", "photos")                                 # a picture of what each feature map responds to
    model.top_activations("conv2", "photos")                       # the same as numpy arrays
    model.project("conv2", array, maps=7)                          # one activation of each image
    model.occlude("conv2", array, maps=7)                          # how far it falls under a patch

While your own network trains, in `tf.train.MonitoredTrainingSession(hooks=[hook])` or a loop of your own:

    hook = legacy_graph.FeaturesHook(images, None, "log", pictures=array)

For use in your own graph:

    deconvolve, Layer           project feature maps to the pixels
    unpool, unrelu, switches    its parts: unpooling, un-activation, the positions of the maxima
    conv2d_transpose            tf.nn.conv2d_transpose that explains mistakes in shapes by a ShapeError

Bad input raises UserError, with a message of one line. From the command line: `python -m legacy_graph --help`.

Packages, in import order; a module imports only from packages listed above its own:

    errors, config, tf_setup    user errors, options, import settings of TensorFlow
    data, logdir                read data files into arrays; read and write log directories
    article                     the article's program, section by section: builds graphs, runs no session
    graphs                      any TensorFlow 1 graph: load, rewrite, inspect, project
    cluster                     several machines: TF_CONFIG, servers, sessions, lost tasks
    visualize                   draw feature maps and projections
    api                         load_model, from_session
    training                    train the article's network; FeaturesHook
    board                       the DECONVNET dashboard of TensorBoard
    commands                    one module per command of `python -m legacy_graph`
"""

import importlib
from typing import List

__version__ = "2.0.0"

_EXPORTS = {
    "load_model": "legacy_graph.api",
    "from_session": "legacy_graph.api",
    "FeaturesHook": "legacy_graph.training.hook",
    "UserError": "legacy_graph.errors",
    "Layer": "legacy_graph.article.layer",
    "deconvolve": "legacy_graph.article.deconv",
    "switches": "legacy_graph.article.deconv",
    "unpool": "legacy_graph.article.deconv",
    "unrelu": "legacy_graph.article.deconv",
    "conv2d_transpose": "legacy_graph.article.shapes",
    "ShapeError": "legacy_graph.article.shapes",
}
__all__ = [
    "FeaturesHook", "Layer", "ShapeError", "UserError", "conv2d_transpose", "deconvolve", "from_session", "load_model",
    "switches", "unpool", "unrelu",
]  # fmt: skip


def __getattr__(name: str) -> object:
    """Import an exported name on first use, so that `import legacy_graph` does not import TensorFlow."""
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> List[str]:
    """All names of the package, also those that are not imported yet."""
    return sorted({*globals(), *_EXPORTS})
