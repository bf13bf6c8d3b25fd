"""Measure every construct on both TensorFlows and write the table of tests/graphs/README.md.

python -m tests.agreement.construct_table

With a file name as argument it measures on the TensorFlow of this Python alone, and writes the file.
"""

import json
import os
import sys
import tempfile

from tests.benchmarks import machine
from tests.support import page_tables
from tests.support.both_tensorflows import MAJORS, drive, version
from tests.support.construct_differences import COLUMNS, measure
from tests.support.constructs import CONSTRUCTS
from tests.support.program import ROOT

PAGE = os.path.join(ROOT, "tests", "graphs", "README.md")
HEADING = ("construct", *COLUMNS)


def table(found):
    """The table from {major: {construct: {column: difference}}}."""
    rows = []
    for name, construct in CONSTRUCTS.items():
        pairs = [[found[major][name].get(column) for major in MAJORS] for column in COLUMNS]
        cells = ["refused" if None in pair else "; ".join(f"{one:.1e}" for one in pair) for pair in pairs]
        rows.append((construct.__doc__.rstrip("."), *cells))
    return str(page_tables.Table(HEADING, rows))


def main():
    """Measure on both TensorFlows and write the table into the page."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for major in MAJORS:
            path = os.path.join(folder, major)
            drive(major, "tests.agreement.construct_table", path)
            with open(path, encoding="utf-8") as file:
                found[major] = json.load(file)
    versions = " and ".join(version(major) for major in MAJORS)
    text = f"{table(found)}\n\n{machine.conditions()}: TensorFlow {versions}, with oneDNN in the latter."
    page_tables.write(PAGE, "construct_table", {"constructs": text})
    print(f"written: {PAGE}")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        with open(sys.argv[1], "w", encoding="utf-8") as out:
            json.dump({name: measure(construct) for name, construct in CONSTRUCTS.items()}, out)
