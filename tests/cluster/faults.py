"""Kill and stop tasks of a cluster at random moments, resume, and write a table into legacy_graph/cluster/README.md.

    python -m tests.cluster.faults --rounds 20

A chief, a worker and a parameter server run in a network namespace of Linux. In each round one of the tasks gets
SIGKILL or SIGSTOP, during the start or the training. A stopped worker or parameter server is then continued or killed;
a stopped chief is killed. Then all ended tasks are started again. At the end all events and weights equal those of a
cluster that got no signal.
"""

import argparse
import collections
import contextlib
import os
import random
import re
import signal
import sys
import tempfile
import time

from legacy_graph.cluster import namespace
from legacy_graph.commands.cluster import start_task, task_configurations
from tests.cluster import tables
from tests.support import faulty_runs

TIMEOUT = 10  # seconds, --task-timeout
SLACK = 2  # seconds, for a busy machine
NAMES = ("ps 0", "worker 0", "chief 0")
OPTIONS = {"steps": 150, "batch_size": 4, "histogram_every": 50, "image_every": 50, "test_every": 50,
           "checkpoint_every": 2, "task_timeout": TIMEOUT}  # fmt: skip


class Cluster:
    """The tasks of one cluster. `start` starts the tasks that are not running."""

    def __init__(self, logdir, output):
        self.logdir, self.output = logdir, output  # output: a file
        self.configurations = dict(zip(NAMES, task_configurations(2, True)))
        self.processes = {}

    def start(self):
        for name, configuration in self.configurations.items():
            if name not in self.processes or self.processes[name].poll() is not None:
                words = faulty_runs.words(self.logdir, **OPTIONS)
                self.processes[name] = start_task(words, configuration, stderr=self.output, stdout=self.output)
        return self.processes["chief 0"]

    def lines(self, beginning):
        """The lines that the tasks have printed and that start with `beginning`."""
        with open(self.output.name, encoding="utf-8", errors="replace") as file:
            return [line for line in file.read().splitlines() if line.startswith(beginning)]

    def last_line(self):
        return (self.lines("legacy_graph:") or [""])[-1]

    def close(self):
        for process in self.processes.values():
            process.kill()
            process.wait()


def newest(logdir):
    """The step of the newest checkpoint, from its name."""
    folder = os.path.join(logdir, "checkpoints")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return max([int(name[len("model.ckpt-") : -len(".index")]) for name in names if name.endswith(".index")] + [0])


def disturb(cluster, name, number, when, chance):
    """One round: send the signal `number` to the task `name`.

    Returns:
        The seconds until the chief has ended. They start at the signal, or at the start of the chief's server if that
        is later. None if the signal went to the chief.
    """
    served = len(cluster.lines("Serving chief"))
    chief, begun = cluster.start(), newest(cluster.logdir)
    if when == "training":
        far = begun + chance.randint(1, 6)
        faulty_runs.wait_until(lambda: newest(cluster.logdir) >= far or chief.poll() is not None, 120)
    time.sleep(chance.uniform(0, 6 if when == "starting" else 0.5))
    victim, sent = cluster.processes[name], time.monotonic()
    victim.send_signal(number)
    seconds = None
    if name != "chief 0":
        while chief.poll() is None:
            if len(cluster.lines("Serving chief")) == served:
                sent = time.monotonic()
            time.sleep(0.05)
        status = chief.returncode
        seconds = time.monotonic() - sent
        assert status == 75, (name, number, status, cluster.last_line())
        assert cluster.last_line().startswith(f"legacy_graph: {name} at 127.0.0.1:"), cluster.last_line()
        assert seconds <= TIMEOUT + SLACK, (name, number, seconds)
    if number == signal.SIGSTOP and name != "chief 0" and chance.random() < 0.5:
        victim.send_signal(signal.SIGCONT)
    else:
        victim.kill()
        victim.wait()
    others = [one for other, one in cluster.processes.items() if other not in (name, "chief 0")]
    assert [one.poll() for one in others] == [None] * len(others), "a server has ended"
    if newest(cluster.logdir):
        faulty_runs.newest(cluster.logdir)  # reads every tensor
    return seconds


def finish(cluster):
    """Run to the end: every task exits with 0."""
    cluster.start()
    assert [cluster.processes[name].wait(300) for name in NAMES] == [0, 0, 0], cluster.last_line()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=2018)
    tables.add_page_option(parser)
    options = parser.parse_args()
    if not namespace.entered():
        sys.exit(
            "no network namespace: " + namespace.enter([sys.executable, "-m", "tests.cluster.faults", *sys.argv[1:]])
        )
    chance, found = random.Random(options.seed), collections.defaultdict(list)
    cases = [(name, number) for number in (signal.SIGKILL, signal.SIGSTOP) for name in NAMES]
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        names = ("disturbed", "undisturbed")
        files = [stack.enter_context(open(os.path.join(folder, name + ".txt"), "w")) for name in names]
        clusters = [Cluster(os.path.join(folder, name), file) for name, file in zip(names, files)]
        try:
            for number in range(options.rounds):
                name, sent = cases[number % len(cases)]
                when = "starting" if number % 4 == 3 else "training"
                found[name, sent].append(disturb(clusters[0], name, sent, when, chance))
                print(f"round {number + 1}: {name}, {sent.name}, {when}, {found[name, sent][-1]}", file=sys.stderr)
            line = re.sub("127.0.0.1:[0-9]+", "host:port", clusters[0].last_line())
            for cluster in clusters:
                finish(cluster)
            faulty_runs.assert_same(clusters[0].logdir, clusters[1].logdir)
        finally:
            for cluster in clusters:
                cluster.close()
    tables.record(options.page, "faults", {tables.REGION: tables.faults(TIMEOUT, line, found)})


if __name__ == "__main__":
    main()
