"""The examples of the page that need other machines, run with replacements for ssh, Slurm and run.sh."""

import json
import os
import re
import subprocess

import pytest

from legacy_graph.cluster.tf_config import read_cluster
from legacy_graph.commands.parser import make_parser
from tests.support.program import ROOT
from tests.support.readme import blocks

PAGE = os.path.join(ROOT, "legacy_graph", "cluster", "README.md")
PROGRAMS = {
    "ssh": 'cd "$PLACE" && mkdir -p legacy_graph && cp run.sh legacy_graph && exec bash -c "$2"',
    "scontrol": "printf 'node1\\nnode2\\nnode3\\n'",
    "srun": 'shift; for SLURM_PROCID in 0 1 2; do export SLURM_PROCID; "$@"; done',
}


def of(language, word=""):
    (text,) = [text for found, text in blocks(PAGE) if found == language and word in text]
    return text


def clusters(script, folder, monkeypatch):
    """The cluster that each task of a script reads from TF_CONFIG."""
    for name, body in dict(PROGRAMS, **{"run.sh": 'echo "$TF_CONFIG" >> "$PLACE/seen"'}).items():
        (folder / name).write_text("#!/bin/bash\n" + body + "\n")
        (folder / name).chmod(0o755)
    environment = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}", PLACE=str(folder), SLURM_JOB_NODELIST="x")
    subprocess.run(["bash", "-euc", script + "\nwait"], cwd=str(folder), env=environment, check=True)
    found = []
    for line in (folder / "seen").read_text().splitlines():
        monkeypatch.setenv("TF_CONFIG", line)
        found.append(read_cluster(60))
    return sorted(found, key=lambda cluster: cluster.task.index)


@pytest.mark.parametrize(
    "word, hosts", [("ssh", ["alpha:2222", "beta:2222"]), ("srun", ["node1:2222", "node2:2222", "node3:2222"])]
)
def test_each_task_gets_the_same_cluster_and_its_own_number(word, hosts, tmp_path, monkeypatch):
    found = clusters(of("bash", word), tmp_path, monkeypatch)
    assert [cluster.jobs for cluster in found] == [{"worker": hosts}] * len(hosts)
    assert [cluster.task.address for cluster in found] == hosts
    assert [cluster.is_chief for cluster in found] == [True] + [False] * (len(hosts) - 1)


def test_the_tf_config_on_the_page_is_accepted(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", of("json"))
    assert read_cluster(60).is_chief
    assert json.loads(of("json"))["cluster"].keys() == {"worker", "ps"}


def test_the_command_in_the_tfjob_is_accepted(monkeypatch):
    monkeypatch.setattr(os.path, "lexists", lambda path: True)
    # the container has the directory /data
    (command,) = re.findall(r"command: \[bash, run.sh, (.*)\]", of("yaml"))
    assert make_parser().parse_args(command.split(", ")).data_dir == "/data/MNIST_data"
