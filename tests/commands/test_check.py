"""提示 no dashboard: `check` on a good log, and on each way in which one can be bad."""

import os
import re
import shutil
import subprocess
import sys

import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import launch_command
from tests.support.program import ROOT, STEPS, legacy_graph
from tests.support.published import results_size

SEVEN = ["SCALARS", "IMAGES", "AUDIO", "GRAPHS", "DISTRIBUTIONS", "HISTOGRAMS", "PROJECTOR"]


def event_file(*folders):
    """The path of the only event file in a directory."""
    folder = os.path.join(*folders)
    (name,) = [name for name in os.listdir(folder) if "tfevents" in name]
    return os.path.join(folder, name)


def cut(path, size):
    with open(path, "r+b") as file:
        file.truncate(size)


def write_scalar(folder):
    with tf.Graph().as_default(), tf.summary.FileWriter(str(folder)) as writer:
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="loss", simple_value=1)]), 0)


def fed(rows):
    """The dashboards that some run feeds."""
    return [dashboard for dashboard in SEVEN if (dashboard, "-") not in rows]


# The field of a summary value -> the dashboards that show it.
FIELDS = {
    "simple_value": ["SCALARS"],
    "image": ["IMAGES"],
    "audio": ["AUDIO"],
    "histo": ["DISTRIBUTIONS", "HISTOGRAMS"],
}


def counted(path):
    """{field of the summary values: (its tags, its steps)} of an event file, read by TensorFlow."""
    found = {}
    for event in tf.train.summary_iterator(path):
        for value in event.summary.value:
            tags, steps = found.setdefault(value.WhichOneof("value"), (set(), set()))
            tags.add(value.tag)
            steps.add(event.step)
    return found


def test_a_good_log(check, log):
    status, rows, rest = check(log)
    assert status == 0
    assert rest == ["7 of the 7 dashboards of TensorBoard have data."]
    sizes = {run: f"{os.path.getsize(event_file(log, run)) / 1e6:.2f} MB" for run in ("train", "test")}
    counts = {run: counted(event_file(log, run)) for run in ("train", "test")}
    expected = {}
    for run, fields in counts.items():
        for field, dashboards in FIELDS.items():
            if field in fields:
                tags, steps = fields[field]
                row = [str(len(tags)), str(len(steps)), str(min(steps)), str(max(steps)), sizes[run]]
                expected.update({(dashboard, run): row for dashboard in dashboards})
    assert max(counts["train"]["simple_value"][1]) == STEPS
    expected["GRAPHS", "train"] = ["5", "5", "0", str(STEPS), sizes["train"]]  # the graph and four traced session runs
    folder = os.path.join(log, "projector")
    size = sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))
    expected["PROJECTOR", "projector"] = ["1", "-", "-", "-", f"{size / 1e6:.2f} MB"]
    expected["DECONVNET", "."] = ["2", "-", "-", "-", f"{results_size(log) / 1e6:.2f} MB"]
    assert rows == expected


def test_from_the_command_line_quick_and_quiet(trained):
    run = legacy_graph("check", cwd=os.path.dirname(trained.logdir))
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.endswith("7 of the 7 dashboards of TensorBoard have data.\n")
    code = "import sys, legacy_graph.__main__ as m; m.main(['check', 'nowhere']); sys.exit('tensorflow' in sys.modules)"
    assert subprocess.call([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL) == 0


def test_a_directory_without_event_files(check, log, tmp_path):
    (tmp_path / "far" / "away").mkdir(parents=True)
    status, rows, rest = check(str(tmp_path / "far" / "away"))
    assert (status, fed(rows)) == (1, [])
    assert f"No event file lies in {tmp_path / 'far' / 'away'}: to fill it: {launch_command()} train" in rest[-2]
    assert [line for line in rest if "is empty" in line] == [f"{dashboard} is empty: see below" for dashboard in SEVEN]
    os.mkdir(os.path.join(log, "checkpoints"))
    status, rows, rest = check(os.path.join(log, "checkpoints"))
    assert (status, fed(rows)) == (1, [])
    assert rest[-2].endswith(f"there are event files in {log}")


def test_one_run_instead_of_the_log(check, log):
    status, rows, rest = check(os.path.join(log, "test"))
    assert status == 1
    assert fed(rows) == ["SCALARS", "IMAGES", "DISTRIBUTIONS", "HISTOGRAMS"]
    assert rows["SCALARS", "."][0] == str(len(counted(event_file(log, "test"))["simple_value"][0]))
    assert rest[-2] == f"This is a single run, beside projector, train: the log directory is one level up, {log}"


def test_the_directory_above_the_log(check, log, tmp_path):
    status, rows, rest = check(str(tmp_path))
    assert (status, fed(rows)) == (0, SEVEN)
    assert rows["AUDIO", os.path.join("log", "train")]
    assert rest == [
        f"All runs lie one level down: name {log} to get shorter run names",
        "7 of the 7 dashboards of TensorBoard have data.",
    ]


def test_an_event_file_without_records(check, tmp_path):
    """Of no bytes; with the record that names the format; with the mark of our own that its run has begun."""
    begun = [tf.Event(file_version="brain.Event:2"), tf.Event(session_log=tf.SessionLog(status=tf.SessionLog.START))]
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        with tf.io.TFRecordWriter(str(tmp_path / str(number) / "x.tfevents.1")) as writer:
            for event in begun[:number]:
                writer.write(event.SerializeToString())
    status, rows, rest = check(str(tmp_path))
    assert (status, fed(rows)) == (1, [])
    found = [line.partition(":")[0] for line in rest if "tfevents" in line]
    assert found == [f"{number}/x.tfevents.1 has no record yet" for number in range(3)]


def records(path):
    """How many events a file holds; not counted, as nothing is recorded in them, are the two that it begins with."""
    return sum(1 for _ in tf.train.summary_iterator(path)) - 2


def test_a_truncated_event_file(check, log):
    path = event_file(log, "test")
    whole, size = records(path), os.path.getsize(path)
    cut(path, size - 3)
    status, rows, rest = check(log)
    assert (status, fed(rows)) == (0, SEVEN)
    (line,) = rest[:-1]
    assert f"is truncated or damaged: {whole - 1:,} records are readable, " in line
    assert f" of {size - 3:,} bytes; " in line


def test_a_damaged_event_file(check, log):
    path = event_file(log, "train")
    with open(path, "r+b") as file:
        file.seek(100)  # in the first record that is more than a mark
        byte = file.read(1)[0]
        file.seek(100)
        file.write(bytes([byte ^ 1]))
    status, rows, rest = check(log)
    assert status == 1
    assert fed(rows) == ["SCALARS", "IMAGES", "DISTRIBUTIONS", "HISTOGRAMS", "PROJECTOR"]
    assert rest[:2] == ["AUDIO is empty: see below", "GRAPHS is empty: see below"]
    assert re.search(
        r"train.events\S+ is truncated or damaged: [01] records are readable, \d+ of [\d,]+ bytes", rest[2]
    )


def test_something_else_under_the_name_of_an_event_file(check, tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "x.tfevents.1")) as writer:
        writer.write(b"\xff\xff\xff no event")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "y.tfevents.2").write_bytes(os.urandom(999))
    status, rows, rest = check(str(tmp_path))
    assert (status, fed(rows)) == (1, [])
    assert [line.split(":")[1].split(",")[0] for line in rest if "damaged" in line] == [" 0 records are readable"] * 2


def test_two_event_files_in_one_run(check, log):
    path = event_file(log, "train")
    shutil.copy(event_file(log, "test"), path + ".second")
    status, rows, rest = check(log)
    assert status == 0
    assert rest == ["7 of the 7 dashboards of TensorBoard have data."]  # each of ours says from which step on it counts
    with tf.Graph().as_default() as graph, tf.summary.FileWriter(os.path.join(log, "test"), graph) as writer:
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="loss", simple_value=1)]), 99)
    status, rows, rest = check(log)
    assert status == 0
    assert rest[0].startswith("test has 2 event files in one run: their curves overlap")
    assert rows["SCALARS", "test"][3] == "99"
    assert rest[1].startswith("test has a graph but no traced session run, so no compute time")


def test_a_second_projector_does_not_overlap_the_first(check, log):
    """A finished run that goes on with more steps writes it again; its event files hold no record."""
    path = event_file(log, "projector")
    shutil.copy(path, path + ".second")
    assert check(log)[::2] == (0, ["7 of the 7 dashboards of TensorBoard have data."])


def test_a_run_metadata_without_times_is_no_trace(check, tmp_path):
    """As the program of 2018 wrote it."""
    with tf.Graph().as_default() as graph, tf.summary.FileWriter(str(tmp_path / "log"), graph) as writer:
        writer.add_run_metadata(tf.RunMetadata(), "step 0", 0)
    status, rows, rest = check(str(tmp_path / "log"))
    assert (status, fed(rows)) == (1, ["GRAPHS"])
    assert rows["GRAPHS", "."][:2] == ["2", "1"]
    assert any(line.startswith(". has a graph but no traced session run") for line in rest)
    assert any(line.startswith("AUDIO is empty: nothing came from tf.summary.audio") for line in rest)


def test_only_an_own_log_gets_the_advice_to_train(check, log, tmp_path):
    """In the log of another program, `train` would write its files beside the others."""
    write_scalar(tmp_path / "foreign")
    assert f"{launch_command()} train" not in str(check(str(tmp_path / "foreign")))
    os.remove(os.path.join(log, "projector", "sprite.png"))
    assert f"{launch_command()} train" not in check(log)[2][0]
    os.mkdir(os.path.join(log, "checkpoints"))
    with open(os.path.join(log, "checkpoints", "options.json"), "w", encoding="utf-8") as file:
        file.write("{}")
    assert f"{launch_command()} train --logdir {log}" in check(log)[2][0]


@pytest.mark.parametrize(
    "spoil, reason",
    [
        (lambda folder: os.remove(folder + "/sprite.png"), "in projector, sprite.png is missing"),
        (lambda folder: os.remove(folder + "/metadata.tsv"), "in projector, metadata.tsv is missing"),
        (lambda folder: os.remove(folder + "/checkpoint"), "in projector, no checkpoint lies beside its configuration"),
        (lambda folder: cut(folder + "/embedding.ckpt.index", 9), "is missing or damaged"),
        (
            lambda folder: os.remove(event_file(folder)),
            "projector has a configuration but no event file, so TensorBoard ignores it",
        ),
        (lambda folder: shutil.rmtree(folder), "nothing came from projector.visualize_embeddings"),
    ],
    ids=["sprite", "metadata", "checkpoint", "damage", "no run", "nothing"],
)
def test_what_keeps_the_projector_empty(check, log, spoil, reason):
    spoil(os.path.join(log, "projector"))
    status, rows, rest = check(log)
    assert (status, fed(rows)) == (1, SEVEN[:-1])
    assert rest[0].startswith("PROJECTOR is empty: ")
    assert reason in rest[0]
