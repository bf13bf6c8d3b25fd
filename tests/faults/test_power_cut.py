"""Power cuts and disk errors: an ext4 file system on a loop device, while a run writes to it.

A power cut is a copy of the disk's image. The copy holds what the disk held at that moment; what the kernel had not
written yet is lost. After a disk error ext4 makes itself read-only; `mount -o remount,abort` causes this.
"""

import os
import random
import re
import subprocess

import pytest

from tests.support import faulty_runs as runs

pytestmark = pytest.mark.slow
CUTS = 10
HELP = "this needs Linux, root, loop devices and mkfs.ext4"
# $0 is the directory, $1 the pauses between cuts in seconds, and the rest the training command.
SCRIPT = """
    cd "$0"
    truncate -s 500M disk; mkfs.ext4 -q disk; mkdir disk.mounted; mount -o loop disk disk.mounted
    times=$1; shift
    "$@" >out 2>err & run=$!
    until [ -e disk.mounted/log/checkpoints/model.ckpt-6.index ]; do kill -0 $run; sleep 0.1; done
    number=0
    for seconds in $times; do
        sleep "$seconds"; kill -0 $run
        cp --sparse=always disk cut.$number
        number=$((number + 1))
    done
    kill -9 $run; wait $run || :
    umount disk.mounted
"""
RESUME = """
    cd "$0"
    mount -o loop "$1" disk.mounted; shift
    "$@"
    ls disk.mounted/log
    umount disk.mounted
"""


def inside(script, folder, *words):
    """Run a shell script as root in a mount namespace of its own."""
    command = ["unshare", "--mount", "sh", "-euc", script, folder, *words]
    run = subprocess.run(command, capture_output=True, text=True, env=runs.environment())
    assert run.returncode == 0, f"{HELP}\n{run.stdout}{run.stderr}"
    return run


def test_after_a_power_cut_a_run_goes_on_from_a_checkpoint(tmp_path):
    """A checkpoint is saved every second step, so that most cuts come while one is being written."""
    chance, folder = random.Random(17), str(tmp_path)
    options = dict(runs.NEVER, steps=100_000, batch_size=5, checkpoint_every=2)
    logdir = os.path.join(folder, "disk.mounted", "log")
    moments = " ".join(f"{chance.uniform(0.1, 3):.2f}" for _ in range(CUTS))
    inside(SCRIPT, folder, moments, *runs.words(logdir, **options))
    table = []
    for number in range(CUTS):
        names = inside(
            'cd "$0"; mount -o loop "$1" disk.mounted; ls disk.mounted/log/checkpoints; umount disk.mounted',
            folder, f"cut.{number}",
        ).stdout  # fmt: skip
        newest = max(int(step) for step in re.findall(r"model.ckpt-(\d+).index", names))
        last = dict(options, steps=newest + 2, checkpoint_every=10**6)
        run = inside(RESUME, folder, f"cut.{number}", *runs.words(logdir, **last))
        (step,) = re.findall(r"Resuming at step (\d+) of", run.stdout)
        assert newest - 4 <= int(step) <= newest
        assert "earlier" not in run.stdout
        table.append((number, newest, int(step)))
        os.remove(os.path.join(folder, f"cut.{number}"))
    print("cut, newest name on the disk, resumed at:", *table, sep="\n")


# The kernel refuses `remount,ro` while a run has open files: only an error makes the file system read-only.
DISK_ERROR = """
    cd "$0"
    truncate -s 500M disk; mkfs.ext4 -q disk; mkdir disk.mounted; mount -o loop,errors=remount-ro disk disk.mounted
    "$@" >/dev/null 2>err & run=$!
    until [ -e disk.mounted/log/checkpoints/model.ckpt-60.index ]; do kill -0 $run; sleep 0.1; done
    ! mount -o remount,ro disk.mounted 2>/dev/null
    mount -o remount,abort disk.mounted
    wait $run || echo "status $?"
    umount disk.mounted
"""


def test_after_a_disk_error_a_run_ends_and_resumes_later(tmp_path):
    folder, options = str(tmp_path), dict(runs.NEVER, steps=100_000, batch_size=5, checkpoint_every=20)
    logdir = os.path.join(folder, "disk.mounted", "log")
    assert "status 2" in inside(DISK_ERROR, folder, *runs.words(logdir, **options)).stdout
    (line,) = runs.lines((tmp_path / "err").read_text())
    assert re.search("expected to write .*, found (Input/output error|Read-only file system); fix this, then", line)
    run = inside(RESUME, folder, "disk", *runs.words(logdir, **dict(options, steps=200, checkpoint_every=10**6)))
    (step,) = re.findall(r"Resuming at step (\d+) of 200 ", run.stdout)
    assert int(step) >= 40
    assert "earlier" not in run.stdout
