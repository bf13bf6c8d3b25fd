"""Measure traffic and speed on hosts made of network namespaces, and predict real machines.

    python -m tests.cluster.measure

All clusters run at the same time and take turns, so that other load affects them alike. Needs Linux, root, ip and tc.
Takes about five minutes; no other program should run.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys

import tensorflow.compat.v1 as tf

from legacy_graph.cluster import namespace
from legacy_graph.data import mnist
from tests.cluster.hosts import LINKS, Hosts
from tests.support.program import ROOT

STEPS = {50: 10, 1000: 2}  # batch: steps in one turn
CLUSTERS = {"1 worker": (1, False), "2 workers": (2, False), "2 workers and a parameter server": (2, True),
            "4 workers": (4, False)}  # fmt: skip
ALONE = "1 worker"
P = 13.1e6  # bytes of all parameters
RATES = {"10 Gbit/s": 10e9, "1 Gbit/s": 1e9}  # bit/s


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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--data-dir", default=mnist.SAMPLE_DIR)
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
        _print(*_measure(hosts, clusters, options.rounds))
    finally:
        for cluster in clusters.values():
            cluster.close()
        hosts.close()


def _measure(hosts, clusters, rounds):
    """Seconds a step by (cluster, link, batch), bytes a step by (cluster, batch), seconds a scan by (cluster, link)."""
    steps, traffic, scans = {}, {}, {}
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
                if number == 0 and link != "10 Gbit/s":
                    scans[name, link] = cluster("scan")
            print(f"round {number + 1}: {link}", file=sys.stderr)
    return [{key: statistics.median(values) for key, values in one.items()} for one in (steps, traffic)] + [scans]


def _print(steps, traffic, scans):
    print(f"TensorFlow {tf.__version__}, {_processor()}, {os.cpu_count()} cores, which all hosts share.\n")
    _row("", "batch", "MB a step", *[f"ms a step, {link}" for link in LINKS])
    _row(*["---"] * (3 + len(LINKS)))
    for name in CLUSTERS:
        for batch in STEPS:
            times = [f"{1e3 * steps[name, link, batch]:.0f}" for link in LINKS]
            _row(name, f"{batch:,}", f"{traffic[name, batch] / 1e6:.1f}", *times)
    links = sorted({link for _, link in scans}, reverse=True)
    print()
    _row("scan of 10,000 digits", *[f"s, {link}" for link in links])
    _row(*["---"] * (1 + len(links)))
    for name in CLUSTERS:
        _row(name, *[f"{scans[name, link]:.1f}" for link in links])
    small, large = [steps[ALONE, "unlimited", batch] for batch in STEPS]
    digit = (large - small) / (max(STEPS) - min(STEPS))
    _predict(small - min(STEPS) * digit, digit)


def _predict(fixed, digit):
    """Print predictions for N machines: a step takes fixed + digit * batch / N + 16 (N - 1) P / rate seconds."""
    print(f"\nOn one machine, a step takes {1e3 * fixed:.1f} ms and {1e6 * digit:.0f} microseconds for each digit.\n")
    cases = [(batch, rate) for batch in (50, 1000, 10000) for rate in RATES]
    _row(
        "machines",
        *[f"batch {batch:,}, {rate}" for batch, rate in cases],
        *[f"pays from batch, {rate}" for rate in RATES],
    )
    _row(*["---"] * (1 + len(cases) + len(RATES)))
    for machines in (1, 2, 4, 8, 16):
        cells = []
        for batch, rate in cases:
            seconds = fixed + digit * batch / machines + _transfer(machines, rate)
            cells.append(f"{1 / seconds:.2f} steps/s, {batch / seconds:,.0f} images/s")
        for rate in RATES:
            least = _transfer(machines, rate) / (digit * (1 - 1 / machines)) if machines > 1 else 1
            cells.append(f"{least:,.0f}")
        _row(machines, *cells)


def _transfer(machines, rate):
    """Seconds in which the chief sends the parameters to all other workers and receives their gradients."""
    return 2 * (machines - 1) * P * 8 / RATES[rate]


def _row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
