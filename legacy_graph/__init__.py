"""使用tensorboard来可视化卷积过程: watch a convolutional network with TensorBoard, in TensorFlow 1's graph mode.

Packages, in import order; a module imports only from packages listed above its own:

    errors, config, tf_setup    user errors, options, import settings of TensorFlow
    data, logdir                read data files into arrays; read and write log directories
    article                     the article's program, section by section: builds graphs, runs no session
    graphs                      any TensorFlow 1 graph: load, rewrite, inspect, project
    cluster                     several machines: TF_CONFIG, servers, sessions, lost tasks
    training, visualize         train the network; draw feature maps and projections
    board                       the DECONVNET dashboard of TensorBoard
    commands                    one module per command of `python -m legacy_graph`

Names for use in your own graph: Layer, deconvolve, unpool, unrelu, conv2d_transpose.
"""

import importlib

__version__ = "2.0.0"

_EXPORTS = {
    "Layer": "legacy_graph.article.layer",
    "deconvolve": "legacy_graph.article.deconv",
    "unpool": "legacy_graph.article.deconv",
    "unrelu": "legacy_graph.article.deconv",
    "conv2d_transpose": "legacy_graph.article.shapes",
}
__all__ = ["Layer", "conv2d_transpose", "deconvolve", "unpool", "unrelu"]


def __getattr__(name: str) -> object:
    """Import an exported name on first use, so that `import legacy_graph` does not import TensorFlow."""
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)
