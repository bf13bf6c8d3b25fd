"""Fixtures of the browser tests.

The tests are written for TensorBoard 2's page. TensorBoard 1.15, on Python 3.7, draws another page, so there they are
not collected; other tests compare the event files themselves.
"""

import contextlib
import os
import shutil
import sys

import pytest

from tests.support.published import read_npz

if sys.version_info < (3, 8):
    collect_ignore_glob = ["*.py"]
else:
    from tests.support import board


@pytest.fixture(scope="session")
def browser():
    with board.chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def log(trained):
    return board.read(trained.logdir)


@pytest.fixture(scope="session")
def address(trained):
    with board.tensorboard(trained.logdir) as address:
        yield address


@pytest.fixture
def look(browser, address, log):
    """A `Look` at the shared run. The test fails if a page logs an error or a request fails."""
    with board.looking(browser, address, log) as look:
        yield look
        assert [page.complaints for page in look.pages] == [[]] * len(look.pages)


@pytest.fixture(scope="session")
def features_log(features_run, tmp_path_factory):
    """A copy of the log, to write into, and the address that serves it."""
    copy = str(tmp_path_factory.mktemp("features_log") / "log")
    shutil.copytree(features_run, copy)
    with board.tensorboard(copy) as address:
        yield copy, address


@pytest.fixture
def open_view(browser, features_log):
    """open_view(HASH, QUERY, ADDRESS) -> (page, frame of the dashboard), closed after the test."""
    with contextlib.ExitStack() as pages:

        def open_view(view=board.CONV2, query="", address=features_log[1]):
            return pages.enter_context(board.viewed(browser, address, view, query))

        yield open_view


@pytest.fixture(scope="session")
def page_and_frame(browser, features_log):
    with board.viewed(browser, features_log[1]) as both:
        yield both


@pytest.fixture
def visit(page_and_frame):
    """visit(HASH) -> the same page and frame for all tests, shown with this address."""

    def visit(view=board.CONV2):
        page_and_frame[0].evaluate("hash => location.hash = hash", view)
        return page_and_frame

    return visit


@pytest.fixture(scope="session")
def arrays(features_run):
    path = os.path.join(features_run, "features", "conv2", "features.npz")
    return read_npz(path)
