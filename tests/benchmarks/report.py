"""Ratios with their targets, and the page that contains the tables of the benchmark."""

import os
import statistics
from typing import Callable, Dict, NamedTuple, Sequence

from tests.benchmarks import machine
from tests.benchmarks.workers import temporary_settings
from tests.support import page_tables

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "README.md")
NOT_MEASURED = "Not measured: the benchmark was stopped before."
COMMAND = "bench"  # in the markers of the page


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


def measure_alone(data_dir: str, measure: Callable):
    """Run `measure(settings, record)`, write what it records into the page, and return what it returns."""
    measured: Dict[str, str] = {}
    with temporary_settings(data_dir) as settings:
        result = measure(settings, measured.__setitem__)
    measured = {name: f"{text}\n\n{machine.conditions()}." for name, text in measured.items()}
    page_tables.write(PAGE, COMMAND, measured)
    print(*measured.values(), PAGE, sep="\n\n")
    return result


def write(path: str, measured: Dict[str, str]) -> None:
    """Write what was measured into a page, and `NOT_MEASURED` into all other regions of the benchmark."""
    with open(path, encoding="utf-8") as file:
        names = page_tables.regions(file.read(), COMMAND)
    page_tables.write(path, COMMAND, {**dict.fromkeys(names, NOT_MEASURED), **measured})
