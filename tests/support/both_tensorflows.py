"""Run a module of this project on TensorFlow 1 or 2, in a child process."""

import os
import shutil
import subprocess
import sys

import tensorflow.compat.v1 as tf

from tests.support.program import ROOT

MAJORS = "12"
OTHER = {"1": "2", "2": "1"}
MADE = {"1": (".venv-3.7", "PYTHON=python3.7 bash run.sh setup"), "2": (".venv", "bash run.sh setup")}


def python_with(major):
    """The Python with TensorFlow `major`: this one, that in LEGACY_GRAPH_TF<major>, or that of run.sh's environment."""
    if tf.__version__.startswith(major + "."):
        return sys.executable
    folder, command = MADE[major]
    named = os.environ.get("LEGACY_GRAPH_TF" + major, os.path.join(ROOT, folder, "bin", "python"))
    python = shutil.which(named)
    assert python, f"no Python with TensorFlow {major} at {named}: run `{command}`, or set LEGACY_GRAPH_TF{major}"
    return python


def version(major):
    """The version of TensorFlow `major`, such as "1.15.5"."""
    code = "import tensorflow; print(tensorflow.__version__)"
    return subprocess.check_output([python_with(major), "-W", "ignore", "-c", code], text=True).strip()


def drive(major, *words, **variables):
    """Run a module of this project on TensorFlow `major`, and return what it prints."""
    # TensorFlow 2 sets TF2_BEHAVIOR when it is imported, and TensorFlow 1.15 would then run eagerly.
    inherited = {name: value for name, value in os.environ.items() if name != "TF2_BEHAVIOR"}
    child = subprocess.run(
        [python_with(major), "-W", "ignore", "-m"] + list(words),
        cwd=ROOT,
        env=dict(inherited, PYTHONPATH=ROOT, PYTHONIOENCODING="utf-8", **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=3600,
    )
    assert child.returncode == 0, child.stdout
    return child.stdout
