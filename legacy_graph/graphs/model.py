"""The data types of a loaded graph and its convolution layers."""

from typing import List, NamedTuple, Optional, Tuple

import tensorflow.compat.v1 as tf

from legacy_graph.article.receptive_field import Fields
from legacy_graph.graphs.graph import Graph


class ConvLayer(NamedTuple):
    """A convolution with its bias, norm, activation and pool, or the output of a residual block, or a tensor."""

    name: str  # node name of the convolution; without one, of the addition of a residual block or of the named tensor
    label: str  # short unique name shown to users; --layer takes the label or the name
    operation: str  # of the node `name`: Conv2D, DepthwiseConv2dNative, Conv2DBackpropInput (transposed), or another
    activation: Optional[str]  # node name of the activation, None if there is none
    # Node name whose output 0 is ranked and projected: the max pool that directly follows the activation; else the
    # ReLU; for Relu6 its input, which then passes a ReLU; with a batch norm after the ReLU: the ReLU; without an
    # activation: the bias add, the batch norm or the convolution itself.
    start: str
    shape: Tuple[Optional[int], Optional[int], int]  # [H, W, C] of `start`, None if not fixed
    parameters: int
    fields: Optional[Fields]  # receptive field of `start`; a step of 0 means the complete axis; None if unknown
    lost: str = ""  # node name of the first operation after which the receptive field is unknown


class Model(NamedTuple):
    """A frozen graph in inference mode: no variables, no functions, NHWC, only nodes from the input to the layers."""

    graph: Graph
    input: str  # node name of the placeholder, float32 [None, H, W, C]
    input_shape: Tuple[Optional[int], Optional[int], int]  # [H, W, C], None if not fixed
    layers: List[ConvLayer]  # in topological order from the input
    notes: List[str]  # sentences to print on the sheet

    @property
    def graph_def(self) -> tf.GraphDef:
        """A copy of the graph."""
        return self.graph.to_graph_def()
