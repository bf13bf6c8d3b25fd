"""Read and check `TF_CONFIG`, the environment variable that describes a cluster. Does not import TensorFlow.

Source: TensorFlow's guide "Distributed training", section "TF_CONFIG"; the format is that of `tf.estimator`.
"""

import json
import os
import re
from typing import Any, Dict, List, NamedTuple, Optional

from legacy_graph.errors import UserError

VARIABLE = "TF_CONFIG"
CHIEF, WORKER, PS = JOBS = ("chief", "worker", "ps")
EXAMPLE = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'


class Task(NamedTuple):
    """One process of the cluster."""

    job: str  # one of `JOBS`
    index: int
    address: str  # host:port

    @property
    def device(self) -> str:
        """The full name of the task's processor, as in TensorBoard's GRAPHS."""
        return f"/job:{self.job}/task:{self.index}/device:CPU:0"

    def __str__(self) -> str:
        return f"{self.job} {self.index} at {self.address}"


class Cluster(NamedTuple):
    """All tasks, the task of this process, and the value of --task-timeout."""

    jobs: Dict[str, List[str]]  # job -> addresses, as for `tf.train.ClusterSpec`
    task: Task  # this process
    timeout: int  # seconds

    @property
    def tasks(self) -> List[Task]:
        """All tasks: the chief, the workers, the parameter server."""
        return [Task(job, n, address) for job in JOBS for n, address in enumerate(self.jobs.get(job, []))]

    @property
    def workers(self) -> List[Task]:
        """The tasks that compute: the chief first, then the other workers."""
        return [task for task in self.tasks if task.job != PS]

    @property
    def chief(self) -> Task:
        """The task that runs the command: job `chief`, or worker 0 if there is no such job."""
        return self.workers[0]

    @property
    def is_chief(self) -> bool:
        """Whether this process is the chief."""
        return self.task == self.chief

    @property
    def patience(self) -> float:
        """Seconds to wait for an answer: less than the time-out, so that this process ends within the time-out."""
        return max(self.timeout / 2, self.timeout - 3)

    @property
    def peers(self) -> List[Task]:
        """All tasks except this one."""
        return [task for task in self.tasks if task != self.task]


def read_cluster(timeout: int) -> Optional[Cluster]:
    """The cluster that `TF_CONFIG` describes; None if the variable is not set, or empty.

    Args:
        timeout: seconds; a task that does not answer for this time counts as lost.

    Raises:
        UserError: the value is malformed.
    """
    text = os.environ.get(VARIABLE, "")
    if not text.strip():
        return None
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"JSON such as {EXAMPLE}", f"{text[:80]!r} ({error})") from error
    cluster = config.get("cluster") if isinstance(config, dict) else None
    if not isinstance(cluster, dict):
        raise _malformed(f'"cluster", an object of jobs, as in {EXAMPLE}', f"{text[:80]!r}")
    jobs = {job: _addresses(job, addresses) for job, addresses in cluster.items() if addresses != []}
    _check_jobs(jobs)
    return Cluster(jobs, _own_task(jobs, config.get("task")), timeout)


def check_batch(cluster: Cluster, batch_size: int) -> None:
    """Refuse a batch with fewer digits than workers.

    Raises:
        UserError: names the option.
    """
    count = len(cluster.workers)
    if batch_size < count:
        hint = f"choose a larger batch, or fewer workers in {VARIABLE}"
        raise UserError("--batch-size", f"at least {count}, a digit for each worker", batch_size, hint)


def _addresses(job: str, addresses: Any) -> List[str]:
    if job not in JOBS:
        raise _malformed("the jobs " + ", ".join(JOBS), f"{job!r}")
    if not isinstance(addresses, list):
        raise _malformed(f'a list of "host:port" for the job {job}', f"{addresses!r}")
    for address in addresses:
        match = re.fullmatch(r"[\w.-]+:([0-9]{1,5})|\[[0-9a-fA-F:]+\]:([0-9]{1,5})", str(address))
        if not match or not 0 < int(match.group(1) or match.group(2)) < 65536 or not _is_host(address):
            raise _malformed(f'"host:port" for each task of the job {job}', f"{address!r}")
    return addresses


def _is_host(address):
    """Whether Python can look up the host, which must have no empty part, and none above 63 characters."""
    try:
        return bool(address.rpartition(":")[0].encode("idna"))
    except UnicodeError:
        return False


def _check_jobs(jobs):
    for job in (CHIEF, PS):
        if len(jobs.get(job, [])) > 1:
            raise _malformed(f"at most one task of the job {job}", len(jobs[job]))
    if not jobs.get(CHIEF) and not jobs.get(WORKER):
        raise _malformed("a chief or a worker", "none")
    addresses = [address for job in jobs.values() for address in job]
    for address in addresses:
        if addresses.count(address) > 1:
            raise _malformed("a different address for each task", f"{address} twice")


def _own_task(jobs, task) -> Task:
    given = task if isinstance(task, dict) else {}
    job, index = given.get("type"), str(given.get("index"))
    if not isinstance(job, str) or job not in jobs:
        raise _malformed('"task" with a "type" among ' + ", ".join(jobs), f"{task!r}")
    if not re.fullmatch("[0-9]{1,6}", index) or int(index) >= len(jobs[job]):
        raise _malformed(f'an "index" from 0 to {len(jobs[job]) - 1} for the type {job}', f"{given.get('index')!r}")
    return Task(job, int(index), jobs[job][int(index)])


def _malformed(expected, found):
    return UserError(VARIABLE, expected, found, f"correct {VARIABLE}, or unset it to use one machine")
