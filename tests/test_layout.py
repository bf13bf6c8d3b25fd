"""The house rules: what lies where, who imports whom, and that every line can be read by Python 3.7."""

import ast
import glob
import os
import re
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PACKAGE = sorted(glob.glob(os.path.join(ROOT, "legacy_graph", "**", "*.py"), recursive=True))
SOURCES = PACKAGE + sorted(glob.glob(os.path.join(ROOT, "tests", "**", "*.py"), recursive=True))
# What a run in the checkout itself leaves behind; git does not see it.
LEFT_BEHIND = {"log", "MNIST_data", "__pycache__"}
# Who may open a session. All the others build graphs, or know nothing of TensorFlow.
RUNNERS = {"__main__", "train", "features", "embeddings", "reading", "check"}
# It opens an empty one, for the first in a process is the one that looks for a GPU, and tells of it.
OPENERS = RUNNERS | {"environment"}
WITHOUT_TENSORFLOW = {"__init__", "errors", "config", "mnist", "download", "pictures", "digits", "sound"}


def name(path):
    return os.path.relpath(path, ROOT)


def parse(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    # Python 3.7 itself needs no telling, and cannot be told.
    told = {} if sys.version_info < (3, 8) else {"feature_version": (3, 7)}
    return ast.parse(text, path, **told)


def modules():
    """Each module of the package by its name, as a syntax tree."""
    return {os.path.splitext(os.path.basename(path))[0]: parse(path) for path in PACKAGE}


def imports(tree):
    """What a module imports, in functions too: `from legacy_graph import mnist` gives "legacy_graph.mnist"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports():
    """For each module of the package, which others of it that imports."""
    trees = modules()
    return {
        module: {part for full in imports(tree) for part in full.split(".")[1:2] if full.startswith("legacy_graph.")}
        for module, tree in trees.items()
    }


def test_the_top_level_holds_what_a_reader_expects_and_nothing_else():
    seen = {entry for entry in os.listdir(ROOT) if not entry.startswith(".")} - LEFT_BEHIND
    assert seen == {"README.md", "legacy_graph", "requirements.txt", "run.sh", "tests"}


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_is_short_and_python_37_can_read_it(path):
    parse(path)
    with open(path, encoding="utf-8") as file:
        assert len(file.readlines()) < 250


@pytest.mark.parametrize("path", PACKAGE, ids=name)
def test_a_function_is_short_and_a_public_one_explains_itself(path):
    tree = parse(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            docstring = ast.get_docstring(node, clean=False) or ""
            last = max(getattr(inner, "lineno", 0) for inner in ast.walk(node))
            lines = last - node.lineno - docstring.count("\n")
            assert lines <= 45, f"{node.name} has {lines} lines"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            arguments = node.args.args + node.args.kwonlyargs
            assert ast.get_docstring(node), f"{node.name} has no docstring"
            assert node.returns is not None, f"{node.name} does not say what it returns"
            assert [one.arg for one in arguments if one.annotation is None] == [], f"{node.name} has no type hint for"


def test_nothing_is_silenced_or_left_out():
    silencers = re.compile("no[q]a|[s]kip(if|test)?\\(|mark[.]skip|x[f]ail|importor[s]kip")
    found = []
    for path in SOURCES:
        with open(path, encoding="utf-8") as file:
            found += [f"{name(path)}:{number}" for number, line in enumerate(file, 1) if silencers.search(line)]
    assert found == []


def test_imports_run_one_way():
    """Taking away, again and again, the modules that import none of those left must leave nothing."""
    left = own_imports()
    while left:
        free = {module for module, wanted in left.items() if not wanted & (set(left) - {module})}
        assert free, f"these import each other in a circle: {sorted(left)}"
        left = {module: wanted for module, wanted in left.items() if module not in free}


def test_only_runners_open_sessions_and_no_one_else_imports_a_runner():
    for module, tree in modules().items():
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        opened = [call.lineno for call in calls if getattr(call.func, "attr", "").endswith("Session")]
        assert module in OPENERS or opened == [], f"{module} opens a session in lines {opened}"
    for module, wanted in own_imports().items():
        assert module in RUNNERS or wanted & RUNNERS == set(), f"{module} imports {wanted & RUNNERS}"
        assert "__main__" not in wanted, f"{module} imports the command line"


def test_the_deconvolution_knows_no_network():
    assert "network" not in own_imports()["deconv"]


def imported_by(code):
    """The names of all modules that Python has loaded once it has run `code`."""
    code += "\nimport sys; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], env=dict(os.environ, PYTHONPATH=ROOT), stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert run.returncode == 0
    return set(run.stdout.split())


@pytest.mark.parametrize("module", sorted(WITHOUT_TENSORFLOW & set(modules())))
def test_a_leaf_loads_no_tensorflow(module):
    full = "legacy_graph" if module == "__init__" else f"legacy_graph.{module}"
    loaded = imported_by(f"import {full}")
    assert full in loaded and "tensorflow" not in loaded


def test_help_loads_neither_tensorflow_nor_numpy():
    loaded = imported_by(
        "import runpy, sys\n"
        "sys.argv = ['legacy_graph', '--help']\n"
        "try: runpy.run_module('legacy_graph', run_name='__main__')\n"
        "except SystemExit as end: assert end.code == 0"
    )
    assert "argparse" in loaded and not loaded & {"tensorflow", "numpy"}
