"""The features command scans the run's own data, and other data only on request and into another folder."""

import json
import os
import shutil

import pytest

from legacy_graph import __main__
from legacy_graph.commands import run_digits
from legacy_graph.data import mnist
from tests.support.idx_files import NOWHERE
from tests.support.program import SAMPLE
from tests.support.published import assert_refused, read_npz, tree

WORDS, ENDING = ["--layer", "conv1", "--maps", "0,1", "--top", "2"], "-maps=0,1-top=2"


@pytest.fixture
def logdir(fashion_run, tmp_path, monkeypatch):
    """A copy of a run that was not trained on MNIST, in a working directory without data and without a network."""
    monkeypatch.chdir(str(tmp_path))
    monkeypatch.setattr(mnist.load, "__defaults__", (NOWHERE, *mnist.load.__defaults__[1:]))
    shutil.copytree(fashion_run.logdir, str(tmp_path / "log"))
    yield str(tmp_path / "log")
    shutil.rmtree(str(tmp_path / "log"))  # a checkpoint is 39 MB


@pytest.fixture
def headings(monkeypatch):
    """The headings of the sheets that are drawn."""
    seen = []
    real = run_digits.Digits

    def images(*fields):
        seen.append(real(*fields).about)
        return real(*fields)

    monkeypatch.setattr(run_digits, "Digits", images)
    return seen


def digits(logdir, folder):
    path = os.path.join(logdir, "features", folder + ENDING, "features.npz")
    numbers = read_npz(path)
    return numbers["images"].max()


def options(logdir, **changed):
    path = os.path.join(logdir, "checkpoints", "options.json")
    with open(path) as file:
        content = dict(json.load(file), **changed)
    with open(path, "w") as file:
        json.dump({name: value for name, value in content.items() if value is not None}, file)


def test_the_default_is_the_data_of_the_run(logdir, fashion_run, capsys, headings):
    assert __main__.main(["features", "--logdir", logdir] + WORDS) == 0
    raw = os.path.join(fashion_run.data_dir, "FashionMNIST", "raw")
    assert capsys.readouterr().out.startswith(f"Data: the four files in {raw}\n")
    assert digits(logdir, "conv1") < 20
    assert headings == ["images of FashionMNIST/raw"]
    others = ["conv1-training", "conv2-training"]
    assert sorted(os.listdir(os.path.join(logdir, "features"))) == ["conv1" + ENDING, *others]


def test_other_data_is_refused_and_on_request_kept_apart(logdir, capsys, headings):
    """Fails where the sheet over the run's own data is overwritten."""
    assert __main__.main(["features", "--logdir", logdir] + WORDS) == 0
    before = tree(logdir)
    words = ["features", "--logdir", logdir, "--data-dir", SAMPLE] + WORDS
    assert_refused(capsys, words, "--data-dir: expected the data of the run in", "60 digits with", "--other-data")
    assert tree(logdir) == before
    assert __main__.main(words + ["--other-data"]) == 0
    assert {path: text for path, text in tree(logdir).items() if "conv1-other" not in path} == before
    assert f"conv1-other-sample{ENDING}/features.png" in capsys.readouterr().out
    assert headings == ["images of FashionMNIST/raw", "images of data/sample, not the run's own data"]
    assert digits(logdir, "conv1-other-sample") >= 20


def test_an_old_run_says_which_data_but_not_where(logdir, fashion_run, capsys):
    """Its options hold the first half of today's description, and no folder."""
    with open(os.path.join(logdir, "checkpoints", "options.json")) as file:
        old = json.load(file)["data_dir"].split(", labels")[0]
    options(logdir, data_dir=old, data_folder=None, data_name=None)
    before = tree(logdir)
    assert_refused(capsys, ["features", "--logdir", logdir] + WORDS, old, "236c9301", "--other-data")
    assert tree(logdir) == before
    assert __main__.main(["features", "--logdir", logdir, "--data-dir", fashion_run.data_dir] + WORDS) == 0


def test_data_that_has_gone_is_not_replaced(logdir, tmp_path, capsys):
    for gone in (tmp_path / "gone", tmp_path / "empty"):
        options(logdir, data_folder=str(gone))
        (tmp_path / "empty").mkdir(exist_ok=True)
        assert_refused(capsys, ["features", "--logdir", logdir] + WORDS, f"expected the data of the run in {gone}")
    assert os.listdir(str(tmp_path / "empty")) == []
    assert not (tmp_path / "gone").exists()


def test_a_run_on_the_sample_finds_it_in_this_package(trained, tmp_path, monkeypatch, capsys):
    """An old one too, and one of a package that was installed elsewhere. MNIST_data is neither made nor asked for."""
    monkeypatch.chdir(str(tmp_path))
    logdir = str(tmp_path / "log")
    shutil.copytree(trained.logdir, logdir)
    for folder in (None, "/elsewhere/sample"):
        options(logdir, data_folder=folder)
        assert __main__.main(["features", "--logdir", logdir] + WORDS) == 0
        assert f"Data: the four files in {SAMPLE}" in capsys.readouterr().out
    assert sorted(os.listdir(str(tmp_path))) == ["log"]
    shutil.rmtree(logdir)
