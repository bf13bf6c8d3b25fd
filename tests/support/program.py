"""Run the program as a user does, in a child process."""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SAMPLE = os.path.join(ROOT, "legacy_graph", "data", "sample")
STEPS = 30
# The options of the run that most tests share: see `trained` in tests/conftest.py.
SHORT_RUN = (
    f"--steps {STEPS} --batch-size 20 --learning-rate 1e-3 --summary-every 5 "
    "--histogram-every 10 --image-every 10 --test-every 10"
).split()


def legacy_graph(*words, **options):
    """Run `python -m legacy_graph WORDS` as a user does; returns the finished process with its text output."""
    environment = dict(os.environ, PYTHONPATH=ROOT, PYTHONIOENCODING="utf-8", **options.pop("env", {}))
    return subprocess.run(
        [sys.executable, "-m", "legacy_graph"] + list(words),
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        **options,
    )
