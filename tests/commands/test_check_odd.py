"""`check` on directories that have no end, files that never answer, and files that vanish while it reads."""

import os
import shlex
import shutil

import pytest

from legacy_graph.logdir import event_reader
from tests.support import forty_logs
from tests.support.forty_logs import LOGS
from tests.support.published import results_size

SEVEN = "7 of the 7 dashboards of TensorBoard have data."


def test_links_to_a_directory_above_and_a_fifo_end(check, log, deadline):
    """With two such links, following each of them means 2 ** 40 directories; a fifo that nobody writes never ends."""
    for number in range(2):
        os.symlink("..", os.path.join(log, "train", f"up{number}"))
    os.mkfifo(os.path.join(log, "train", "events.out.tfevents.9"))
    status, _, rest = check(log)
    assert status == 0
    assert rest == [
        f"{log}/train/events.out.tfevents.9 is no regular file, and TensorBoard may wait for it without end: remove it",
        f"{log}/train/up0 is a link to a directory above it, which TensorBoard follows: remove it",
        f"{log}/train/up1 is a link to a directory above it, which TensorBoard follows: remove it",
        SEVEN,
    ]


def test_directories_that_link_to_each_other_end(check, log):
    """Every order of twelve directories is a path of its own."""
    for one in range(12):
        os.mkdir(os.path.join(log, f"d{one}"))
        for other in range(12):
            if other != one:
                os.symlink(os.path.join("..", f"d{other}"), os.path.join(log, f"d{one}", f"to{other}"))
    status, rows, rest = check(log)
    assert (status, rest[-1]) == (0, SEVEN)


def test_a_linked_run_is_shown_under_both_names(check, log):
    """As TensorBoard does."""
    os.symlink("train", os.path.join(log, "latest"))
    rows = check(log)[1]
    assert rows["SCALARS", "latest"] == rows["SCALARS", "train"]


@pytest.mark.parametrize("name", ["checkpoint", "embedding.ckpt.index", "metadata.tsv"])
def test_a_fifo_among_the_files_of_the_projector_is_told(check, log, deadline, name):
    path = os.path.join(log, "projector", name)
    os.remove(path)
    os.mkfifo(path)
    status, _, rest = check(log)
    assert status == 1
    assert rest[0].startswith(f"PROJECTOR is empty: in projector, {name} is no regular file")


def test_files_that_vanish_are_left_out(check, log, monkeypatch):
    """Between the listing and the reading, as beside a `features` that publishes: one file, and one whole directory."""
    for name in ("features/conv1", "features/conv2"):
        shutil.copytree(os.path.join(log, "train"), os.path.join(log, name))
    real = event_reader._find_event_files

    def find(logdir):
        found = real(logdir)
        shutil.rmtree(os.path.join(log, "features/conv1"))
        (name,) = os.listdir(os.path.join(log, "features/conv2"))
        os.rename(os.path.join(log, "features/conv2", name), os.path.join(log, "features/conv2", name + "9"))
        return found

    monkeypatch.setattr(event_reader, "_find_event_files", find)
    status, rows, rest = check(log)
    assert (status, rest) == (0, [SEVEN])
    assert {run for _, run in rows} == {"train", "test", "projector", "."}


def test_a_projector_configuration_that_cannot_be_read(check, log):
    """Reading the first byte of one's own memory is an I/O error, for root too."""
    path = os.path.join(log, "projector", "projector_config.pbtxt")
    os.remove(path)
    os.symlink("/proc/self/mem", path)
    status, rows, rest = check(log)
    assert status == 1
    assert "in projector, projector_config.pbtxt cannot be read (Input/output error)" in rest[0]


def test_steps_that_tensorboard_does_not_show_are_reported(check, tmp_path):
    """It keeps ten steps of an image, and replaces the points of a run that goes back: 50 to 100 are six points."""
    forty_logs.write(tmp_path / "log" / "images", *map(forty_logs.image, range(11)))
    LOGS["ten images"](tmp_path / "log" / "ten")
    LOGS["steps that go back"](tmp_path / "log" / "back")
    _, rows, rest = check(str(tmp_path / "log"))
    assert rows["SCALARS", "back"][:4] == ["1", "8", "0", "70"]
    assert [line.split()[0] for line in rest if "at random" in line] == ["images"]
    assert any(
        "10 of 11 in IMAGES, chosen at random, and always the last step; --samples_per_plugin images=11 keeps all"
        in line
        for line in rest
    )
    assert [line for line in rest if "goes back" in line and line.startswith("back ") and " 6 points " in line]


def test_a_packed_event_file_is_no_event_file(check, tmp_path):
    LOGS["a packed copy"](tmp_path / "both")
    _, _, rest = check(str(tmp_path / "both"))
    assert not [line for line in rest if ".gz" in line or "damaged" in line]
    os.remove(str(tmp_path / "both" / "events.out.tfevents.1.host"))
    _, _, rest = check(str(tmp_path / "both"))
    assert [line for line in rest if ".gz is compressed" in line]


def test_labels_that_do_not_match_the_vectors_are_reported(check, tmp_path):
    config = forty_logs.TSV.replace("}", '  metadata_path: "labels.tsv"\n}')
    for rows, reported in [(4, 0), (6, 1)]:
        forty_logs.vectors(tmp_path / str(rows), config)
        (tmp_path / str(rows) / "labels.tsv").write_text("label\n" * rows)
        _, table, rest = check(str(tmp_path / str(rows)))
        assert ("PROJECTOR", ".") in table
        assert len([line for line in rest if f"labels {rows} vectors, and words has 4" in line]) == reported


@pytest.mark.parametrize(
    "old, new, reason",
    [
        ('"sprite.png"', '"../sprite.png"', "../sprite.png lies outside its directory"),
        ('"fc1"', '"fc3"', "its checkpoint holds no table called 'fc3'"),
        ("embeddings", "embedings", "projector_config.pbtxt cannot be read"),
    ],
)
def test_a_configuration_that_points_elsewhere(check, log, old, new, reason):
    path = os.path.join(log, "projector", "projector_config.pbtxt")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))
    assert reason in check(log)[2][0]


def test_results_for_the_deconvnet_tab(check, trained, features_run, tmp_path):
    """They are no event files, and no dashboard of TensorBoard."""
    status, rows, rest = check(features_run)
    assert (status, rest[-1]) == (0, "7 of the 7 dashboards of TensorBoard have data.")
    assert rows["DECONVNET", "."] == ["3", "-", "-", "-", f"{results_size(features_run) / 1e6:.2f} MB"]
    log = str(tmp_path / "earlier version")  # `train` of earlier versions recorded no results
    shutil.copytree(trained.logdir, log, ignore=lambda *_: ["features"])
    status, rows, rest = check(log)
    assert status == 0 and rest[0].endswith(f"features --layer all --logdir {shlex.quote(log)}")
