"""What the browser tests share.

They look at TensorBoard's page of today. TensorBoard 1.15, the one for Python 3.7, draws another page, of other
elements; the event files that it reads are held to be the same by the other tests. So on Python 3.7 these are not
collected.
"""

import contextlib
import sys

import pytest

if sys.version_info < (3, 8):
    collect_ignore_glob = ["*.py"]
else:
    from tests.browser import board


class Look:
    """A log directory as its files have it (`log`) and as a person sees it (`open`)."""

    def __init__(self, browser, address, log):
        self.log, self.pages, self._browser, self._address = log, [], browser, address

    def open(self, dashboard, tags="", **size):
        self.pages.append(board.open_page(self._browser, self._address, dashboard, tags, **size))
        return self.pages[-1]


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
    """A `Look` at the shared run. The test fails if one of its pages reports an error, or does not find a file."""
    with looking(browser, address, log) as look:
        yield look
        assert [page.complaints for page in look.pages] == [[]] * len(look.pages)


@contextlib.contextmanager
def looking(browser, address, log):
    look = Look(browser, address, log)
    yield look
    for page in look.pages:
        page.close()
