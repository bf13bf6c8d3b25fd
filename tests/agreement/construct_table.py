"""Measure every construct on both TensorFlows and write the table of tests/graphs/README.md.

python -m tests.agreement.construct_table

With a file name as argument it measures on the TensorFlow of this Python alone, and writes the file.
"""

import json
import os
import sys
import tempfile

from tests.support.both_tensorflows import MAJORS, drive
from tests.support.construct_differences import COLUMNS, measure
from tests.support.constructs import CONSTRUCTS
from tests.support.program import ROOT

PAGE = os.path.join(ROOT, "tests", "graphs", "README.md")
BEGIN, END = "| construct |", "\n\n"


def table(found):
    """The lines of the table from {major: {construct: {column: difference}}}."""
    lines = [f"{BEGIN} {' | '.join(COLUMNS)} |", "|---" * (1 + len(COLUMNS)) + "|"]
    for name, construct in CONSTRUCTS.items():
        pairs = [[found[major][name].get(column) for major in MAJORS] for column in COLUMNS]
        cells = ["refused" if None in pair else "; ".join(f"{one:.1e}".replace("e-0", "e-") for one in pair)
                 for pair in pairs]  # fmt: skip
        lines.append(f"| {construct.__doc__.rstrip('.')} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main():
    """Measure on both TensorFlows and replace the table of the page."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for major in MAJORS:
            path = os.path.join(folder, major)
            drive(major, "tests.agreement.construct_table", path)
            with open(path, encoding="utf-8") as file:
                found[major] = json.load(file)
    with open(PAGE, encoding="utf-8") as file:
        head, _, rest = file.read().partition(BEGIN)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(head + table(found) + END + rest.partition(END)[2])
    print(f"written: {PAGE}")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        with open(sys.argv[1], "w", encoding="utf-8") as out:
            json.dump({name: measure(construct) for name, construct in CONSTRUCTS.items()}, out)
