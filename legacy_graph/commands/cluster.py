"""The cluster command: start all tasks of a cluster on this machine, for a trial or a test. Also: serve the chief."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import Any, Dict, List, Optional

from legacy_graph import tf_setup
from legacy_graph.cluster import namespace
from legacy_graph.cluster.tf_config import CHIEF, PS, VARIABLE, WORKER, Cluster
from legacy_graph.commands.parser import make_parser
from legacy_graph.data import mnist
from legacy_graph.errors import CLUSTER_WORDS, UserError

COMMANDS = ("train", "features")  # the commands that can use a cluster
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 30  # seconds for the servers to end after the chief, which has told them to
POLL = 0.05  # seconds
# As in run.sh: nothing is imported from the current directory, and the path of the checkout may contain a colon.
START = (
    "import runpy, sys; sys.path[0] = sys.argv.pop(1); "
    "runpy.run_module('legacy_graph', run_name='__main__', alter_sys=True)"
)


def run(options: argparse.Namespace) -> int:
    """Run a command on a cluster of this machine, in a network namespace where that is allowed.

    Returns:
        The exit status of the chief. All tasks have ended.
    """
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    if words[:1] not in [[command] for command in COMMANDS]:
        expected = "-- and one of the commands " + ", ".join(COMMANDS)
        raise UserError("cluster", expected, repr(" ".join(words)), "for example: cluster --workers 2 -- train")
    parsed = make_parser().parse_args(words)
    before = ["cluster", "--workers", str(options.workers), *(["--ps"] if options.ps else []), "--"]
    os.environ[CLUSTER_WORDS] = " ".join(before)  # for the command to resume, which the chief prints
    if not namespace.entered():
        if parsed.command == "train":
            mnist.load(parsed.data_dir, batch_size=parsed.batch_size)  # nothing can be downloaded in the namespace
        reason = namespace.enter(_program([*before, *words]))
        print(f"No network namespace ({reason}): other machines can reach the tasks while they run", file=sys.stderr)
    return _run_tasks(_program(words), task_configurations(options.workers, options.ps))


def serve_unless_chief(cluster: Optional[Cluster]) -> bool:
    """Serve until the chief has finished its command. Does nothing on the chief, or without a cluster.

    Returns:
        Whether this process has served.
    """
    if cluster is None or cluster.is_chief:
        return False
    tf_setup.import_tensorflow(cluster=True)
    from legacy_graph.cluster.server import serve

    serve(cluster)
    return True


def _program(words: List[str]) -> List[str]:
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return [sys.executable, "-c", START, home, *words]


def task_configurations(workers: int, ps: bool) -> List[Dict]:
    """The values of `TF_CONFIG`, the chief's last."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(workers + ps)]
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{listener.getsockname()[1]}" for listener in sockets]
    jobs = {CHIEF: addresses[:1], WORKER: addresses[1:workers], PS: addresses[workers:]}
    tasks = [{"type": job, "index": index} for job in (PS, WORKER, CHIEF) for index in range(len(jobs[job]))]
    return [{"cluster": jobs, "task": task} for task in tasks]


def _run_tasks(program, configurations) -> int:
    """Run all tasks until the chief has ended; pass signals on to the chief."""
    arrived, processes = [], []
    before = {signum: signal.signal(signum, lambda number, _: arrived.append(number)) for signum in SIGNALS}
    try:
        processes.extend(start_task(program, configuration) for configuration in configurations)
        chief = processes[-1]
        while chief.poll() is None:
            while arrived:
                chief.send_signal(arrived.pop(0))
            time.sleep(POLL)
        end = time.monotonic() + PATIENCE
        while chief.returncode == 0 and time.monotonic() < end and any(process.poll() is None for process in processes):
            time.sleep(POLL)
        return chief.returncode if chief.returncode >= 0 else 128 - chief.returncode
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for signum, handler in before.items():
            signal.signal(signum, handler)


def start_task(program: List[str], configuration: Dict, **streams: Any) -> subprocess.Popen:
    """Start a task in its own session, so that Ctrl-C reaches only this process, which passes it on to the chief.

    If the program setpriv exists, the kernel kills the task when this process is killed.

    Args:
        program: the command line.
        configuration: the value of `TF_CONFIG`, as from `task_configurations`.
        streams: `stdout` and `stderr` of `subprocess.Popen`.
    """
    command = (["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []) + program
    environment = dict(os.environ, **{VARIABLE: json.dumps(configuration)})
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True, **streams)
