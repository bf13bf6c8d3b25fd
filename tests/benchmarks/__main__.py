"""bash run.sh bench: measure speed on this machine and print Markdown tables, as in tests/benchmarks/README.md."""

import argparse
import importlib.metadata
import os
import platform
import shutil
import statistics
import sys
import tempfile

from legacy_graph.config import Config
from legacy_graph.data import mnist
from tests.benchmarks import growth, ours
from tests.benchmarks.layers import LAYERS, STEP
from tests.benchmarks.workers import Settings, Worker

FOREVER = 10**6  # steps, so that no run ends during the measurement
CADENCE = 200  # steps, after which every dashboard has been written
BATCH = 50

# Letter: name, module and function, steps per turn.
WAYS = {
    "a": ("ours, the bare training step", "ours:bare", CADENCE // 4),
    "b": ("ours, the default run: all dashboards, tests, checkpoints", "ours:whole", CADENCE // 4),
    "c": ("the 2018 way: one `merge_all` at every step", "listing:merged", 20),
    "d": (f"Keras `fit` with its TensorBoard callback, epochs of {CADENCE} steps", "keras_way:fit", CADENCE),
    "e": ("PyTorch, fused Adam and a SummaryWriter", "pytorch_way:fused", CADENCE),
    "f": (f"float32 matrix product, {ours.PRODUCT} x {ours.PRODUCT}", "ours:product", 8),
}
# One round. a and b differ by a few percent, so they alternate often: other load then affects both alike.
ROUND = "abfcabdfabefab"
# Numerator, denominator, target of the ratio.
TARGETS = [("b", "a", "<= 1.05"), ("b", "e", "<= 0.9"), ("b", "d", "<= 0.8"), ("c", "b", ">= 4")]


def main():
    """Measure and print one section after the other."""
    parser = argparse.ArgumentParser(prog="run.sh bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, without the tables on growth: about a minute")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of measurements (default: 5)")
    parser.add_argument("--data-dir", default="MNIST_data", metavar="DIR", help="the four IDX gz files")
    options = parser.parse_args()
    rounds = options.rounds or (1 if options.quick else 5)
    data_dir = _ready(options.data_dir)
    place = tempfile.mkdtemp(prefix="legacy_graph-bench-")
    try:
        _machine()
        _training(Settings(data_dir, os.path.join(place, "ways"), FOREVER), rounds)
        _dashboards(Settings(data_dir, place, FOREVER))
        _deconvolution(Settings(data_dir, place, FOREVER))
        if not options.quick:
            _growth(Settings(data_dir, place, FOREVER))
            _full(data_dir, os.path.join(place, "full"))
    finally:
        shutil.rmtree(place)


def _ready(data_dir):
    """The data directory for all workers. The data are downloaded once, here."""
    return mnist.SAMPLE_DIR if mnist.load(data_dir).sample else data_dir


def _machine():
    packages = ["tensorflow", "keras", "torch", "tensorboard", "numpy"]
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages)
    print(f"Machine: {_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}.")
    print(f"Python {platform.python_version()}, {versions}. Batch {BATCH}, Adam, float32.\n")


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _training(settings, rounds):
    workers = {}
    for way, (name, target, _) in WAYS.items():
        _say(f"starting {way}: {name}")
        workers[way] = Worker(target, settings._replace(folder=os.path.join(settings.folder, way)))
    wall, burnt = {way: [] for way in WAYS}, {way: [] for way in WAYS}  # for each round, seconds a step
    for number in range(rounds):
        _say(f"round {number + 1} of {rounds}")
        visits = [(way, workers[way](WAYS[way][2])) for way in ROUND]
        for way, (_, _, steps) in WAYS.items():
            mine = [measured for visited, measured in visits if visited == way]
            wall[way].append(sum(one.seconds for one in mine) / len(mine) / steps)
            burnt[way].append(sum(one.cpu_seconds for one in mine) / len(mine) / steps)
    peaks = {way: measured.peak for way, measured in visits}
    for worker in workers.values():
        worker.close()
    flops = 2 * ours.PRODUCT**3 / statistics.median(wall["f"])
    limit = BATCH * sum(STEP.values()) * 1e9 / flops
    _heading("way", "ms a step", "times a", "ms of all cores together", "share of the limit", "peak memory")
    for way in "abcde":
        middle = statistics.median(wall[way])
        cells = [middle * 1e3, _ratios(wall, way, "a")[0], statistics.median(burnt[way]) * 1e3, limit / middle]
        _row(f"{way}. {WAYS[way][0]}", *[f"{cell:.{digits}f}" for cell, digits in zip(cells, (1, 2, 1, 2))],
             _megabytes(peaks[way]))  # fmt: skip
    _row(f"f. the limit: {WAYS['f'][0]} at {flops / 1e9:.0f} GFLOP/s", f"{1e3 * limit:.1f}", "", "", "1", "")
    _heading("ratio", "target", "median of the rounds", "lowest to highest", "in processor time")
    for over, under, target in TARGETS:
        middle, low, high = _ratios(wall, over, under)
        _row(f"{over} / {under}", target, f"{middle:.3f}", f"{low:.3f} to {high:.3f}",
             f"{_ratios(burnt, over, under)[0]:.3f}")  # fmt: skip
    shares = [limit / seconds for seconds in wall["a"]]
    _row("limit / a", ">= 0.55", f"{statistics.median(shares):.3f}", f"{min(shares):.3f} to {max(shares):.3f}", "")
    _layers(settings, flops)


def _ratios(times, over, under):
    """Median, lowest and highest over the rounds."""
    every = [one / other for one, other in zip(times[over], times[under])]
    return statistics.median(every), min(every), max(every)


def _layers(settings, flops):
    worker = Worker("ours:profile", settings)
    spent = worker(15).value
    worker.close()
    _heading("where a step's time goes", "GFLOP", "ms at the limit", "ms measured", "share")
    for part in [*LAYERS, "Adam", "rest"]:
        work = BATCH * STEP.get(part, 0)
        limit = 1e12 * work / flops
        cells = [f"{work:.2f}", f"{limit:.2f}", f"{spent[part]:.2f}", f"{limit / spent[part]:.2f}"]
        _row(part, *(cells if work else ["", "", cells[2], ""]))


def _dashboards(settings):
    _say("the dashboards one by one")
    worker = Worker("ours:dashboards", settings)
    spent = worker(15).value
    worker.close()
    config = Config()
    _heading("what the dashboards cost", "every", "ms each time", "share of the bare steps between")
    for what, every in [("scalars", config.summary_every), ("histograms", config.histogram_every),
                        ("images", config.image_every), ("test", config.test_every),
                        ("checkpoint", config.checkpoint_every)]:  # fmt: skip
        _row(what, f"{every} steps", f"{spent[what]:.1f}", f"{spent[what] / every / spent['bare']:.2%}")


def _deconvolution(settings):
    _say("the deconvolution")
    worker = Worker("growth:deconvolution", settings)
    _heading("images at once", "forward to layer two, images/s", "with its deconvolution", "with `tf.gradients`",
             "deconvolution alone / forward", "with deconvolution / with `tf.gradients`")  # fmt: skip
    for images in (1, 10, 100, 1000):
        forward, back, gradient = worker(images).value
        speeds = [f"{images / seconds:,.0f}" for seconds in (forward, back, gradient)]
        _row(f"{images:,}", *speeds, f"{(back - forward) / forward:.2f}", f"{back / gradient:.2f}")
    worker.close()


def _growth(settings):
    _say("how cost grows")
    worker = Worker("growth:batches", settings)
    _heading("batch", "ms a bare step", "microseconds a digit")
    for batch in (10, 50, 200, 1000):
        spent = worker(batch).value
        _row(f"{batch:,}", f"{spent:.1f}", f"{1e3 * spent / batch:.0f}")
    worker.close()
    worker = Worker("growth:memory", settings)
    _heading("images projected", "peak memory, MB")
    for images in (100, 250, 1000, 4000):
        _row(f"{images:,}", f"{worker(images).value:,.0f}")
    worker.close()
    _heading("steps of a run", "event files, MB", "kB a step")
    for steps in (200, 400, 800):
        logdir = os.path.join(settings.folder, str(steps))
        events = growth.run(settings.data_dir, logdir, steps, "--batch-size", "10")["events"]
        _row(f"{steps:,}", f"{events / 1e6:.2f}", f"{events / 1e3 / steps:.1f}")


def _full(data_dir, logdir):
    _say("the complete default run")
    found = growth.run(data_dir, logdir, 2000)
    _heading("the default run of 2,000 steps", "")
    _row("seconds, start and final test included", f"{found['seconds']:.0f}")
    _row("event files", _megabytes(found["events"]))
    _row("log directory with checkpoints", _megabytes(found["log"]))
    _row("peak memory", _megabytes(found["memory"]))


def _megabytes(size):
    return f"{size / 1e6:,.0f} MB"


def _heading(*cells):
    print()
    _row(*cells)
    _row(*["---"] * len(cells))


def _row(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def _say(line):
    print(f"bench: {line}", file=sys.stderr)


if __name__ == "__main__":
    main()
