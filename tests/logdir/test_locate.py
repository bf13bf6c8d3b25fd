"""提示 no dashboard: `check` on a path that is no log directory, and where it should have been."""

import glob
import os
import shlex

import pytest

from legacy_graph.errors import launch_command


def test_no_such_path(check, tmp_path):
    status, said = check(str(tmp_path / "nowhere"))
    assert status == 2
    assert f"expected a directory, found nothing of that name; to fill it: {launch_command()} train --logdir" in said


def test_a_file_instead_of_a_directory(check, log):
    (path,) = glob.glob(os.path.join(log, "train", "*tfevents*"))
    status, said = check(path)
    assert status == 2
    assert said.endswith(
        f"expected a directory, found a file; name the directory it lies in: {os.path.dirname(path)}\n"
    )


@pytest.mark.parametrize("form, bare", [("run1:{0}", "{0}"), ("a:{0}/train,b:{0}/test", "{0}/train or {0}/test")])
def test_the_form_of_2018(check, log, form, bare):
    status, said = check(form.format(log))
    assert status == 2
    assert "found the form name:path of 2018, which --logdir takes literally today; " in said
    assert f"name the path alone: {bare.format(log)}, " in said
    assert "--logdir_spec " + form.format(log) in said


def test_a_colon_in_a_path_that_is_there(check, log):
    os.rename(log, log + ":1")
    assert check(log + ":1")[0] == 0


def test_an_unquoted_path_with_spaces(check, log, tmp_path):
    os.rename(log, str(tmp_path / "my tensorflow 日志"))
    words = str(tmp_path / "my tensorflow 日志").split()
    status, said = check(*words)
    assert status == 2
    assert f"expected one path, found 3 words; {' '.join(words)!r} is there; a path with spaces needs quotes: " in said
    assert shlex.split(said)[-1] == " ".join(words)
    assert check(" ".join(words))[0] == 0
    status, said = check("one", "two")
    assert status == 2
    assert "is there" not in said


@pytest.mark.parametrize(
    "where, name, found",
    [
        ("", "logs", "log"),
        ("", "train", "log/train"),
        ("sub", "log", "log"),
        ("log", "log", "log"),
        ("", "sub/log", "log"),
    ],
)
def test_a_log_one_level_up_or_down_or_nearly_of_that_name(check, log, tmp_path, monkeypatch, where, name, found):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(str(tmp_path / where))
    status, said = check(name)
    assert status == 2
    assert said.endswith(f"found nothing of that name; there are event files in {tmp_path / found}\n")
