"""Where a layer ends: the activation after a convolution, and the tensor to rank and project."""

import heapq
from typing import Dict, List, NamedTuple, Optional, Set, Tuple

import numpy as np

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import canonical
from legacy_graph.graphs.op_table import (
    COMPARISONS,
    CONVOLUTIONS,
    ELEMENTWISE,
    LINEAR,
    MAX_POOLS,
    RELUS,
    SATURATING,
    SHAPES,
    SOURCES,
    of_kind,
)  # fmt: skip

_SHAPING = of_kind("reshape")
_SCALES = of_kind("scale")
_MEANS = of_kind("mean")
_ORDERED = RELUS | SATURATING | _SCALES | of_kind("identity", "cast", "sum", "increasing", "decreasing")
_DECREASING = {"Neg", *of_kind("decreasing")}
_INSIDE = ELEMENTWISE | {"BatchToSpaceND"}


class Ends(NamedTuple):
    """The end of a layer, see `ConvLayer`."""

    activation: Optional[str]
    start: str
    # Nodes that read a value before the activation and do not belong to the layer, such as the moments of a batch.
    left: Tuple[str, ...] = ()


class EndFinder:
    """Finds the ends of layers.

    A reader that leads to no convolution does not count beside one that does: it is an output, an auxiliary head, the
    moments of a batch or an assertion. Nor does one that depends on another source than the images, such as a loss of
    the labels.

    Args:
        graph: complete after the input, so that all readers of a tensor are known; with the types of its tensors, as
            far as they are known.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph, self._types, dependent = graph, graph.types, graph.dependent
        self._dependent = dependent - graph.dependents(set(graph.names(SOURCES)) - dependent)
        self._position = {name: number for number, name in enumerate(graph.order)}
        self._before = graph.ancestors(graph.names(CONVOLUTIONS))
        self._known: Dict[Tuple[str, Optional[str]], Ends] = {}
        self._counted: Dict[str, List[str]] = {}

    def find(self, name: str) -> Ends:
        """The end of the layer that begins with a convolution, or with the addition of a residual block."""
        return self._follow(name, None)

    def _follow(self, here, only) -> Ends:
        """The end after `here`, if only one of its readers counts; None for all."""
        if (here, only) not in self._known:
            self._known[here, only] = self._search(here, only)
        return self._known[here, only]

    def _search(self, here, only) -> Ends:
        left: List[str] = []
        # The node before a normalization, until a node with the shape of this one, and whether a mean was between them.
        opened, has_mean = None, False
        turned = None  # the node before one that reverses the order of the values, until one restores it
        while True:
            following, region = self._next_join(here, only)
            pool = self._pool_before_relu(here, only) if following is None else None
            if pool:
                here, only = pool, None
                continue
            if following is None:
                end = Ends(None, opened or here) if only or opened else self._best_branch(here)
                return end._replace(left=(*left, *end.left)) if end.activation else end
            left += [] if only else self._not_counted([here, *region[:-1]])
            is_normalized = any(map(self._is_statistic, region))
            if is_normalized:
                opened = opened or here
            elif any(self._operation(name) not in LINEAR for name in region):
                break
            order = self._order(following)
            turned = turned if order > 0 else here if order < 0 and turned is None else None
            here, only = following, None
            has_mean = has_mean or any(self._operation(name) in _MEANS for name in region)
            if has_mean and here in self._types and self._types[here].shape == self._types[opened].shape:
                opened, has_mean = None, False
        if opened:
            return Ends(None, opened)
        restored = self._reversal_after(following) if turned else None
        if restored:
            return Ends(restored, turned, tuple(left))
        if self._operation(following) in COMPARISONS:
            return Ends(None, here)
        if self._operation(following) in SATURATING:
            return Ends(following, here, tuple(left))
        return self.end_at(following)._replace(left=tuple(left))

    def end_at(self, activation: str) -> Ends:
        """The end of a layer with this activation: the max pool that alone reads it, or the activation itself."""
        readers = self._readers(activation)
        is_pooled = len(readers) == 1 and self._operation(readers[0]) in MAX_POOLS
        return Ends(activation, readers[0] if is_pooled else activation)

    def _reversal_after(self, activation) -> Optional[str]:
        """The first node from an activation on that does not increase, if this node reverses the order of the values.

        Examples are the second minus of -softplus(-x), and the quotient of 1 / (1 + exp(-x)).
        """
        name: Optional[str] = activation if self._order(activation) > 0 else None
        while name and self._order(name) > 0:
            name = self._next_join(name, None)[0]
        return name if name and self._order(name) < 0 else None

    def _order(self, name) -> float:
        """1 for an increasing elementwise node, -1 for one that reverses the order of the values, 0 if unknown."""
        inputs = self._graph.references(name)
        places = [number for number, text in enumerate(inputs) if canonical(text) in self._dependent]
        if len(places) != 1 or self._operation(name) not in _ORDERED:
            return 0
        if self._operation(name) in _SCALES:
            factor = self._graph.constant(inputs[1 - places[0]])
            sign = 0 if factor is None else float(np.sign(factor).min() + np.sign(factor).max()) / 2
            return sign if self._operation(name) == "Mul" or places == [0] else -sign
        is_subtracted = self._operation(name) == "Sub" and places == [1]
        return -1 if is_subtracted or self._operation(name) in _DECREASING else 1

    def _pool_before_relu(self, here, only) -> Optional[str]:
        """The max pool that alone reads `here`, if only a ReLU reads the pool. Their order changes no value."""
        (pool, *others) = [only] if only else self._readers(here) or [here]
        (following, *more) = self._readers(pool) or [here]
        is_pool = self._operation(pool) in MAX_POOLS and self._operation(following) in RELUS
        return pool if is_pool and not others and not more else None

    def _best_branch(self, here) -> Ends:
        """The end of the branch that reaches an activation, if `here` has several readers.

        If several branches do, a ReLU is preferred. Without one preferred branch the layer ends at `here`.
        """
        readers = self._readers(here)
        ends = [self._follow(here, reader) for reader in readers] if len(readers) > 1 else []
        reached = {end.activation: end for end in ends if end.activation}
        reached = {name: end for name, end in reached.items() if self._operation(name) in RELUS} or reached
        if len(reached) != 1:
            return Ends(None, here)
        ((activation, end),) = reached.items()
        way = self._graph.ancestors([activation])
        return end._replace(left=(*(reader for reader in readers if reader not in way), *end.left))

    def _next_join(self, start, only) -> Tuple[Optional[str], List[str]]:
        """The next node that every path from `start` contains, and the elementwise nodes up to it.

        Usually this is the only reader of `start`. For x * sigmoid(x), or a PReLU of several nodes, it is the last
        node. It is None if the values are combined with others, as in a residual add, or if the paths do not join
        again. With `only`, another reader of `start` counts only if elementwise nodes connect `only` with it.
        """
        first = self._connected(start, only) if only else set(self._readers(start))
        region, waiting = [start], [(self._position[name], name) for name in ([only] if only else first)]
        heapq.heapify(waiting)
        while waiting:
            _, name = heapq.heappop(waiting)
            if name in region:
                continue
            if not self._is_inside(name) or not self._sources(name) <= set(region):
                return None, region
            region.append(name)
            readers = [self._readers(inner) for inner in region[1:-1]]
            if all(readers) and first.union(*readers) <= set(region):
                return name, [each for each in region[1:] if self._operation(each) != "BatchToSpaceND"]
            for reader in self._readers(name):
                heapq.heappush(waiting, (self._position[reader], reader))
        return None, region

    def _connected(self, start, only) -> Set[str]:
        """`only`, and the readers of `start` that elementwise nodes connect with it."""
        wanted = self._readers(start)
        last = max(self._position[reader] for reader in wanted)  # no node after it leads to one of them
        reached, waiting = {only}, [only]
        while waiting:
            for reader in self._readers(waiting.pop()):
                if reader not in reached and self._position[reader] <= last and self._is_inside(reader):
                    reached.add(reader)
                    waiting.append(reader)
        return reached.intersection(wanted) | {only}

    def _readers(self, name: str) -> List[str]:
        """The nodes that read the values of a node's output 0 and count."""
        if name not in self._counted:
            readers = self._all_readers(name)
            self._counted[name] = [reader for reader in readers if reader in self._before] or readers
        return self._counted[name]

    def _not_counted(self, names) -> List[str]:
        return [reader for name in names for reader in self._all_readers(name) if reader not in self._readers(name)]

    def _all_readers(self, name):
        return [
            reader.name
            for reader in self._graph.consumers[name]
            if reader.name in self._dependent and reader.op not in SHAPES and name in map(canonical, reader.input)
        ]

    def _sources(self, name):
        return set(map(canonical, self._graph.by_name[name].input)) & self._dependent

    def _is_inside(self, name):
        return self._operation(name) in _INSIDE or self._is_statistic(name)

    def _is_statistic(self, name):
        """Whether a node is a mean or sum within each image, as in an instance norm, or gives another shape to it."""
        if self._operation(name) not in _MEANS:
            return self._operation(name) in _SHAPING and name in self._types
        axes = self._graph.constant(self._graph.by_name[name].input[1])
        return axes is not None and 0 not in axes and name in self._types

    def _operation(self, name):
        return self._graph.by_name[name].op
