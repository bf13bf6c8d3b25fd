"""A checkout by Git for Windows, used in WSL: its default core.autocrlf=true would give the files CRLF."""

import os
import shutil
import subprocess

from tests.support.program import ROOT

FILES = ["run.sh", ".gitattributes", "requirements.txt", "legacy_graph/__main__.py"]
FILES += [os.path.join(".lock", name) for name in sorted(os.listdir(os.path.join(ROOT, ".lock")))]


def git(folder, *words):
    user = ["-c", "user.name=test", "-c", "user.email=test", "-c", "core.autocrlf=true"]
    subprocess.run(["git", *user, *words], cwd=str(folder), stdout=subprocess.DEVNULL, check=True)


def test_a_checkout_with_crlf_has_the_same_bytes_and_runs(tmp_path):
    for path in FILES:
        (tmp_path / "origin" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.join(ROOT, path), str(tmp_path / "origin" / path))
    git(tmp_path / "origin", "init", "-q")
    git(tmp_path / "origin", "add", ".")
    git(tmp_path / "origin", "commit", "-q", "-m", "all")
    git(tmp_path, "clone", "-q", "origin", "clone")
    for path in FILES:
        assert (tmp_path / "clone" / path).read_bytes() == (tmp_path / "origin" / path).read_bytes()
    assert b"\r\n" not in (tmp_path / "clone" / "run.sh").read_bytes()
    help_text = subprocess.run(["bash", "run.sh", "help"], cwd=str(tmp_path / "clone"), stdout=subprocess.PIPE)
    assert help_text.returncode == 0 and b"tensorboard" in help_text.stdout
