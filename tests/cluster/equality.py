"""Compare the losses of clusters with those of one machine, and write a table into legacy_graph/cluster/README.md.

python -m tests.cluster.equality --data-dir MNIST_data
"""

import argparse
import os
import tempfile

from legacy_graph.data import mnist
from tests.cluster import tables
from tests.support import cluster_runs

CLUSTERS = [(1, False), (2, False), (2, True), (4, False)]  # workers, with a parameter server
DROPOUT = {1.0: "none", 0.5: "0.5"}
UNTIL = (10, 20, 30)  # steps
ALLOWED = {(1.0, 20): 1e-5, (0.5, 10): 1e-5, (0.5, 30): 1e-3}
QUIET = ["--steps", str(UNTIL[-1]), "--summary-every", "1", "--histogram-every", "100", "--image-every", "100",
         "--test-every", "100"]  # fmt: skip


def run(logdir, data_dir, workers, ps, keep_prob):
    """Train on a cluster, or without a cluster if `workers` is 0."""
    words = ["train", "--logdir", logdir, "--data-dir", data_dir, "--keep-prob", str(keep_prob), *QUIET]
    ended = cluster_runs.cluster(workers, ps, *words)
    assert ended.returncode == 0, ended.stderr


def differences(data_dir):
    """Yield workers, parameter server, keep_prob, {step of `UNTIL`: largest relative difference up to this step}."""
    for keep_prob in DROPOUT:
        with tempfile.TemporaryDirectory() as folder:
            alone = os.path.join(folder, "alone")
            run(alone, data_dir, 0, False, keep_prob)
            for workers, ps in CLUSTERS:
                logdir = os.path.join(folder, f"{workers}{ps}")
                run(logdir, data_dir, workers, ps, keep_prob)
                found = {until: cluster_runs.difference(logdir, alone, until) for until in UNTIL}
                for until, value in found.items():
                    assert value <= ALLOWED.get((keep_prob, until), 1), (workers, ps, keep_prob, until, value)
                yield workers, ps, keep_prob, found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", default=mnist.SAMPLE_DIR)
    tables.add_page_option(parser)
    options = parser.parse_args()
    rows = []
    for workers, ps, keep_prob, found in differences(os.path.abspath(options.data_dir)):
        rows.append((DROPOUT[keep_prob], f"{workers} and a parameter server" if ps else str(workers), found))
    tables.record(options.page, "equality", {tables.REGION: tables.equality(UNTIL, rows)})


if __name__ == "__main__":
    main()
