"""The conditions of a measurement: date, commit, processor, versions."""

import datetime
import os
import platform
import subprocess

from tests.support.program import ROOT

PACKAGES = ["tensorflow", "keras", "torch", "captum", "tensorboard", "numpy"]


def conditions() -> str:
    """The beginning of a sentence, with date, commit and processor."""
    return (
        f"Measured on {datetime.date.today()} at commit {_commit()} on {os.cpu_count()} cores of "
        f"{describe_processor()}, {platform.system()}"
    )


def describe(batch: int) -> str:
    """Two sentences for the top of the page."""
    import importlib.metadata  # Python 3.8 or newer

    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in PACKAGES)
    instructions = os.environ.get("ONEDNN_MAX_CPU_ISA")
    limited = f", oneDNN limited to {instructions}" if instructions else ""
    return f"{conditions()}{limited}: batch {batch}, Adam, float32. Python {platform.python_version()}, {versions}."


def _commit():
    command = ["git", "-C", ROOT, "describe", "--always", "--dirty= with changes"]
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def describe_processor():
    """The name of the processor and its vector instructions."""
    name = _cpuinfo("model name") or platform.processor() or platform.machine()
    return f"{name} ({_vectors()})"


def _vectors():
    flags = _cpuinfo("flags").split()
    return "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else platform.machine()


def _cpuinfo(name):
    """A field of the first processor on Linux; empty elsewhere."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next((line.split(":", 1)[1].strip() for line in file if line.startswith(name)), "")
    except OSError:
        return ""
