"""The rewrites of a graph, each a function `(graph) -> notes`, in the order in which they run.

`PASSES` run on the graph as it was read. `FROZEN_PASSES` run when the input is chosen and the variables have values.
"""

import time
from typing import Callable, List, Sequence

from legacy_graph.errors import UserError
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.operations import strip_attributes
from legacy_graph.graphs.passes.functions import inline_functions
from legacy_graph.graphs.passes.inference import fix_placeholders, remove_dropout, resolve_switches
from legacy_graph.graphs.passes.moving_averages import use_moving_averages
from legacy_graph.graphs.passes.nhwc import to_nhwc
from legacy_graph.graphs.passes.one_dimension import move_squeezes
from legacy_graph.graphs.passes.side_branches import remove_gradients, remove_side_effects
from legacy_graph.graphs.passes.single_nodes import name_relus, pass_on, split_batches, to_float32, unfuse

MOST_SECONDS = 300

PASSES = (
    # TensorFlow does not import nodes with unknown attributes. First, because the other passes read attributes.
    strip_attributes,
    # Training switches get their value at inference. Before the functions, because it decides which branch is inlined.
    fix_placeholders,
    # The other passes look at single nodes and do not see into functions. Before them for that reason.
    inline_functions,
    # Nodes that only pass a tensor on would hide patterns. Before all passes that look for patterns.
    pass_on,
    # A batch of images and labels becomes one placeholder each, so that the images can be chosen as the input.
    split_batches,
    # Batch norms get the moving averages. Before the side branches go, because the updates name the averages.
    use_moving_averages,
    # Only the branches taken at inference remain. After the training switches have values.
    resolve_switches,
    # Summaries and updates would count as readers of a layer. After the moving averages were found in the updates.
    remove_side_effects,
    # Gradients would count as readers of a layer, and their convolutions as layers. After the side effects, because the
    # loss is no side effect as long as its gradient is there.
    remove_gradients,
    # The kernels of this program are float32. After the functions, because it changes types inside them too.
    to_float32,
    # A layer is a convolution, a bias and an activation of their own. Before the pattern of 1-D convolutions.
    unfuse,
    # A maximum with 0 is a ReLU, for which every method is defined. After the passes that remove Identity-like nodes.
    name_relus,
    # No random numbers at inference. After the switches, which already remove a dropout that is off.
    remove_dropout,
    # The operations after a 1-D convolution join its layer. Last, because it looks for single readers.
    move_squeezes,
)
FROZEN_PASSES = (
    # TensorFlow has no NCHW convolution for CPUs. At the end, because it needs all shapes and constant axes.
    to_nhwc,
)


def run_passes(graph: Graph, passes: Sequence[Callable[[Graph], List[str]]]) -> List[str]:
    """Run passes one after the other.

    Returns:
        All their notes.

    Raises:
        UserError: a pass refuses the graph, or all together take too long.
    """
    notes, end = [], time.process_time() + MOST_SECONDS
    for run in passes:
        notes += run(graph)
        if time.process_time() > end:
            where, hint = f"pass {run.__name__}", "export the part that computes the layers"
            raise UserError(where, f"a graph that takes at most {MOST_SECONDS} s of processor time", "more", hint)
    return notes
