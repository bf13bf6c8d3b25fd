"""Run a command of legacy_graph, and write the seconds and the number of its fsync calls to a JSON file.

python -m tests.benchmarks.timed_run FILE train --logdir log
"""

import json
import os
import sys
import time

from legacy_graph.__main__ import main


def run(path, words):
    """Run the command and return its exit status."""
    genuine, spent = os.fsync, []

    def timed(descriptor):
        began = time.perf_counter()
        genuine(descriptor)
        spent.append(time.perf_counter() - began)

    os.fsync = timed
    status = main(words)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"fsync": sum(spent), "syncs": len(spent)}, file)
    return status


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))
