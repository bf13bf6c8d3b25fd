"""The download against a server on this machine that misbehaves in every way: all four files whole, or none."""

import hashlib
import os
import signal
import subprocess
import sys
import threading

import pytest

from legacy_graph.data import download, mnist
from legacy_graph.errors import UserError
from tests.support.mirror_server import (
    FAULTS,
    FILES,
    LAST,
    Server,
    dribble,
    dribble_the_header,
    head,
    login_page,
    not_found,
    stall_at_once,
    stall_half_way,
    wrong_bytes,
)
from tests.support.program import ROOT

PINNED = dict(download.FILES)  # before the stand-ins take their place

PATIENT = download.Timeouts(connect=20.0, read=20.0, answer=20.0, total=20.0)
HURRIED = PATIENT._replace(total=1.0)
IMPATIENT = {
    stall_at_once: PATIENT._replace(read=1.0),
    stall_half_way: PATIENT._replace(read=1.0),
    dribble: HURRIED,
    dribble_the_header: HURRIED,
}


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch):
    for name, content in FILES.items():
        expected = download.MirrorFile(len(content), hashlib.sha256(content).hexdigest())
        monkeypatch.setitem(download.FILES, name, expected)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_leaves_nothing_behind(tmp_path, fault):
    """Two whole files have come by then, and go again."""
    patience = IMPATIENT.get(fault, PATIENT)
    with Server(fault) as server, pytest.raises(OSError, match="http://127.0.0.1:") as caught:
        download.download(list(FILES), str(tmp_path), server.url, patience)
    assert FAULTS[fault] in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert server.asked == list(FILES)[:3]
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize("proxy", ["http://proxy..example.com:3128", "proxy.example.com:port", "socks5h://[::1"])
def test_a_malformed_proxy_is_named(tmp_path, monkeypatch, proxy):
    """No server is asked, so none sent a wrong file."""
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(OSError, match="HTTPS_PROXY") as caught:
        download.download(list(FILES), str(tmp_path), "http://mirror.example/", PATIENT)
    assert "SHA-256" not in str(caught.value) and len(str(caught.value).splitlines()) == 1
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(tmp_path, status):
    """Not even to a server that has the right file."""
    with Server() as elsewhere:

        def redirect(handler, content):
            head(handler, 0, status=status, Location=elsewhere.url + LAST)

        with Server(redirect) as server, pytest.raises(OSError, match=str(status)):
            download.download(list(FILES), str(tmp_path), server.url, PATIENT)
    assert elsewhere.asked == []
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize("fault", [stall_at_once, dribble_the_header], ids=lambda fault: fault.__name__)
def test_a_server_that_never_answers_is_given_up(tmp_path, fault):
    """Even if the socket's own time-out is far off, as it is while a name server is silent."""
    patience = download.Timeouts(connect=60.0, read=60.0, answer=0.3, total=60.0)
    with Server(fault, list(FILES)[0]) as server, pytest.raises(OSError, match=r"no answer within 0\.3 s"):
        download.download(list(FILES), str(tmp_path), server.url, patience)
    assert os.listdir(str(tmp_path)) == []


def test_what_comes_too_late_is_thrown_away(tmp_path):
    """The file is whole and right, but nobody waits for it any more: it must not turn up later."""
    late = threading.Event()

    def tardy(handler, content):
        head(handler, len(content))
        late.wait(60)
        handler.wfile.write(content)

    before = set(threading.enumerate())
    with Server(tardy) as server:
        with pytest.raises(OSError, match="not done within 1 s"):
            download.download(list(FILES), str(tmp_path), server.url, HURRIED)
        late.set()
        for thread in set(threading.enumerate()) - before:
            thread.join(1.0)
    assert os.listdir(str(tmp_path)) == []


# ---- what `load` makes of it


def test_all_four_are_downloaded_and_used(tmp_path):
    folder = tmp_path / "new" / "MNIST_data"
    with Server() as server:
        data = mnist.load(str(folder), server.url, PATIENT)
    assert not data.sample
    assert len(data.train.labels) == 300
    assert data.test.labels.tolist() == [4, 5] * 50
    assert data.source == f"downloaded from {server.url} into {folder}"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    with Server() as server:
        again = mnist.load(str(folder), server.url, PATIENT)
    assert server.asked == []
    assert again.source == f"the four files in {folder}"


@pytest.mark.parametrize("fault", [not_found, login_page, wrong_bytes], ids=lambda fault: fault.__name__)
def test_load_falls_back_on_the_sample_and_says_why(tmp_path, fault):
    with Server(fault) as server:
        data = mnist.load(str(tmp_path), server.url, PATIENT)
    assert data.sample
    assert len(data.train.labels) == 9000
    assert server.url + LAST in data.source
    assert FAULTS[fault] in data.source
    assert len(data.source.splitlines()) == 1
    assert os.listdir(str(tmp_path)) == []


def test_only_what_is_missing_is_downloaded(tmp_path):
    there = ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]
    for name in there:
        (tmp_path / name).write_bytes(FILES[name])
    inodes = [os.stat(str(tmp_path / name)) for name in there]
    with Server() as server:
        data = mnist.load(str(tmp_path), server.url, PATIENT)
    assert server.asked == ["train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz"]
    assert not data.sample
    assert [os.stat(str(tmp_path / name)).st_ino for name in there] == [before.st_ino for before in inodes]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == FILES


def test_the_missing_ones_are_named_if_they_cannot_be_had(tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(FILES["train-images-idx3-ubyte.gz"])
    with Server(not_found) as server, pytest.raises(UserError, match="404") as caught:
        mnist.load(str(tmp_path), server.url, PATIENT)
    assert all(name in str(caught.value) for name in list(FILES)[1:])
    assert os.listdir(str(tmp_path)) == ["train-images-idx3-ubyte.gz"]


def test_a_file_that_turns_up_meanwhile_is_not_overwritten(tmp_path):
    """The user copies a file into the folder while it is being downloaded."""

    def copied(handler, content):
        (tmp_path / LAST).write_bytes(b"the user's")
        head(handler, len(content))
        handler.wfile.write(content)

    with Server(copied) as server:
        download.download(list(FILES), str(tmp_path), server.url, PATIENT)
    assert (tmp_path / LAST).read_bytes() == b"the user's"


# ---- interrupted, and seen

CHILD = """
import sys
from legacy_graph.data import download
for name in download.FILES:
    download.FILES[name] = download.MirrorFile(10 ** 6, sys.argv[3 + list(download.FILES).index(name)])
patience = download.Timeouts(connect=600, read=600, answer=600, total=float(sys.argv[7]))
download.download(list(download.FILES), sys.argv[1], sys.argv[2], patience)
"""


def child(folder, server, total):
    """A process that downloads from `server` into `folder`, and waits `total` seconds for it."""
    hashes = [hashlib.sha256(content).hexdigest() for content in FILES.values()]
    command = [sys.executable, "-c", CHILD, str(folder), server.url] + hashes + [str(total)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_process_stopped_half_way_leaves_no_named_file(tmp_path, signal_number):
    with Server(stall_half_way) as server, child(tmp_path, server, 600) as process:
        assert server.waiting.wait(30)
        process.send_signal(signal_number)
        process.communicate(timeout=30)
        assert process.returncode
    left = [name for name in os.listdir(str(tmp_path)) if not name.startswith(".download-")]
    assert left == []
    if signal_number != signal.SIGKILL:
        assert os.listdir(str(tmp_path)) == []
    if signal_number == signal.SIGTERM:
        assert process.returncode == -signal.SIGTERM  # as of a program without a handler


def test_a_process_that_gave_up_ends(tmp_path):
    """It does not wait for the thread that still hangs on the server."""
    with Server(stall_half_way) as server, child(tmp_path, server, 0.5) as process:
        assert b"not done within 0.5 s" in process.communicate(timeout=30)[1]
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_on_a_terminal_only(tmp_path, monkeypatch, capsys, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with Server() as server:
        download.download(list(FILES), str(tmp_path), server.url, PATIENT)
    shown = capsys.readouterr().err
    assert ("MNIST: 100%" in shown) == terminal
    assert bool(shown) == terminal


def test_the_mirrors_files_are_pinned():
    """The lengths and checksums of the published files."""
    assert PINNED == {
        "train-images-idx3-ubyte.gz": (9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        "train-labels-idx1-ubyte.gz": (28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        "t10k-images-idx3-ubyte.gz": (1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        "t10k-labels-idx1-ubyte.gz": (4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    }
