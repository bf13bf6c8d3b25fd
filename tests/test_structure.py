"""The rules of the source tree: layout, import order, sessions, size, docstrings, Python 3.7 syntax."""

import ast
import functools
import glob
import os
import re
import subprocess
import sys

from legacy_graph.graphs.op_table import TABLE
from tests.support.program import ROOT

PACKAGE = sorted(glob.glob(os.path.join(ROOT, "legacy_graph", "**", "*.py"), recursive=True))
TESTS = sorted(glob.glob(os.path.join(ROOT, "tests", "**", "*.py"), recursive=True))
SOURCES = PACKAGE + TESTS
# What a run in the checkout itself creates; git ignores it.
IGNORED = {"log", "MNIST_data", "__pycache__"}
# A package imports only from itself and from packages of lower rank.
RANKS = {
    "": 0, "errors": 0, "config": 0, "tf_setup": 0,
    "data": 1,
    "logdir": 2,
    "article": 3,
    "graphs": 4,
    "cluster": 5,
    "visualize": 6,
    "api": 7,
    "training": 8,
    "board": 9,
    "commands": 10,
    "__main__": 11,
}  # fmt: skip
# `graphs` opens a session to read slices of variables from a checkpoint, which its reader cannot do, and another to
# compute shapes and axes that do not depend on the images.
# `cluster` opens the sessions that run on several machines, for `training` and `visualize`.
SESSION_PACKAGES = {"graphs", "cluster", "training", "visualize", "board", "commands"}
WITHOUT_TENSORFLOW = [
    "", "errors", "config", "tf_setup", "data.mnist", "data.idx", "data.download", "data.user_image", "logdir.layout",
    "logdir.locate", "visualize.image_grid", "training.sonify", "training.signals", "commands.train", "commands.check",
    "commands.layers", "commands.features", "commands.deconv", "logdir.identity", "cluster.tf_config",
    "cluster.watch", "commands.cluster", "commands.tensorboard", "board.plugin",
]  # fmt: skip


def name(path):
    return os.path.relpath(path, ROOT)


@functools.lru_cache(maxsize=None)
def parse(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    # Python 3.7 itself has no such option.
    options = {} if sys.version_info < (3, 8) else {"feature_version": (3, 7)}
    return ast.parse(text, path, **options)


def package_of(path):
    """The package of a file in legacy_graph, "" for the top one, or the module's name for a module of the top."""
    parts = os.path.relpath(path, os.path.join(ROOT, "legacy_graph")).split(os.sep)
    return parts[0] if len(parts) > 1 else parts[0].replace(".py", "").replace("__init__", "")


def imported(tree):
    """The full names of what a module imports, in functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path):
    """The parts of legacy_graph that a file imports: packages, or modules of the top."""
    for full in imported(parse(path)):
        if full.startswith("legacy_graph."):
            part = full.split(".")[1]
            yield part if part in RANKS else ""


def test_top_level_holds_only_what_is_expected():
    seen = {entry for entry in os.listdir(ROOT) if not entry.startswith(".")} - IGNORED
    assert seen == {"README.md", "legacy_graph", "requirements.txt", "run.sh", "tests"}


def test_every_package_has_a_rank():
    assert {package_of(path) for path in PACKAGE} <= set(RANKS)


def test_imports_follow_the_order_of_the_packages():
    found = {(package_of(path), part) for path in PACKAGE for part in own_imports(path)}
    low = {part for part, rank in RANKS.items() if rank == 0}
    wrong = {(one, other) for one, other in found if one != other and RANKS[other] >= RANKS[one]}
    assert {pair for pair in wrong if not set(pair) <= low} == set(), "a package imports another one"


def test_the_modules_of_a_package_import_each_other_one_way():
    """Removing, again and again, the modules that import none of those that remain must remove all."""
    names = {name(path)[:-3].replace(os.sep, "."): set(imported(parse(path))) for path in PACKAGE}
    remaining = {
        module: {other for other in names for full in found if full == other or full.startswith(other + ".")}
        - {module, "legacy_graph.__init__"}
        for module, found in names.items()
    }
    while remaining:
        free = {module for module, wanted in remaining.items() if not wanted & set(remaining)}
        assert free, f"these import each other in a circle: {sorted(remaining)}"
        remaining = {module: wanted for module, wanted in remaining.items() if module not in free}


def test_sessions_are_opened_only_where_graphs_are_run():
    calls = [(path, node) for path in PACKAGE for node in ast.walk(parse(path)) if isinstance(node, ast.Call)]
    opened = {package_of(path) for path, call in calls if getattr(call.func, "attr", "").endswith("Session")}
    # tf_setup opens one empty session: the first in a process is the one that looks for a GPU.
    assert opened <= SESSION_PACKAGES | {"tf_setup"}


def test_tests_import_only_support_code():
    parts = {(name(path), part) for path in TESTS for full in imported(parse(path)) for part in full.split(".")
             if part == "conftest" or full.startswith("tests.") and part.startswith("test_")}  # fmt: skip
    assert parts == set()


def test_names_of_tests_are_short():
    functions = [node.name for path in TESTS for node in ast.walk(parse(path)) if isinstance(node, ast.FunctionDef)]
    assert [one for one in functions if one.startswith("test_") and len(one) >= 60] == []


def test_files_are_short_and_valid_python_37():
    lengths = {}
    for path in SOURCES:
        parse(path)
        with open(path, encoding="utf-8") as file:
            lengths[name(path)] = len(file.readlines())
    assert {path: length for path, length in lengths.items() if length >= 250} == {}


def lines_of(function):
    """The lines of a function without its docstring."""
    docstring = ast.get_docstring(function, clean=False) or ""
    return max(getattr(node, "lineno", 0) for node in ast.walk(function)) - function.lineno - docstring.count("\n")


def missing(function):
    """What a public function lacks."""
    arguments = function.args.args + function.args.kwonlyargs
    found = [f"a type hint for {one.arg}" for one in arguments if one.annotation is None]
    found += [] if ast.get_docstring(function) else ["a docstring"]
    return found + ([] if function.returns else ["a type hint of what it returns"])


def test_functions_are_short_and_public_ones_documented():
    for path in PACKAGE:
        functions = [node for node in ast.walk(parse(path)) if isinstance(node, ast.FunctionDef)]
        assert [one.name for one in functions if lines_of(one) > 45] == [], name(path)
        public = [one for one in parse(path).body if one in functions and not one.name.startswith("_")]
        assert {one.name: missing(one) for one in public if missing(one)} == {}, name(path)


def listed(tree):
    """The names of operations in each list, tuple and set, and among the keys of each dictionary."""
    for node in ast.walk(tree):
        items = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
        values = [vars(item).get("value", vars(item).get("s")) for item in items if item]  # "s" in Python 3.7
        yield [value for value in values if isinstance(value, str) and value in TABLE]


def test_only_the_table_lists_operations():
    """One operation may belong to a pattern. What several have in common is a property: a column or a kind."""
    found = {name(path): [names for names in listed(parse(path)) if len(set(names)) > 1] for path in PACKAGE}
    assert {path for path, lists in found.items() if lists} == {"legacy_graph/graphs/op_table.py"}


def test_no_check_is_silenced_or_skipped():
    silencers = re.compile("no[q]a|[s]kip(if|test)?\\(|mark[.]skip|x[f]ail|importor[s]kip")
    found = []
    for path in SOURCES:
        with open(path, encoding="utf-8") as file:
            found += [f"{name(path)}:{number}" for number, line in enumerate(file, 1) if silencers.search(line)]
    assert found == []


def loaded_by(code):
    """The names of all modules that Python has loaded once it has run `code`."""
    code += "\nimport sys; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], env=dict(os.environ, PYTHONPATH=ROOT), stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert run.returncode == 0
    return set(run.stdout.split())


def test_modules_that_load_no_tensorflow():
    """Bad input is reported before TensorFlow is imported, which takes seconds."""
    modules = ["legacy_graph" + ("." + module if module else "") for module in WITHOUT_TENSORFLOW]
    loaded = loaded_by("import " + ", ".join(modules))
    assert set(modules) <= loaded
    assert "tensorflow" not in loaded


def test_help_loads_neither_tensorflow_nor_numpy():
    loaded = loaded_by(
        "import runpy, sys\n"
        "sys.argv = ['legacy_graph', '--help']\n"
        "try: runpy.run_module('legacy_graph', run_name='__main__')\n"
        "except SystemExit as end: assert end.code == 0"
    )
    assert "argparse" in loaded and not loaded & {"tensorflow", "numpy"}


def test_exported_names_are_imported_on_first_use():
    loaded = loaded_by(
        "import legacy_graph, sys; assert 'tensorflow' not in sys.modules\n"
        "names = legacy_graph.__all__; assert set(names) == set(legacy_graph._EXPORTS) <= set(dir(legacy_graph))\n"
        "for name in names: assert getattr(legacy_graph, name).__name__ == name"
    )
    assert "tensorflow" in loaded
