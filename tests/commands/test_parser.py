"""The command line: a bad option is one line and exit status 2, and nothing is written, nor TensorFlow imported."""

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legacy_graph import config
from legacy_graph.commands import option_values, parser
from legacy_graph.errors import launch_command
from tests.support.program import ROOT, SAMPLE

FIELDS = {
    "steps": (1, 10**9),
    "batch_size": (1, 10**6),
    "seed": (0, 2**31 - 1),
    "summary_every": (1, 10**9),
    "histogram_every": (1, 10**9),
    "image_every": (1, 10**9),
    "test_every": (1, 10**9),
    "checkpoint_every": (1, 10**9),
}
REALS = {"learning_rate": (0, 1e9), "keep_prob": (0.001, 1.0)}  # above the first, up to the second
NO_NUMBERS = ["", " ", "ten", "1e", "0x10", "--", "1 2", "½", "nan", "-nan", "inf", "-inf", "1e999", "-0", "0", "-1"]
# What Python's own int and float take besides: digits of other scripts, underscores, spaces, a plus sign.
NO_NUMBERS += ["１０", "٣", "1_000", "0_1", " 1", "1\n", "+1", "1e1_0", "1e-50_0"]


def parse(*words):
    return option_values.from_options(parser.make_parser().parse_args(["train", *words]))


def refused(capsys, *words):
    """See to it that the words are refused as they should be; returns the line that says so."""
    with pytest.raises(SystemExit) as end:
        parse(*words)
    out, err = capsys.readouterr()
    assert (end.value.code, out) == (2, "")
    assert err.endswith("\n")
    assert len(err.splitlines()) == 1
    return err


def option(name):
    return "--" + name.replace("_", "-")


@st.composite
def drawn_options(draw):
    """Any options that are valid, and the words that say so."""
    chosen = {name: draw(st.integers(*bounds)) for name, bounds in FIELDS.items() if draw(st.booleans())}
    for name, (low, high) in REALS.items():
        if draw(st.booleans()):
            chosen[name] = draw(st.floats(low, high, exclude_min=True, allow_nan=False))
    if draw(st.booleans()):
        chosen["fresh"] = True
    words = [(option(name), "" if value is True else repr(value)) for name, value in chosen.items()]
    return chosen, [word for pair in draw(st.permutations(words)) for word in pair if word]


@settings(deadline=None)
@given(drawn_options())
def test_valid_options_are_taken_as_they_are_in_any_order(drawn):
    chosen, words = drawn
    assert parse(*words) == config.Config(**chosen)


@settings(deadline=None)
@given(st.sampled_from(sorted(FIELDS)), st.integers())
def test_a_whole_number_is_taken_or_refused_by_its_bounds(name, value):
    low, high = FIELDS[name]
    try:
        accepted = getattr(parse(f"{option(name)}={value}"), name) == value
    except SystemExit as end:
        assert end.code == 2
        accepted = False
    assert accepted == (low <= value <= high)


@settings(deadline=None)
@given(st.sampled_from(sorted(REALS)), st.floats())
def test_a_real_number_is_taken_or_refused_by_its_bounds(name, value):
    try:
        accepted = getattr(parse(f"{option(name)}={value!r}"), name) == value
    except SystemExit as end:
        assert end.code == 2
        accepted = False
    low, high = REALS[name]
    assert accepted == (low < value <= high)


@settings(deadline=None)
@given(st.lists(st.text(), max_size=4))
def test_whatever_is_typed_gives_options_or_exit_status_2(words):
    try:
        options = parse(*words)
    except SystemExit as end:
        # Asking for help is no mistake.
        assert end.code == 2 or (end.code == 0 and {"-h", "--help"} & set(words))
    else:
        # A word that is accepted is an option or the value of one.
        assert options == config.Config() or any(word.startswith("--") for word in words)


@pytest.mark.parametrize("name", sorted(FIELDS) + sorted(REALS))
@pytest.mark.parametrize("value", NO_NUMBERS + [str(10**30), "1.5"])
def test_bad_numbers(capsys, name, value):
    if (name, value) in [("learning_rate", "1.5"), ("seed", "0")]:
        assert getattr(parse(f"{option(name)}={value}"), name) == float(value)
        return
    line = refused(capsys, f"{option(name)}={value}")
    assert f": argument {option(name)}: expected a " in line
    assert f"found {value!r}" in line


def test_words_that_nobody_knows(capsys, tmp_path):
    assert "unrecognized arguments: --epochs 3 (" in refused(capsys, "--epochs", "3")
    # No abbreviations: they hide slips.
    assert "unrecognized arguments: --step 3; did you mean --steps?" in refused(capsys, "--step", "3")
    line = refused(capsys, "--method", "guided")
    assert "unrecognized arguments: --method guided; --method is an option of features, deconv (" in line
    with pytest.raises(SystemExit):
        parser.make_parser().parse_args(["layers", "model.pb"])
    assert "unrecognized arguments: model.pb; did you mean --graph model.pb? (" in capsys.readouterr().err
    assert "unrecognized arguments: model.pb (" in refused(capsys, "model.pb")
    assert "unrecognized arguments: two lines" in refused(capsys, "two\nlines")
    assert "expected one argument" in refused(capsys, "--steps")
    file = tmp_path / "file"
    file.write_text("")
    assert f"expected a directory, found the file {str(file)!r}" in refused(capsys, "--logdir", str(file))
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    assert "expected a directory, found a link to nothing, " in refused(capsys, "--logdir", str(tmp_path / "link"))
    assert "expected a path, found ''" in refused(capsys, "--logdir", "")
    assert "expected a path" in refused(capsys, "--data-dir", "a\0b")
    assert "expected a path, found the URL 'file:///tmp/log'" in refused(capsys, "--logdir", "file:///tmp/log")
    assert r"expected a path in UTF-8, found '\udcff'" in refused(capsys, "--logdir", "\udcff")


@pytest.mark.parametrize("words, meant, command", [
    (["trian"], "train", ""),
    (["tensorbord", "--logdir", "log"], "tensorboard", ""),
    (["train", "--log-dir", "x"], "--logdir", " train"),
    (["--step=3"], "--steps", " train"),
    (["features", "--layers=conv1"], "--layer", " features"),
    (["deconv", "a.png", "--class-name", "x"], "--class-names", " deconv"),
])  # fmt: skip
def test_a_slip_gets_the_nearest_name_and_a_command_for_help(capsys, words, meant, command):
    with pytest.raises(SystemExit) as end:
        parser.make_parser().parse_args(words)
    assert end.value.code == 2
    line = capsys.readouterr().err
    assert f"did you mean {meant}?" in line
    assert line.endswith(f"(see {launch_command()}{command} --help)\n")


def test_the_command_for_help_can_be_typed(tmp_path):
    environment = dict(os.environ, PYTHONPATH=ROOT, LEGACY_GRAPH_LAUNCHER="", PYTHON="")
    command = [sys.executable, "-m", "legacy_graph", "features", "--layers", "conv1"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    typed = run.stderr.rpartition("(see ")[2].rstrip(")\n")
    shown = subprocess.run(["sh", "-c", typed], cwd=str(tmp_path), env=environment, capture_output=True, text=True)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "--layer NAME" in shown.stdout


@pytest.mark.parametrize("command", ["train", "features"])
def test_a_data_directory_that_is_named_must_exist(capsys, tmp_path, command):
    make = parser.make_parser()
    assert make.parse_args([command, "--data-dir", str(tmp_path)]).data_dir == str(tmp_path)
    assert make.parse_args(["train"]).data_dir == config.Config.data_dir
    with pytest.raises(SystemExit) as end:
        make.parse_args([command, "--data-dir", str(tmp_path / "typo")])
    assert end.value.code == 2
    assert f"nothing at {str(tmp_path / 'typo')!r}" in capsys.readouterr().err


@pytest.mark.parametrize("words, line", [
    (["trian"], "argument COMMAND: invalid choice: 'trian'"),
    (["train", "--keep-prob", "1.5"], "argument --keep-prob: expected a number above 0.001 and up to 1, found '1.5'"),
    (["train", "--data-dir", SAMPLE, "--batch-size", "9001"],
     f"at most the 9000 training digits there are (the four files in {SAMPLE}), found 9001"),
])  # fmt: skip
def test_as_a_user_meets_them(tmp_path, words, line):
    """In a process of its own, in an empty directory: nothing is written, and TensorFlow is never imported."""
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['legacy_graph'] + {words!r}\n"
        "try: runpy.run_module('legacy_graph', run_name='__main__')\n"
        "except SystemExit as end: assert 'tensorflow' not in sys.modules; raise\n"
    )
    environment = dict(os.environ, PYTHONPATH=ROOT)
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=str(tmp_path), env=environment, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (2, "")
    assert len(run.stderr.splitlines()) == 1
    assert line in run.stderr
    assert os.listdir(str(tmp_path)) == []


def test_where_nobody_reads_the_program_ends_quietly(tmp_path):
    """As in `python -m legacy_graph train | head -0`: no traceback, and the status of a program that SIGPIPE ended."""
    theirs, ours = os.pipe()
    os.close(theirs)
    command = [sys.executable, "-m", "legacy_graph", "train", "--data-dir", SAMPLE, "--logdir", str(tmp_path / "log")]
    environment = dict(os.environ, PYTHONPATH=ROOT)
    run = subprocess.run(command, env=environment, stdout=ours, stderr=subprocess.PIPE, text=True)
    os.close(ours)
    assert (run.returncode, run.stderr) == (141, "")


@pytest.mark.parametrize("words", [
    "--maps 1,x", "--maps -1", "--top 0", "--top 101", "--control magic", "--images", "--order size", "--range -1",
    "--range 0,x", "--mean 1,2", "--size 22", "--size 0x4", "--method magic", "--cover 1,2", "--cover black",
    "--cover 1,nan,2", "--cover",
])  # fmt: skip
def test_bad_values_of_features(capsys, words):
    """A name alone has an empty value."""
    name, _, value = words.partition(" ")
    with pytest.raises(SystemExit) as end:
        parser.make_parser().parse_args(["features", name, value])
    line = capsys.readouterr().err
    assert (end.value.code, line.count("\n")) == (2, 1) and name in line


@pytest.mark.parametrize("steps", ["last", "0-200", "", "all,5"])
def test_bad_steps_of_features(capsys, steps):
    """The word all is one of the values that the message offers."""
    with pytest.raises(SystemExit) as end:
        parser.make_parser().parse_args(["features", f"--steps={steps}"])
    assert (end.value.code, "expected all, or " in capsys.readouterr().err) == (2, True)
