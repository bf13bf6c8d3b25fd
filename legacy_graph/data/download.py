"""Download MNIST's four files from the mirror that TensorFlow 1's `input_data` used, and verify them.

The files go into a temporary directory, and are moved to their final names after all of them are verified. The
download runs in a thread. The caller waits no longer than `Timeouts` says: a socket timeout covers neither a DNS server
that does not answer nor a very slow server.
"""

import contextlib
import os
import shutil
import signal
import tempfile
import threading
from typing import Iterator, NamedTuple, Sequence

from legacy_graph.data import files

MIRROR = "https://storage.googleapis.com/cvdf-datasets/mnist/"


class MirrorFile(NamedTuple):
    """The expected length in bytes and SHA-256 of a file of the mirror."""

    size: int
    sha256: str


FILES = {
    "train-images-idx3-ubyte.gz": MirrorFile(
        9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    "train-labels-idx1-ubyte.gz": MirrorFile(28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    "t10k-images-idx3-ubyte.gz": MirrorFile(
        1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
    ),
    "t10k-labels-idx1-ubyte.gz": MirrorFile(4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
}


class Timeouts(NamedTuple):
    """How long to wait, in seconds."""

    connect: float = 5.0  # for a connection
    read: float = 10.0  # between two bytes
    answer: float = 15.0  # for the first response, including the DNS lookup
    total: float = 300.0  # for all files together


TIMEOUTS = Timeouts()


def is_original(path: str, name: str) -> bool:
    """Whether the file `path` equals the mirror's file `name`, by its SHA-256.

    Raises:
        OSError: the file cannot be read.
    """
    return os.path.isfile(path) and files.digest(path, "sha256") == FILES[name].sha256


def download(names: Sequence[str], folder: str, url: str = MIRROR, patience: Timeouts = TIMEOUTS) -> None:
    """Download the named files into `folder`, all of them or none, with a progress bar on a terminal.

    The folder is created if it is missing. Existing files in it are not changed.

    Raises:
        OSError: the download failed; the message gives the reason in one line. Nothing is left in the folder.
    """
    os.makedirs(folder, exist_ok=True)
    with _clean_up_on_signals():
        arriving = tempfile.mkdtemp(prefix=".download-", dir=folder)
        try:
            _fetch_in_time(names, arriving, url, patience)
            for name in names:
                os.chmod(os.path.join(arriving, name), 0o644)  # temporary files are readable by their owner only
                if not os.path.lexists(os.path.join(folder, name)):
                    os.replace(os.path.join(arriving, name), os.path.join(folder, name))
        finally:
            shutil.rmtree(arriving, ignore_errors=True)


@contextlib.contextmanager
def _clean_up_on_signals() -> Iterator[None]:
    """Run the `finally` clauses of the block before SIGTERM or SIGHUP ends the process."""
    arrived = []

    def leave(number, _):
        arrived.append(number)
        raise SystemExit(128 + number)

    # Only the main thread can set handlers. Handlers that are already set are kept.
    wanted = (signal.SIGTERM, signal.SIGHUP) if threading.current_thread() is threading.main_thread() else ()
    numbers = [number for number in wanted if signal.getsignal(number) == signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
        if arrived:
            os.kill(os.getpid(), arrived[0])


def _fetch_in_time(names: Sequence[str], folder: str, url: str, patience: Timeouts) -> None:
    """Fetch and verify the files in a thread; OSError if this fails or takes too long."""
    from tqdm import tqdm

    answered, given_up, problems = threading.Event(), threading.Event(), []
    bar = tqdm(desc="MNIST", total=sum(FILES[name].size for name in names), unit="B", unit_scale=True, disable=None)

    def work():
        try:
            for name in names:
                _fetch(url + name, folder, patience, answered, given_up, bar)
        except OSError as error:
            problems.append(error)
        finally:
            answered.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        if not answered.wait(patience.answer):
            raise OSError(f"{url}: no answer within {patience.answer:g} s")
        thread.join(patience.total)
        if thread.is_alive():
            raise OSError(f"{url}: not done within {patience.total:g} s")
        if problems:
            raise problems[0]
    finally:
        given_up.set()  # a late thread discards the rest of the download
        thread.join(0.2)  # let the thread end, so that it writes no file while the folder is removed
        bar.close()


def _fetch(url, folder, patience, answered, given_up, bar) -> None:
    """Fetch and verify one file; OSError with one line if this fails."""
    import requests

    name = url.rsplit("/", 1)[1]
    path = os.path.join(folder, name)
    options = {"stream": True, "allow_redirects": False, "timeout": (patience.connect, patience.read)}
    try:
        with open(path, "wb") as file, requests.get(url, **options) as response:
            answered.set()
            if response.status_code != 200:
                raise OSError(f"{url}: the server answered {response.status_code} {response.reason}")
            for chunk in response.iter_content(1 << 16):
                if given_up.is_set() or file.tell() > FILES[name].size:  # longer than the file: not the file
                    break
                bar.update(file.write(chunk))
    except ValueError as error:  # the URL is a constant, so a proxy of the environment is malformed
        problem = " ".join(str(error).split())
        raise OSError(f"{url}: not reached, because the proxy is wrong ({problem}): check HTTPS_PROXY") from error
    except requests.RequestException as error:
        raise OSError(f"{url}: the connection failed ({type(error).__name__})") from error
    if files.digest(path, "sha256") != FILES[name].sha256:
        raise OSError(f"{url}: the server sent something else (its SHA-256 is wrong)")
