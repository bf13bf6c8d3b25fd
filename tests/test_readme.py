"""The README files: every code block runs, and every path, anchor, option, command and name in them exists.

Commands run in a folder that holds the log of the short `trained` run and the sample as MNIST_data. What takes minutes
or needs a network runs in the reduced form that `ADDED` and `REDUCED` give.
"""

import argparse
import contextlib
import io
import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image
from tensorboard.plugins.core import core_plugin

import legacy_graph
from legacy_graph.__main__ import main
from legacy_graph.commands.parser import make_parser
from tests.support import page_tables
from tests.support.program import ROOT, SAMPLE
from tests.support.readme import (
    READMES,
    anchors,
    blocks,
    inline_code,
    links,
    prose,
    read,
    run_sh_commands,
    shell_commands,
)

# Options added to a command of legacy_graph, so that it takes a second.
ADDED = {"train": ["--steps", "2", "--batch-size", "5", "--logdir", "new"], "features": ["--top", "2"]}
# What Python runs, in ROOT, for a word that run.sh handles itself. `test` only collects the tests of one small file, of
# which the words may choose none. It does so without tests/conftest.py, which imports TensorFlow.
PARSE = (
    "import sys; from legacy_graph.commands.parser import make_parser; "
    "make_parser().parse_args(make_parser().parse_args(['cluster', *sys.argv[1:]]).words[1:])"
)
COLLECT = ["-m", "pytest", "--noconftest", "--collect-only", "-q", "tests/test_run_sh.py"]
REDUCED = {
    "cluster": ["-c", PARSE],
    "tensorboard": ["-m", "legacy_graph", "tensorboard", "--inspect"],
    "setup": ["-m", "pip", "--version"],
    "test": COLLECT,
    "agreement": [*COLLECT, "-m", "agreement"],
    "lint": ["-m", "ruff", "check", "--no-cache", "tests/test_readme.py"],
    "matrix": ["-m", "tests.matrix", "--where", "no such version"],
}
NOTHING_COLLECTED = 5
STATUS = {"matrix": [1], "test": [0, NOTHING_COLLECTED], "agreement": [0, NOTHING_COLLECTED]}
OTHER_OPTIONS = [
    os.path.join(ROOT, "tests", name)
    for name in (
        "benchmarks/__main__.py",
        "benchmarks/occlusion.py",
        "agreement/conftest.py",
        "matrix.py",
        "cluster/faults.py",
        "cluster/equality.py",
    )
]
# Blocks that another test reads, and cannot run as they are: tests/cluster/test_examples.py.
EXAMPLES = {"bash", "json", "yaml"}

SHELL = sorted({command for path in READMES for command in shell_commands(path)})
PYTHON = [text for path in READMES for language, text in blocks(path) if language == "python"]


def name(path):
    return os.path.relpath(path, ROOT)


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    """The directory in which the reader types: log, MNIST_data, a picture of a digit, a frozen graph and photos."""
    made = tmp_path_factory.mktemp("readme")
    (made / "log").mkdir()
    for part in os.listdir(trained.logdir):
        if part not in ("features", "deconv"):
            (made / "log" / part).symlink_to(os.path.join(trained.logdir, part))
    (made / "MNIST_data").symlink_to(SAMPLE)
    Image.fromarray(np.tri(40, 30, -5, np.uint8) * 255).save(str(made / "my_digit.png"))
    (made / "model.pb").write_bytes(frozen_graph())
    (made / "photos").mkdir()
    for number, photo in enumerate(np.random.RandomState(0).randint(0, 256, [9, 12, 12, 3]).astype(np.uint8)):
        Image.fromarray(photo).save(str(made / "photos" / f"{number}.png"))
    Image.fromarray(photo).save(str(made / "photo.png"))
    return made


def frozen_graph():
    """A GraphDef with the layer `first`: convolution, ReLU and max pool over 12 x 12 RGB images."""
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, 12, 12, 3])
        kernel = tf.constant(np.random.RandomState(1).normal(size=[3, 3, 3, 4]), tf.float32)
        tf.nn.max_pool(tf.nn.relu(tf.nn.conv2d(images, kernel, 1, "SAME", name="first")), 2, 2, "SAME")
    return graph.as_graph_def().SerializeToString()


def test_the_readme_fits_on_a_page():
    assert len(read(READMES[0]).splitlines()) <= 130


def test_every_block_has_a_language_that_is_tested():
    assert {language for path in READMES for language, _ in blocks(path)} <= {"sh", "python"} | EXAMPLES


@pytest.mark.parametrize("command", SHELL)
def test_shell_blocks_run(command, folder, monkeypatch):
    monkeypatch.chdir(str(folder))
    words = [word for word in shlex.split(command) if not word.startswith("PYTHON=")]
    assert words[:2] == ["bash", "run.sh"]
    word, words = (words[2:3] or ["train"])[0], words[3:]
    if word not in REDUCED:
        assert main([word, *words, *ADDED.get(word, [])]) == 0
        return
    paths = [one for one in words if one.startswith("tests/")]
    assert all(os.path.exists(os.path.join(ROOT, path)) for path in paths)
    words = [one for one in words if one not in paths]
    words += ["--logdir", str(folder / "log")] if word == "tensorboard" and "--logdir" not in words else []
    run = subprocess.run([sys.executable, *REDUCED[word], *words], cwd=ROOT, env=dict(os.environ, PYTHONPATH=ROOT))
    assert run.returncode in STATUS.get(word, [0])


@pytest.mark.parametrize("command", sorted({one for path in READMES for one in run_sh_commands(path)}))
def test_commands_in_prose_exist(command):
    word, words = command[0], list(command[1:])
    usage = read(os.path.join(ROOT, "run.sh")).partition("<<'TEXT'")[2].partition("\nTEXT\n")[0]
    assert re.search(rf"\b{word}\b", usage), f"run.sh does not know {word}"
    if word not in REDUCED and word not in ("help", "bench", "screenshots"):
        with contextlib.redirect_stderr(io.StringIO()) as error:
            try:
                make_parser().parse_args([word, *words])
            except SystemExit:
                assert "required: PICTURE" in error.getvalue(), error.getvalue()


@pytest.mark.parametrize("code", PYTHON)
def test_python_blocks_print_what_their_comments_say(code, folder, tmp_path):
    for part in ("model.pb", "photos"):
        (tmp_path / part).symlink_to(folder / part)
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=str(tmp_path), env=dict(os.environ, PYTHONPATH=ROOT), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert run.returncode == 0
    assert run.stdout.splitlines() == re.findall(r"print\(.*  # (.*)", code)


def without_numbers(line):
    return re.sub(r"\d[\d.,]*", "N", line)


def test_the_readme_shows_the_line_that_a_run_prints(trained):
    (line,) = [code for code in inline_code(READMES[0]) if code.startswith("Accuracy")]
    assert without_numbers(line) in map(without_numbers, trained.stdout.splitlines())


@pytest.mark.parametrize("path", READMES, ids=name)
def test_links_lead_somewhere(path):
    for target in links(path):
        file, _, anchor = target.partition("#")
        file = os.path.join(os.path.dirname(path), file) if file else path
        assert os.path.exists(file), target
        assert not anchor or anchor in anchors(file), target


def test_each_row_of_a_table_has_a_cell_for_each_column():
    for path in READMES:
        for table in page_tables.tables(prose(path)):
            assert len({line.count("|") - line.count(r"\|") for line in table.splitlines()}) == 1, (path, table)


def parsers():
    top = make_parser()
    (commands,) = [action.choices for action in top._actions if isinstance(action.choices, dict)]
    tensorboard = argparse.ArgumentParser()
    core_plugin.CorePluginLoader().define_flags(tensorboard)
    return [top, *commands.values(), tensorboard]


@pytest.mark.parametrize("path", READMES, ids=name)
def test_paths_options_and_names_in_prose_exist(path):
    known = {option for parser in parsers() for action in parser._actions for option in action.option_strings}
    known.add("--logdir_spec")  # of TensorBoard 2 only
    for other in OTHER_OPTIONS:
        known.update(re.findall(r"--[a-z_-]+", read(other)))
    for code in inline_code(path):
        for word in re.findall(r"(?<!\S)(?:tests|legacy_graph)/\S+", code):
            assert os.path.exists(os.path.join(ROOT, word)), word
        for attribute in re.findall(r"\blegacy_graph\.(\w+)", code):
            assert hasattr(legacy_graph, attribute), attribute
        if not code.startswith("pip "):
            assert set(re.findall(r"(?<!\S)--[a-z_-]+", code)) <= known, code


def test_the_articles_table_names_files_that_exist():
    folder = os.path.join(ROOT, "legacy_graph", "article")
    named = set(re.findall(r"\b\w+\.py\b", read(os.path.join(folder, "__init__.py"))))
    assert len(named) > 5
    assert named <= set(os.listdir(folder))
