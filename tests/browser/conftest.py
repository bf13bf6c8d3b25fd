"""Fixtures of the browser tests.

The tests are written for TensorBoard 2's page. TensorBoard 1.15, on Python 3.7, draws another page, so there they are
not collected; other tests compare the event files themselves.
"""

import sys

import pytest

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
