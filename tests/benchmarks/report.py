"""Markdown tables, ratios with their targets, and the page that contains the tables of the benchmark."""

import os
import re
import statistics
from typing import Dict, List, NamedTuple, Sequence

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "README.md")
NOT_MEASURED = "Not measured: the benchmark was stopped before."
_REGION = re.compile(r"<!-- bench: (\w+) -->\n(.*?)<!-- end -->", re.DOTALL)


class Table(NamedTuple):
    """A heading, and rows with as many cells as the heading."""

    heading: Sequence[str]
    rows: List[Sequence[str]]

    def __str__(self):
        lines = [self.heading, ["---"] * len(self.heading), *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


class Ratio(NamedTuple):
    """The ratio of two measurements: its median over the rounds, its lowest and its highest value."""

    median: float
    low: float
    high: float

    def range(self, digits: int = 2) -> str:
        return f"{self.low:.{digits}f} to {self.high:.{digits}f}"

    def verdict(self, target: str) -> str:
        """Whether the median meets a target such as "<= 0.9", and whether some rounds contradict this."""
        sign, number = target.split()
        reached = self.median <= float(number) if sign == "<=" else self.median >= float(number)
        verdict = "met" if reached else "missed"
        if self.low == self.high:
            return verdict + " in a single round"
        return verdict + (", but rounds overlap the target" if self.low <= float(number) <= self.high else "")


def ratio(over: Sequence[float], under: Sequence[float]) -> Ratio:
    """The ratio of two measurements, computed for each round."""
    every = [one / other for one, other in zip(over, under)]
    return Ratio(statistics.median(every), min(every), max(every))


def regions(text: str) -> Dict[str, str]:
    """The parts of a page that the benchmark writes: {name: content}."""
    return dict(_REGION.findall(text))


def fill(text: str, measured: Dict[str, str]) -> str:
    """The page with each region replaced by what was measured, or by `NOT_MEASURED`.

    Raises:
        KeyError: the page has no region for a measurement.
    """
    for name in measured:
        regions(text)[name]
    return _REGION.sub(
        lambda found: f"<!-- bench: {found[1]} -->\n{measured.get(found[1], NOT_MEASURED)}\n<!-- end -->", text
    )


def write(path: str, measured: Dict[str, str]) -> None:
    """Fill the regions of a page."""
    with open(path, encoding="utf-8") as file:
        text = fill(file.read(), measured)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
