"""run.sh under the settings of a user's pip: a real environment gets one tiny package from a directory of wheels."""

import hashlib
import sys
import zipfile

import pytest

from tests.support.checkout import Checkout, assert_refused

WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Requires tiny==1.0; its program prints where the package is. The environment exists already."""
    folder = tmp_path_factory.mktemp("pip")
    checkout = Checkout(folder)
    (folder / "wheels").mkdir()
    files = {
        "tiny.py": "",
        "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": WHEEL,
    }
    files["tiny-1.0.dist-info/RECORD"] = "".join(f"{name},,\n" for name in [*files, "tiny-1.0.dist-info/RECORD"])
    wheel = folder / "wheels" / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(str(wheel), "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    checkout.requirements.write_text("tiny==1.0\n")
    checkout.lock.write_text(f"{checkout.made_from('requirements.txt')}tiny==1.0 --hash=sha256:{digest}\n")
    (checkout.home / "legacy_graph.py").write_text("import tiny; print(tiny.__file__)")
    checkout.settings = {
        "PYTHON": sys.executable, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder / "wheels"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }  # fmt: skip
    for name in ("venv", "ensurepip", "pip", "fcntl", "signal"):  # none of these files is imported
        (checkout.user / f"{name}.py").write_text("raise SystemExit(1)")
    assert checkout.run("setup", **checkout.settings).returncode == 0
    checkout.environment = checkout.home / ".venv-{}.{}".format(*sys.version_info)
    return checkout


def forget_the_package(checkout):
    """As before the first installation, but without the seconds that a new environment takes."""
    (site,) = checkout.environment.glob("lib/python*/site-packages")
    for path in [site / "tiny.py", *site.glob("tiny-1.0.dist-info/*")]:
        path.unlink()
    (site / "tiny-1.0.dist-info").rmdir()
    (checkout.environment / ".run.sh").write_text("incomplete\n")
    return site


@pytest.mark.parametrize("in_file", [False, True])
def test_no_setting_of_pip_leads_out_of_the_environment(checkout, tmp_path, in_file):
    """What the user has set about indexes holds, also in a file of configuration."""
    site, variables, elsewhere = forget_the_package(checkout), dict(checkout.settings), tmp_path / "elsewhere"
    if in_file:
        text = "[install]\nuser = yes\nquiet = 3\n[global]\nno-index = yes\nfind-links =\n    {}\n    {}\n"
        (tmp_path / "pip.conf").write_text(text.format(tmp_path, variables.pop("PIP_FIND_LINKS")))
        del variables["PIP_NO_INDEX"]
        variables["PIP_CONFIG_FILE"] = str(tmp_path / "pip.conf")
    else:
        variables.update(PIP_USER="1", PIP_DRY_RUN="1", PIP_QUIET="3")
        variables.update(dict.fromkeys(["PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"], str(elsewhere)))
    process = checkout.run("train", **variables)
    assert process.stdout_text == f"{site}/tiny.py\n", process.stderr_text
    assert not elsewhere.exists()


def test_a_broken_file_of_configuration_is_told(checkout, tmp_path):
    forget_the_package(checkout)
    (tmp_path / "pip.conf").write_text("[global\n")
    refused = checkout.run("train", PYTHON=sys.executable, PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))
    assert_refused(refused, "setup.log")
    assert checkout.run("train", **checkout.settings).returncode == 0
