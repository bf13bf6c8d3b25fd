"""提示 no dashboard: `check` on a path that is no log directory, and where it should have been."""

import glob
import os
import shlex

import pytest

from legacy_graph.__main__ import main
from legacy_graph.errors import UserError, launch_command
from legacy_graph.logdir import locate
from tests.support.program import SAMPLE
from tests.support.published import assert_refused


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


def test_a_home_directory_that_the_shell_left_alone(check, log, monkeypatch):
    """bash leaves the ~ of `--logdir=~/log` unchanged."""
    monkeypatch.setenv("HOME", os.path.dirname(log))
    assert check("--logdir=~/log")[0] == check("~/log")[0] == 0


def test_paths_of_windows(tmp_path, monkeypatch):
    """WSL mounts C: at /mnt/c. Here no drive Q is mounted."""
    monkeypatch.chdir(str(tmp_path))
    for text in ("Q:\\Users\\me\\log", "q:/Users/me/log"):
        with pytest.raises(UserError) as refused:
            locate.local_path(text)
        assert refused.value.hint.startswith("in WSL its name is /mnt/q/Users/me/log, ")
        (tmp_path / text).mkdir(parents=True)
        assert locate.local_path(text) == text
    with monkeypatch.context() as mounted:
        mounted.setattr(os.path, "isdir", lambda path: path == "/mnt/q")
        assert locate.local_path("Q:\\my log\\run") == "/mnt/q/my log/run"
    assert locate.local_path(f"a:{tmp_path}") == f"a:{tmp_path}"  # the form name:path
    assert locate.local_path("a:/x,b:/y") == "a:/x,b:/y"


def test_why_tensorboard_shows_nothing(log, tmp_path):
    assert locate.why_empty(log) is None
    assert locate.why_empty(str(tmp_path)) is None  # the log lies below it
    assert locate.why_empty("gs://bucket/log") is None
    (tmp_path / "empty").mkdir()
    os.symlink(str(tmp_path / "empty"), str(tmp_path / "empty" / "again"))
    assert f"No event file lies in {tmp_path / 'empty'}" in locate.why_empty(str(tmp_path / "empty"))
    assert "nothing of that name" in locate.why_empty(str(tmp_path / "none"))


@pytest.mark.parametrize("files, refused", [
    ([], False),
    (["events.out.tfevents.1.host"], True),
    (["deep/run/events.out.tfevents.1.host"], True),
    (["run/events.out.tfevents.1.host", "checkpoints/options.json"], False),  # a run of ours is there already
    (["earlier/2026/train/events.out.tfevents.1.host"], False),
    (["graphs/model-conv/events.out.tfevents.1.host"], False),  # results of `features --graph`
])  # fmt: skip
def test_event_files_of_other_programs_are_refused_for_a_run(tmp_path, capsys, files, refused):
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(b"")
    try:
        locate.check_no_others(str(tmp_path))
    except UserError as error:
        assert refused and "--beside-others" in error.hint
    else:
        assert not refused


@pytest.mark.parametrize("place", ["checkpoints", "features/conv1", "link"])
def test_a_run_inside_another_run_is_refused(trained, tmp_path, capsys, place):
    """The next `train --fresh` of the outer run would move both. `link` leads into the outer run."""
    os.symlink(os.path.join(trained.logdir, "checkpoints"), str(tmp_path / "link"))
    logdir = str(tmp_path / "link") if place == "link" else os.path.join(trained.logdir, place)
    words = ["train", "--logdir", logdir, "--data-dir", SAMPLE, "--steps", "1"]
    assert_refused(capsys, words, "--logdir: expected a directory of its own", f"of the run {trained.logdir!r}")


def test_train_beside_other_programs_only_if_told(tmp_path, capsys):
    (tmp_path / "events.out.tfevents.1.host").write_bytes(b"")
    words = ["train", "--logdir", str(tmp_path), "--data-dir", SAMPLE, "--steps", "1", "--batch-size", "2"]
    assert main(words) == 2
    assert "--beside-others" in capsys.readouterr().err
    assert os.listdir(str(tmp_path)) == ["events.out.tfevents.1.host"]
    assert main([*words, "--beside-others"]) == 0


def test_a_whole_disk_is_no_log_directory(tmp_path, capsys, monkeypatch):
    """The search ends at a limit, and says so; a directory with an event file near its top is no such case."""
    monkeypatch.setattr(locate, "MOST", 5)
    for number in range(9):
        (tmp_path / "disk" / str(number)).mkdir(parents=True)
    disk = str(tmp_path / "disk")
    line = f"{disk}: expected a log directory with at most 5 directories, found more; name the directory of your runs"
    assert_refused(capsys, ["check", disk], line)
    assert_refused(capsys, ["train", "--logdir", disk, "--data-dir", SAMPLE, "--steps", "1"], line)
    assert locate.why_empty(disk) == line
    (tmp_path / "disk" / "events.out.tfevents.1.host").write_bytes(b"")
    assert locate.why_empty(disk) is None
