"""A run to write results into."""

import shutil

import pytest


@pytest.fixture(scope="module")
def logdir(trained, tmp_path_factory):
    """A copy of the trained run, to write into; a path with a space and Chinese characters."""
    copy = str(tmp_path_factory.mktemp("features") / "log \u5377\u79ef")
    shutil.copytree(trained.logdir, copy)
    return copy
