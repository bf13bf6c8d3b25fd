"""Measure traffic and speed on hosts made of network namespaces, and predict real machines.

    python -m tests.cluster.measure

All clusters run at the same time and take turns, so that other load affects them alike. Needs Linux, root, ip and tc.
Writes the tables into legacy_graph/cluster/README.md. Takes about five minutes; no other program should run.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

from legacy_graph.cluster import namespace
from legacy_graph.data import mnist
from tests.cluster import tables
from tests.cluster.hosts import LINKS, Hosts
from tests.support.program import ROOT

STEPS = {50: 10, 1000: 2}  # batch: steps in one turn
CLUSTERS = {"1 worker": (1, False), "2 workers": (2, False), "2 workers and a parameter server": (2, True),
            "4 workers": (4, False)}  # fmt: skip
ALONE = "1 worker"


class Cluster:
    """The tasks on their hosts, and the pipes to the chief."""

    def __init__(self, workers, ps, hosts, data_dir, first):
        addresses = hosts.addresses()[first : first + workers + ps]
        jobs = {"worker": addresses[:workers], "ps": addresses[workers:]}
        tasks = [("worker", number) for number in range(workers)] + [("ps", 0)] * ps
        self._processes = []
        for host, (job, index) in reversed(list(enumerate(tasks))):
            config = {"cluster": jobs, "task": {"type": job, "index": index}}
            environment = dict(os.environ, PYTHONPATH=ROOT)
            if len(tasks) > 1:
                environment["TF_CONFIG"] = json.dumps(config)
            words = [*hosts.enter(first + host), sys.executable, "-m", "tests.cluster.measured_task", data_dir]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
            self._processes.append(subprocess.Popen(words, env=environment, cwd=ROOT, **pipes))
        self._chief = self._processes[-1]

    def answer(self):
        """The words of the next line of the chief, without the lines about the servers."""
        for line in self._chief.stdout:
            if line.startswith(("ready", "seconds")):
                return line.split()
        raise AssertionError("the chief has ended")

    def __call__(self, words):
        """Run a command on the chief and return the seconds."""
        print(words, file=self._chief.stdin, flush=True)
        return float(self.answer()[1])

    def close(self):
        for process in self._processes:
            process.kill()
            process.wait()


def main():
    """Measure all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--data-dir", default=mnist.SAMPLE_DIR)
    tables.add_page_option(parser)
    options = parser.parse_args()
    if not namespace.entered():
        words = [sys.executable, "-m", "tests.cluster.measure", *sys.argv[1:]]
        sys.exit("no network namespace: " + namespace.enter(words))
    hosts = Hosts(sum(workers + ps for workers, ps in CLUSTERS.values()))
    clusters, first = {}, 0
    try:
        for name, (workers, ps) in CLUSTERS.items():
            clusters[name] = Cluster(workers, ps, hosts, options.data_dir, first)
            clusters[name].answer()
            first += workers + ps
        steps, traffic = _measure(hosts, clusters, options.rounds)
    finally:
        for cluster in clusters.values():
            cluster.close()
        hosts.close()
    small, large = [steps[ALONE, "unlimited", batch] for batch in STEPS]
    digit = (large - small) / (max(STEPS) - min(STEPS))
    measured = {
        "traffic": tables.traffic(CLUSTERS, LINKS, STEPS, steps, traffic),
        "predictions": tables.predictions(small - min(STEPS) * digit, digit),
    }
    tables.record(options.page, "measure", measured)


def _measure(hosts, clusters, rounds):
    """Seconds a step by (cluster, link, batch), bytes a step by (cluster, batch)."""
    steps, traffic = {}, {}
    for cluster in clusters.values():  # the first run of a session is slow
        cluster("train 50 2"), cluster("train 1000 1")
    for number in range(rounds):
        for link in LINKS:
            hosts.limit(link)
            for name, cluster in clusters.items():
                for batch, count in STEPS.items():
                    before = hosts.sent()
                    seconds = cluster(f"train {batch} {count}") / count
                    steps.setdefault((name, link, batch), []).append(seconds)
                    traffic.setdefault((name, batch), []).append((hosts.sent() - before) / count)
            print(f"round {number + 1}: {link}", file=sys.stderr)
    return [{key: statistics.median(values) for key, values in one.items()} for one in (steps, traffic)]


if __name__ == "__main__":
    main()
