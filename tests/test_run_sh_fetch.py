"""run.sh on a machine without a supported Python: uv gets one."""

import http.server
import importlib.util
import json
import platform
import tarfile
import threading

import pytest

from tests.support.checkout import Checkout, arguments, assert_refused

INSTALL = "uv python install 3.13.9"


@pytest.fixture
def checkout(tmp_path):
    """A machine whose only Python is 3.14; the Python that uv gets is in the environment of run.sh."""
    checkout = Checkout(tmp_path)
    (checkout.bin / "python3.11").unlink()
    checkout.python("python3", "3.14")
    fetched = tmp_path / "fetched"
    checkout.python("fetched", "3.13").rename(fetched)
    genuine = checkout.start
    checkout.start = lambda *words, **variables: genuine(*words, FETCHED=str(fetched), **variables)
    return checkout


def test_uv_on_the_path_gets_a_python_once(checkout):
    checkout.uv(checkout.bin / "uv")
    process = checkout.run("train")
    assert arguments(process) == ["legacy_graph", "train"], process.stderr_text
    assert "python 3.13\n" in process.stdout_text
    first, second = process.stderr_text.splitlines()
    assert "python3 is Python 3.14" in first and "Python 3.13.9 by uv" in first and "setting up" in second
    assert [line.split(" --")[0].split(" /")[0] for line in checkout.calls()] == [INSTALL, "venv", "pip install"]
    assert checkout.run("train").stderr_text == "" and checkout.calls() == []
    assert checkout.run("setup", PYTHON="python3").returncode == 2 and checkout.calls() == []


def test_without_uv_it_comes_from_the_package_index(checkout, tmp_path):
    """Into an environment of its own, made by the Python of the machine, with hashes."""
    fake = checkout.uv(tmp_path / "uv")
    process = checkout.run("train", PIP=f'bin="{checkout.home}/.venv-uv/bin"; [ -e "$bin/uv" ] || cp {fake} "$bin"')
    assert "python 3.13\n" in process.stdout_text, process.stderr_text
    venv, pip, uv, *_ = checkout.calls()
    assert venv == f"venv {checkout.home}/.venv-uv" and uv == INSTALL
    assert pip == f"pip install --require-hashes -r {checkout.home}/.lock/uv.txt"
    assert len(process.stderr_text.splitlines()) == 2


@pytest.mark.parametrize("on_path", [True, False])
def test_without_a_network_it_is_one_line_with_what_to_type(checkout, on_path):
    if on_path:
        checkout.uv(checkout.bin / "uv", status=1)
    refused = checkout.run("train", PIP="echo ERROR: no; exit 1")
    assert_refused(refused, "no network?", "PYTHON=/path/to/python3.12 bash run.sh")
    assert not checkout.environment.exists()


def test_a_supported_python_needs_no_uv(checkout):
    checkout.uv(checkout.bin / "uv")
    checkout.python("python3.12", "3.12")
    assert "python 3.12\n" in checkout.run().stdout_text
    assert checkout.called() == ["venv", "pip"]


@pytest.mark.parametrize("name", ["uv"] if importlib.util.find_spec("uv") else [])  # not for Python 3.7
def test_the_real_uv_installs_from_a_mirror(checkout, tmp_path, name):
    """A server on this machine has an archive with a Python; uv knows it by a list of its own."""
    (checkout.bin / name).symlink_to(importlib.import_module(name).find_uv_bin())
    path, machine = "20251014/cpython-3.13.9.tar.gz", platform.machine()
    (tmp_path / "mirror" / "20251014").mkdir(parents=True)
    data = tmp_path / "sysconfigdata"  # uv writes the place of the installation into this file
    data.write_text(
        "# system configuration generated and used by the sysconfig module\nbuild_time_vars = {'CC': 'cc'}\n"
    )
    with tarfile.open(str(tmp_path / "mirror" / path), "w:gz") as archive:
        archive.add(str(tmp_path / "fetched"), "python/bin/python3.13")
        archive.add(str(data), "python/lib/python3.13/_sysconfigdata__linux_x86_64-linux-gnu.py")
    known = {
        "name": "cpython", "arch": {"family": machine, "variant": None}, "os": "linux", "libc": "gnu", "major": 3,
        "minor": 13, "patch": 9, "prerelease": "", "sha256": None, "variant": None, "build": "20251014",
        "url": "https://github.com/astral-sh/python-build-standalone/releases/download/" + path,
    }  # fmt: skip
    (tmp_path / "list.json").write_text(json.dumps({f"cpython-3.13.9-linux-{machine}-gnu": known}))

    class Files(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path):
            return str(tmp_path / "mirror") + path

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        variables = {
            "UV_PYTHON_INSTALL_MIRROR": f"http://127.0.0.1:{server.server_port}",
            "UV_PYTHON_DOWNLOADS_JSON_URL": str(tmp_path / "list.json"),
            "UV_CACHE_DIR": str(tmp_path / "cache"), "NO_PROXY": "127.0.0.1", "HOME": str(tmp_path),
        }  # fmt: skip
        process = checkout.run("train", **variables)
        server.shutdown()
    assert "python 3.13\n" in process.stdout_text, process.stderr_text
