"""A full or read-only disk: a small file system that is mounted for the test."""

import os
import re
import subprocess

import pytest

from tests.support import faulty_runs as runs
from tests.support.faulty_runs import LONG, lines, newest

pytestmark = pytest.mark.slow
HELP = "this needs Linux, and root or user namespaces: run it as root, or sysctl kernel.unprivileged_userns_clone=1"


def inside(script, place, **options):
    """Run a shell script in its own mount namespace. $0 is `place`, for a tmpfs; "$@" is a training command in it."""
    command = ["unshare", "--mount"] + ["--map-root-user"] * (os.geteuid() != 0) + ["sh", "-euc", script, place]
    assert subprocess.call(command[:-4] + ["true"]) == 0, HELP
    os.makedirs(place)
    command += runs.words(os.path.join(place, "log"), **options)
    return subprocess.run(command, capture_output=True, text=True, cwd=runs.ROOT, timeout=300)


def test_a_full_disk_run_resumes_when_there_is_room(tmp_path):
    """Two checkpoints fit, the third does not. With more room the run resumes from the second and ends."""
    script = """
        mount -t tmpfs -o size=100m tmpfs "$0"
        "$@" || echo "status $?"
        ls "$0/log/checkpoints"
        mount -o remount,size=400m "$0"
        "$@"
    """
    run = inside(script, str(tmp_path / "disk"), **dict(LONG, steps=300, checkpoint_every=100))
    assert run.returncode == 0, run.stderr
    told = lines(run.stderr)
    assert len(told) == 1, told
    (line,) = told
    assert "expected to write the checkpoint of step 200, found No space left on device; fix this" in line
    assert "status 2" in run.stdout
    assert "model.ckpt-100.index" in run.stdout
    assert "temp" not in run.stdout
    assert "Resuming at step 100 of 300" in run.stdout


def test_a_full_disk_stops_the_run_at_the_next_event(tmp_path):
    script = """
        mount -t tmpfs -o size=100m tmpfs "$0"
        "$@" 2>"$0/../told" & run=$!
        until grep -q "step  *250/" "$0/../told"; do sleep 0.1; done
        dd if=/dev/zero of="$0/others" bs=1k 2>/dev/null || :
        wait $run || echo "status $?"
        cp -r "$0/log" "$0/../kept"
    """
    run = inside(script, str(tmp_path / "disk"), **LONG)
    assert "status 2" in run.stdout, run.stderr
    (line,) = lines((tmp_path / "told").read_text())
    assert "expected to write an event, found No space left on device; fix this" in line
    assert newest(str(tmp_path / "kept")) == 0


def test_a_disk_without_a_free_inode(tmp_path):
    """There is room for bytes, but not for another file. Each file that a run creates is once the first that fails."""
    failed = []
    for inodes in range(2, 40):
        script = f'mount -t tmpfs -o size=300m,nr_inodes={inodes} tmpfs "$0"; "$@"'
        run = inside(script, str(tmp_path / f"disk{inodes}"), **dict(runs.NEVER, steps=2, batch_size=5))
        if run.returncode == 0:
            break
        (line,) = lines(run.stderr)
        assert run.returncode == 2
        assert "found No space left on device; " in line or "(No space left on device); " in line
        failed.append(line)
    assert run.returncode == 0
    for part in ("--logdir", "checkpoints", "train", "test", "projector"):
        assert any(re.search(rf"(legacy_graph: |/){part}: expected ", line) for line in failed), failed
