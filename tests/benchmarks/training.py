"""The training step of every program, measured in turns; the parts of our step and the limit of the machine."""

import os
import statistics
from collections import defaultdict
from typing import Dict, List, NamedTuple

from legacy_graph.config import Config
from tests.benchmarks import ours, tables
from tests.benchmarks.layers import step_limit
from tests.benchmarks.ways import BATCH, ROUND, WAYS, WITH_BARE
from tests.benchmarks.workers import Measured, Settings, Unavailable, Worker

PROFILED = 15  # steps


class Rounds(NamedTuple):
    """The measurements: for each program, one entry per round. "bare c" is the bare step, in the process of c."""

    seconds: Dict[str, List[float]]  # per step
    cpu_seconds: Dict[str, List[float]]  # per step, of all cores together
    peaks: Dict[str, float]  # peak memory in bytes
    unavailable: Dict[str, str]  # why a program does not run on this machine

    @property
    def flops(self) -> float:
        return 2 * ours.PRODUCT**3 / statistics.median(self.seconds["p"])

    @property
    def bandwidth(self) -> float:
        """Bytes per second: both arrays are read and one is written."""
        return 3 * 4 * ours.STREAM / statistics.median(self.seconds["m"])

    @property
    def limits(self) -> List[float]:
        """The shortest possible seconds of a step, from the speeds in each round."""
        return [
            step_limit(BATCH, 2 * ours.PRODUCT**3 / product, 3 * 4 * ours.STREAM / memory)
            for product, memory in zip(self.seconds["p"], self.seconds["m"])
        ]


def measure(settings: Settings, rounds: int, shorten: int, say, record) -> None:
    """Run all programs in turns; record the tables even if only some of the rounds are complete.

    The number of steps in each turn is divided by `shorten`.
    """
    found = Rounds(defaultdict(list), defaultdict(list), {}, {})
    workers = _start(settings, found, say)
    try:
        for number in range(rounds):
            say(f"training, round {number + 1} of {rounds}")
            _round(workers, shorten, found)
    finally:
        for worker in workers.values():
            worker.close()
        if found.seconds:
            record("training", tables.training(found))
            record("ratios", tables.ratios(found))
    say("the parts of a step")
    worker = Worker("ours:profile", settings)
    record("parts", tables.parts(worker(PROFILED).value, found.flops, found.bandwidth))
    worker.close()


def dashboards(settings: Settings, rounds: int, record) -> None:
    """The time that each dashboard adds to the training steps."""
    worker = Worker("ours:dashboards", settings)
    record("dashboards", tables.dashboards(worker(rounds).value, Config()))
    worker.close()


def _start(settings, found, say):
    workers = {}
    for letter, way in WAYS.items():
        say(f"starting {letter}: {way.name}")
        try:
            workers[letter] = Worker(way.target, settings._replace(folder=os.path.join(settings.folder, letter)))
        except Unavailable as reason:
            found.unavailable[letter] = str(reason)
    return workers


def _round(workers, shorten, found):
    """One round; nothing is added to `found` unless it is complete."""
    visits: Dict[str, List[Measured]] = defaultdict(list)
    steps_of = {letter: max(1, WAYS[letter].steps // shorten) for letter in workers}
    for letter in filter(workers.__contains__, ROUND):
        visits[letter].append(workers[letter](steps_of[letter]))
    for letter, measured in visits.items():
        steps = len(measured) * steps_of[letter]
        seconds, cpu_seconds = sum(one.seconds for one in measured), sum(one.cpu_seconds for one in measured)
        if letter in WITH_BARE:  # the turns include bare steps
            bare, bare_cpu = (sum(part) for part in zip(*(one.value for one in measured)))
            seconds, cpu_seconds = seconds - bare, cpu_seconds - bare_cpu
            found.seconds["bare " + letter].append(bare / steps)
            found.cpu_seconds["bare " + letter].append(bare_cpu / steps)
        found.seconds[letter].append(seconds / steps)
        found.cpu_seconds[letter].append(cpu_seconds / steps)
        found.peaks[letter] = measured[-1].peak
