"""A log directory that is replaced while it is served, and links without end."""

import os
import shutil

import pytest

from legacy_graph.board import runs
from tests.board.site import Site

MAP = {"run": "one", "layer": "conv2", "method": "deconvnet", "map": "5"}


def other_run(log, features_run):
    shutil.copytree(os.path.join(features_run, "features"), str(log / "two" / "features"))


def same_run(log, features_run):
    shutil.copytree(os.path.join(features_run, "features"), str(log / "one" / "features"))


REPLACEMENTS = {
    "nothing": (lambda log, _: None, [], 404),
    "a file": (lambda log, _: log.write_text("no directory"), [], 404),
    "another log": (other_run, ["two"], 404),
    "the same": (same_run, ["one"], 200),
    "a link to nothing": (lambda log, _: log.symlink_to("nowhere"), [], 404),
}


@pytest.mark.parametrize("asked_first", ["runs", "map"])
@pytest.mark.parametrize("replace, names, status", REPLACEMENTS.values(), ids=REPLACEMENTS)
def test_a_log_that_is_replaced(replace, names, status, asked_first, features_run, tmp_path):
    """The answers are those for the new directory. Until the page asks for the runs again, lost results answer 400."""
    log = tmp_path / "log"
    same_run(log, features_run)
    site = Site(str(log))
    assert site.ask("map", MAP)[0] == 200
    shutil.move(str(log), str(tmp_path / "away"))
    replace(log, features_run)
    for route in ["runs", "map"] if asked_first == "runs" else ["map", "runs"]:
        answer = site.ask(route, MAP if route == "map" else ())
        if route == "runs":
            assert [run["name"] for run in answer[1]["runs"]] == names
        else:
            assert answer[0] == (400 if status == 404 and asked_first == "map" else status), answer


def test_directories_that_link_to_each_other_end(features_run, tmp_path):
    """Every order of forty directories is a path of its own: two million of them with four levels."""
    same_run(tmp_path, features_run)
    for one in range(40):
        (tmp_path / f"d{one}").mkdir()
        for other in range(40):
            os.symlink(os.path.join("..", f"d{other}"), str(tmp_path / f"d{one}" / f"to{other}"))
    os.symlink("one", str(tmp_path / "latest"))
    assert list(runs.find_runs(str(tmp_path))) == ["latest", "one"]
