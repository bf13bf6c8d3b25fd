"""Write the table of operations in tests/graphs/README.md: `.venv/bin/python -m tests.agreement.operation_table`."""

import os

from legacy_graph.graphs.op_table import TABLE, refusal
from tests.support import page_tables
from tests.support.program import ROOT

PAGE = os.path.join(ROOT, "tests", "graphs", "README.md")
HEADING = ["operations", "kind", "moves", "bound", "projection", "NCHW"]


def table() -> str:
    """One line for all operations with the same properties; operations that never run are left out."""
    groups = {}
    for name, row in TABLE.items():
        if refusal(name) is None:
            cells = (row.kind, row.moves, row.bound, row.projection, row.layout)
            groups.setdefault(cells, []).append(f"`{name}`")
    return str(page_tables.Table(HEADING, [[", ".join(names), *cells] for cells, names in groups.items()]))


if __name__ == "__main__":
    page_tables.write(PAGE, "operation_table", {"operations": table()})
