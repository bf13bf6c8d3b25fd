"""The tables of tests/screenshots/README.md: python -m tests.browser.tables [LOGDIR [LOGDIR]]

Writes the table of the 2018 program's curves from seeds.json, the table of the control from the results that
`features --control random` wrote into the first LOGDIR for conv1 and conv2, and the table of the comparison with
occlusion from the results in each LOGDIR.
"""

import itertools
import json
import os
import sys

import numpy as np

from legacy_graph.article.receptive_field import Field
from legacy_graph.config import METHODS
from legacy_graph.visualize import occlusion_check, sanity_check
from legacy_graph.visualize.top_activations import TopActivations
from tests.browser.curves import MEASURED, PROGRAM, PROGRAM_UPDATES
from tests.support import page_tables
from tests.support.program import ROOT

PAGE = os.path.join(ROOT, "tests", "screenshots", "README.md")
CURVES = ("updates", "loss, 2018", "loss, ours", "accuracy, 2018", "accuracy, ours")
CONTROL = ("layer", "rank correlation, learned with random", "energy, learned", "energy, random")
OCCLUSION = ("steps", "layer", *METHODS, "deconvnet, random kernel")
LAYERS = ("conv1", "conv2")


def curves(measured):
    """The program's points, and the least and the largest mean of a seed. `measured`: the content of seeds.json."""
    rows = []
    for point, updates in enumerate(PROGRAM_UPDATES):
        row, at = [f"{updates:,}"], measured["updates"].index(updates)
        for what, digits in (("loss", 1), ("accuracy", 2)):
            means = [np.mean(seed[what][at]) for seed in measured["seeds"]]
            row += [f"{PROGRAM[what][point]:.2f}", f"{min(means):.{digits}f} to {max(means):.{digits}f}"]
        rows.append(row)
    return str(page_tables.Table(CURVES, rows))


def control(logdir):
    """The figures that `features --control random` prints, from its results."""
    rows, origins = [], set()
    for layer in LAYERS:
        learned, random = [load(logdir, layer, name) for name in ("features", "control")]
        spots = [TopActivations(*[one[field] for field in TopActivations._fields]) for one in (learned, random)]
        metrics = sanity_check.compare(*spots, [Field(*map(int, axis)) for axis in learned["receptive_field"]])
        rows.append((layer, *[f"{figure:.2f}" for figure in metrics[1:4]]))
        origins.add(f"After {learned['step']:,} training steps, over {len(learned['labels']):,} digits.")
    if len(origins) > 1:
        sys.exit(f"{logdir}: expected both layers at the same step, found: {' '.join(sorted(origins))}")
    return f"{page_tables.Table(CONTROL, rows)}\n\n{origins.pop()}"


def occlusion(logdirs):
    """The comparison of the projections with occlusion that `features --control occlusion` prints, for each run."""
    rows = []
    for logdir, layer in itertools.product(logdirs, LAYERS):
        arrays = load(logdir, layer, "features")
        found = TopActivations(*[arrays[field] for field in TopActivations._fields])
        projections = occlusion_check.by_method(str(arrays["method"]), found, arrays)
        fields = [Field(*map(int, axis)) for axis in arrays["receptive_field"]]
        correlations = occlusion_check.correlate_falls(arrays["occlusion"], projections, found, fields)
        table = {
            f"{name}, random kernel" if random else name: f"{first:.2f}, {second:.2f}"
            for (name, random), _, first, second in occlusion_check.table_rows(correlations)
        }
        rows.append((f"{arrays['step']:,}", layer, *[table[name] for name in OCCLUSION[2:]]))
    return str(page_tables.Table(OCCLUSION, rows))


def load(logdir, layer, name):
    path = os.path.join(logdir, "features", f"{layer}-control=random", f"{name}.npz")
    if not os.path.isfile(path):
        command = f"bash run.sh features --logdir {logdir} --layer {layer} --control random"
        sys.exit(f"{path}: expected results, found none: run {command}")
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def main(logdirs):
    with open(MEASURED) as file:
        measured = {"curves": curves(json.load(file)), "control": control(logdirs[0])}
    measured["occlusion"] = occlusion(logdirs)
    page_tables.write(PAGE, "screenshots", measured)
    print(PAGE)


if __name__ == "__main__":
    main(sys.argv[1:] or ["log"])
