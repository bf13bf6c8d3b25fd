"""The tables of the page, from plain figures. This module contains all headings and all sentences with figures."""

import statistics

from legacy_graph.config import is_image_step
from tests.benchmarks import layers
from tests.benchmarks.report import Ratio, ratio
from tests.benchmarks.ways import BATCH, WAYS
from tests.support.page_tables import Table

# Numerator, denominator, target, in words.
TARGETS = [
    ("b", "bare b", "", "all dashboards, tests and checkpoints"),
    ("c", "bare c", "<= 1.05", "all dashboards and checkpoints without the test curve"),
    ("b", "e", "<= 0.8", "against Keras"),
    ("b", "f", "<= 0.9", "against PyTorch"),
    ("b", "g", "", "against PyTorch, channels_last"),
    ("b", "h", "", "against PyTorch, `torch.compile`"),
    ("d", "b", ">= 4", "2018 against ours"),
]
SHARE_TARGET, CAPTUM_TARGET, SCAN_TARGET, STEPS_TARGET = ">= 0.8", ">= 1.2", ">= 0.9", "<= 1.2"


def training(found) -> str:
    """One row per program of `training.WAYS`."""
    shortest = statistics.median(found.limits)
    rows = []
    for letter in "abcdefgh":
        name = f"{letter}. {WAYS[letter].name}"
        if letter in found.unavailable:
            rows.append((name, f"does not run here: {found.unavailable[letter]}", "", "", "", ""))
            continue
        middle = statistics.median(found.seconds[letter])
        rows.append(
            (
                name,
                f"{1e3 * middle:.1f}",
                f"{ratio(found.seconds[letter], found.seconds['a']).median:.2f}",
                f"{1e3 * statistics.median(found.cpu_seconds[letter]):.1f}",
                f"{shortest / middle:.2f}",
                megabytes(found.peaks[letter]),
            )
        )
    rows.append(("the limit of the machine", f"{1e3 * shortest:.1f}", "", "", "1", ""))
    heading = ("program", "ms a step", "times a", "ms of all cores together", "share of the limit", "peak memory")
    speeds = (
        f"Median of {len(found.seconds['a'])} rounds. The limit: a matrix product runs at {found.flops / 1e9:.0f} "
        f"GFLOP/s, the memory at {found.bandwidth / 1e9:.1f} GB/s."
    )
    return f"{Table(heading, rows)}\n\n{speeds}"


def ratios(found) -> str:
    """One row per target, with the median, the lowest and the highest ratio of the rounds."""
    rows = []
    for over, under, target, words in TARGETS:
        if {over, under} <= set(found.seconds):
            measured = ratio(found.seconds[over], found.seconds[under])
            processor = ratio(found.cpu_seconds[over], found.cpu_seconds[under])
            rows.append(_ratio_row(f"{over} / {under}, {words}", target, measured) + (f"{processor.median:.3f}",))
    rows.append(_ratio_row("limit / a", SHARE_TARGET, ratio(found.limits, found.seconds["a"])) + ("",))
    heading = ("ratio", "target", "median of the rounds", "lowest to highest", "target met", "in processor time")
    return str(Table(heading, rows))


def parts(spent, flops: float, bandwidth: float) -> str:
    """The parts of a bare step compared with their limits; `spent` is in milliseconds."""
    rows = []
    for part in [*layers.LAYERS, "Adam"]:
        work, size = layers.step_gflop(part, BATCH), layers.step_bytes(part, BATCH)
        shortest = 1e3 * layers.limit(part, BATCH, flops, bandwidth)
        rows.append(
            (
                part,
                f"{work:.2f}",
                f"{1e12 * work / flops:.2f}",
                f"{size / 1e6:.1f}",
                f"{1e3 * size / bandwidth:.2f}",
                f"{spent[part]:.2f}",
                f"{shortest / spent[part]:.2f}",
            )
        )
    rows.append(("rest: loss, dropout", "", "", "", "", f"{spent['rest']:.2f}", ""))
    heading = ("part", "GFLOP", "ms of arithmetic", "MB", "ms of memory", "ms measured", "limit / measured")
    return str(Table(heading, rows))


def dashboards(spent, config) -> str:
    """The cost of each dashboard; `spent` is in milliseconds."""
    image_steps = [step for step in range(config.steps + 1) if is_image_step(step, config.image_every)]
    every = {
        "scalars": ("scalars", config.summary_every),
        "histograms": ("histograms of weights and activations, with the check of all weights", config.histogram_every),
        "images": (
            "images, sheets of all feature maps, sound, kept kernels, results for DECONVNET; deconvolution and 1,000 "
            "digits included",
            config.steps / len(image_steps),
        ),
        "checkpoint": ("checkpoint, with the check of all weights and `fsync`", config.checkpoint_every),
        "test": ("test on 1,000 digits", config.test_every),
    }
    shares = {what: spent[what] / steps / spent["bare"] for what, (_, steps) in every.items()}
    rows = [
        (words, f"{steps:.0f} steps", f"{spent[what]:.1f}", f"{shares[what]:.2%}")
        for what, (words, steps) in every.items()
    ]
    total = sum(shares.values())
    rows.append(("sum without the test, to compare with c / bare c", "", "", f"{total - shares['test']:.2%}"))
    rows.append(("sum, to compare with b / bare b", "", "", f"{total:.2%}"))
    return str(Table(("what", "every", "ms each time", "share of the bare steps between"), rows))


def deconvolution(rows_found, differences) -> str:
    """Images per second of whole maps of layer two. `rows_found`: {images: {program: seconds of each round}}."""
    rows, ratios_ = [], []
    for images, found in rows_found.items():
        median = {name: statistics.median(seconds) for name, seconds in found.items()}
        theirs = [name for name in ("captum", "captum, channels_last") if name in median]
        speeds = [f"{images / median[name]:,.0f}" if name in median else "" for name in DECONVOLVED]
        alone = (median["ours"] - median["forward"]) / median["forward"]
        rows.append((f"{images:,}", *speeds, f"{alone:.2f}"))
        if theirs:
            best = min(theirs, key=median.get)
            words = f"ours / {best}, images at once: {images:,}"
            target = CAPTUM_TARGET if images >= 100 else ""
            ratios_.append(_ratio_row(words, target, ratio(found[best], found["ours"])))
    heading = ("images at once", *DECONVOLVED, "deconvolution alone / forward")
    text = [str(Table(heading, rows)), str(Table(RATIO_HEADING, ratios_))]
    text += [f"Largest difference between ours and {name}, relative to the largest value: {difference:.1e}."
             for name, difference in differences.items()]  # fmt: skip
    return "\n\n".join(text)


DECONVOLVED = ("forward", "ours", "`tf.gradients`", "captum", "captum, channels_last")
RATIO_HEADING = ("ratio", "target", "median of the rounds", "lowest to highest", "target met")


def scan(found) -> str:
    """The scan of `features` and bare runs. `found`: {what: (seconds of scans, of bare runs, images, peaks)}."""
    rows, ratios_ = [], []
    for what, (scanned, bare, images, peaks) in found.items():
        speeds = [f"{images / statistics.median(seconds):,.0f}" for seconds in (scanned, bare)]
        rows.append((what, f"{images:,}", *speeds, *[f"{megabytes(peak)}" for peak in peaks]))
        ratios_.append(_ratio_row(f"scan / bare, {what}", SCAN_TARGET, ratio(bare, scanned)))
    heading = ("scan", "images", "images/s", "bare `session.run`, images/s", "peak at 1,000", "peak at 4,000")
    return f"{Table(heading, rows)}\n\n{Table(RATIO_HEADING, ratios_)}"


def steps(count: int, found) -> str:
    """`features` and `features --steps all`. `found`: for each round the (seconds, processor seconds) of both."""
    names = "`features`", f"`features --steps all`, {count} steps"
    spent = [list(zip(*command)) for command in zip(*found)]  # of each command the seconds, and the processor seconds
    rows = [(name, *[f"{statistics.median(times):.1f}" for times in both]) for name, both in zip(names, spent)]
    one, every = [[seconds * count for seconds in times] for times in spent[0]], spent[1]
    ratios_ = [
        _ratio_row(f"all steps / ({count} x one), {what}", target, ratio(over, under))
        for what, target, over, under in zip(("seconds", "processor seconds"), (STEPS_TARGET, ""), every, one)
    ]
    heading = ("command, without the start", "seconds", "processor seconds")
    return f"{Table(heading, rows)}\n\n{Table(RATIO_HEADING, ratios_)}"


def differences(found, largest: float) -> str:
    """Our occlusion against captum's. `found`: {what falls: largest difference, relative to the largest fall}."""
    target = f"<= {largest:.0e}"
    rows = [(name, f"{value:.1e}", target, "met" if value <= largest else "missed") for name, value in found.items()]
    return str(Table(("fall of", "largest difference, relative to the largest fall", "target", "target met"), rows))


def occlusion(found, patches: int) -> str:
    """Passes per second of the class occlusion. `found`: {images: {program: seconds of each round}}."""
    rows, ratios_ = [], []
    for images, spent in found.items():
        passes = images * (1 + patches)
        rows.append(
            (f"{images:,}", f"{passes:,}", *[f"{passes / statistics.median(spent[name]):,.0f}" for name in OCCLUDED])
        )
        for other, target in OCCLUDED_TARGETS.items():
            words = f"ours / {OCCLUDED[other]}, images at once: {images:,}"
            ratios_.append(_ratio_row(words, target, ratio(spent[other], spent["ours"])))
    return f"{Table(('images at once', 'passes', *OCCLUDED.values()), rows)}\n\n{Table(RATIO_HEADING, ratios_)}"


OCCLUDED = {
    "ours": "ours",
    "bare": "bare `session.run`",
    "captum": "captum",
    "captum, many patches at once": "captum, many patches at once",
}
OCCLUDED_TARGETS = {"bare": ">= 0.9", "captum": ">= 2", "captum, many patches at once": ""}


def commands(found) -> str:
    """Whole commands: {command: figures}."""
    heading = ("command", "accuracy", "seconds", "of these in fsync", "events", "log directory", "peak memory")
    rows = []
    for command, run in found.items():
        events_, log = [megabytes(run[name]) if name in run else "" for name in ("events", "log")]
        fsync = f"{run['fsync']:.2f} ({run['fsync'] / run['seconds']:.2%}), {run['syncs']} calls"
        rows.append(
            (f"`{command}`", run.get("accuracy", ""), f"{run['seconds']:.0f}", fsync, events_, log,
             megabytes(run["memory"]))
        )  # fmt: skip
    return str(Table(heading, rows))


def megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB" if size < 1e7 else f"{size / 1e6:,.0f} MB"


def _ratio_row(words, target, found: Ratio):
    return words, target, f"{found.median:.3f}", found.range(3), found.verdict(target) if target else ""
