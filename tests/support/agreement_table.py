"""The table of differences between the two TensorFlows in tests/README.md."""

import os

from tests.support.page_tables import Table
from tests.support.program import ROOT

PAGE = os.path.join(ROOT, "tests", "README.md")
REGION = "agreement"
HEADING = ("quantity", "2.21 without oneDNN", "2.21 with oneDNN")
INITIAL, MASK, SCALARS = "initial values", "dropout mask", "every scalar summary"
DECONVOLVED = ["deconv1", "deconv2", "deconv1, ties shared", "deconv2, ties shared"]
COMPUTED = ["logits", "softmax", *DECONVOLVED, "reverse_conv1", "reverse_conv2"]
LOSSES, MOVED = "losses of 20 training steps", "losses of a run started on one TensorFlow and resumed on the other"
FORMATS = "projections of a model that one TensorFlow saved and the other loaded, against `legacy_graph.deconvolve`"
QUANTITIES = [INITIAL, MASK, *COMPUTED, SCALARS, LOSSES, MOVED, FORMATS]
ALWAYS_WITH = (MOVED, FORMATS)  # measured with the defaults, that is with oneDNN
LIMITS = {INITIAL: 0, MASK: 0, LOSSES: 1e-3, MOVED: 1e-3, FORMATS: 0}  # of the others: LIMIT
LIMIT = 1e-5


def table(found):
    """The table from {(quantity, whether with oneDNN): largest relative difference}. KeyError if one is missing."""
    rows = []
    for name in QUANTITIES:
        pair = ["" if name in ALWAYS_WITH else _figure(found[name, False]), _figure(found[name, True])]
        rows.append((name, *pair))
    return str(Table(HEADING, rows))


def _figure(value):
    return f"{value:.1e}" if value else "0"
