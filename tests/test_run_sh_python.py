"""run.sh: which Python and which environment it takes."""

import sys

import pytest

from tests.support.checkout import Checkout, assert_refused


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_the_newest_supported_python_is_taken(checkout):
    for version in ("3.7", "3.10", "3.12", "3.14"):
        checkout.python("python" + version, version)
    checkout.python("python3.13", "")  # a pyenv shim of a version that is not active
    checkout.python("python3", "3.9")
    assert "python 3.12\n" in checkout.run().stdout_text
    assert checkout.mark.exists()


def test_python_selects_the_interpreter_and_its_own_environment(checkout):
    python = checkout.python("my python", "3.7")
    for named in ("my python", str(python)):
        assert "python 3.7\n" in checkout.run(PYTHON=named).stdout_text
    assert checkout.called() == ["venv", "pip"]
    assert (checkout.home / ".venv-3.7" / ".run.sh").exists() and not checkout.environment.exists()


@pytest.mark.parametrize("version", ["2.7", "3.9", "3.14"])
def test_a_python_that_is_not_supported(checkout, version):
    (checkout.bin / "python3.11").unlink()
    checkout.python("python3", version)
    refused = checkout.run(PYTHON="python3")
    assert_refused(refused, f"python3 is Python {version}", "3.10 to 3.13, or 3.7 for TensorFlow 1.15")
    assert checkout.calls() == []


@pytest.mark.parametrize("named", [True, False])
def test_a_python_of_pyenv_that_is_not_active(checkout, tmp_path, named):
    """Its shim is on PATH and does not run. Python 3.7, which means TensorFlow 1.15, is only taken if it is named."""
    (checkout.bin / "python3.11").unlink()
    for version in ("3.7", "3.12"):
        checkout.python("python" + version, "")
        (tmp_path / "pyenv" / "versions" / (version + ".4") / "bin").mkdir(parents=True)
        checkout.python("inactive", version).rename(
            tmp_path / "pyenv" / "versions" / (version + ".4") / "bin" / "python"
        )
    variables = {"PYTHON": "python3.7"} if named else {}
    process = checkout.run(PYENV_ROOT=str(tmp_path / "pyenv"), **variables)
    assert f"python {'3.7' if named else '3.12'}\n" in process.stdout_text, process.stderr_text


def test_no_python(checkout):
    (checkout.bin / "python3.11").unlink()
    assert_refused(checkout.run(), "python3 does not run", "3.10 to 3.13")
    assert_refused(checkout.run(PYTHON="no such"), "no such does not run", "3.10 to 3.13")


def test_no_venv_module(checkout):
    assert_refused(checkout.run(BARE="1"), "apt install python3.11-venv")
    assert_refused(checkout.run(BARE="1", PYTHON="python3.11"), "apt install python3.11-venv")


@pytest.mark.parametrize("requirement, used", [("pytest>1", True), ("pytest==0.1", False), ("no-such-package", False)])
def test_an_active_environment_that_fits_is_used(checkout, requirement, used):
    checkout.require(f"# a comment\nno-such-package; python_version < '3'\n{requirement}  # why")
    (checkout.home / "legacy_graph.py").write_text("import sys; print('real', sys.prefix)")
    process = checkout.run("train", VIRTUAL_ENV=sys.prefix)
    assert (f"real {sys.prefix}\n" in process.stdout_text) is used
    assert checkout.environment.exists() is not used
