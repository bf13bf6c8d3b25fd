"""What the browser tests share.

They look at TensorBoard's page of today. TensorBoard 1.15, the one for Python 3.7, draws another page, of other
elements; the event files that it reads are held to be the same by the other tests. So on Python 3.7 these are not
collected.
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
    """A `Look` at the shared run. The test fails if one of its pages reports an error, or does not find a file."""
    with board.looking(browser, address, log) as look:
        yield look
        assert [page.complaints for page in look.pages] == [[]] * len(look.pages)
