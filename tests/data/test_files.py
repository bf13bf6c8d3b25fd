"""The data set that the user meant: found in every spelling, or refused with a list of what is there."""

import gzip
import hashlib
import os
import shutil

import pytest

from legacy_graph.data import download, files, mnist
from tests.support.idx_files import NAMES, NOWHERE, images_idx, labels_idx, refusal, small_set
from tests.support.mirror_server import FILES as MIRRORED
from tests.support.mirror_server import Server

LABELS = [n % 10 for n in range(12)]


def spelled(folder, spell, packed):
    """A small set under other names, gzipped or not."""
    folder.mkdir(parents=True)
    for name in NAMES:
        count = 12 if name.startswith("train") else 3
        raw = images_idx(count) if "images" in name else labels_idx(LABELS[:count])
        (folder / spell(name if packed else name[:-3])).write_bytes(gzip.compress(raw) if packed else raw)


SPELLINGS = {
    "dashes": lambda name: name,
    "dot": lambda name: name.replace("-idx", ".idx"),
    "upper case": lambda name: name.upper(),
    "upper case and dot": lambda name: name.replace("-idx", ".idx").upper(),
}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("spelling", sorted(SPELLINGS))
@pytest.mark.parametrize("below", ["", "raw", "MNIST/raw", "FashionMNIST/raw"])
def test_every_spelling_is_found(tmp_path, below, spelling, packed):
    """And nothing is downloaded: the server would have given another set."""
    spelled(tmp_path / "data" / below, SPELLINGS[spelling], packed)
    before = sorted(os.walk(str(tmp_path)))
    with Server() as server:
        data = mnist.load(str(tmp_path / "data"), server.url)
    assert server.asked == []
    assert not data.sample
    assert data.train.labels.tolist() == LABELS
    assert data.train.images[11, :3].tolist() == [11, 12, 13]
    assert data.folder == os.path.join(str(tmp_path / "data"), *below.split("/")).rstrip("/")
    assert data.source == f"the four files in {data.folder}"
    assert sorted(os.walk(str(tmp_path))) == before


def test_torchvision_leaves_packed_and_unpacked_files(tmp_path):
    """Either of two spellings will do; a directory of the same name, as Kaggle's archive has it, is passed over."""
    spelled(tmp_path / "data", SPELLINGS["dot"], packed=False)
    small_set(tmp_path / "data")
    (tmp_path / "data" / NAMES[0][:-3]).mkdir()
    found = files.find_files(str(tmp_path / "data")).files
    assert found == {name: str(tmp_path / "data" / name) for name in NAMES}
    for name in NAMES:
        (tmp_path / "data" / name).unlink()
    assert mnist.load(str(tmp_path / "data"), NOWHERE).train.labels.tolist() == LABELS


OTHERS = {
    "notes": (["notes.txt"], "found only notes.txt;"),
    "pictures": ([f"{n}.png" for n in range(7)], "found only 0.png, 1.png, 2.png, 3.png, 4.png and 2 more;"),
    "another format": (["train-images-idx3-float.gz"], "found only train-images-idx3-float.gz;"),
    "nearly": (["my-train-images-idx3-ubyte.gz"], "found only my-train-images-idx3-ubyte.gz;"),
}


@pytest.mark.parametrize("case", sorted(OTHERS))
def test_other_files_are_listed_and_nothing_is_downloaded(tmp_path, case):
    names, expected = OTHERS[case]
    for name in names:
        (tmp_path / name).write_text("mine")
    with Server() as server:
        message = refusal(mnist.load, str(tmp_path), server.url)
    assert message.startswith(f"{tmp_path}: expected the four IDX files of a data set")
    assert expected in message
    assert server.asked == []
    assert sorted(os.listdir(str(tmp_path))) == names


def test_two_sets_below_one_folder_are_refused(tmp_path):
    for name in ("MNIST", "FashionMNIST"):
        spelled(tmp_path / name / "raw", SPELLINGS["dashes"], packed=False)
    message = refusal(mnist.load, str(tmp_path), NOWHERE)
    assert f"found two in {tmp_path}/MNIST/raw and {tmp_path}/FashionMNIST/raw; name one of them" in message
    assert mnist.load(str(tmp_path / "FashionMNIST"), NOWHERE).train.labels.tolist() == LABELS


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("gone", range(4))
def test_another_data_set_is_never_completed_with_mnist(tmp_path, gone, packed):
    spelled(tmp_path / "data", SPELLINGS["dot"], packed)
    (tmp_path / "data" / SPELLINGS["dot"](NAMES[gone] if packed else NAMES[gone][:-3])).unlink()
    with Server() as server:
        message = refusal(mnist.load, str(tmp_path / "data"), server.url)
    assert server.asked == []
    assert f"found no {NAMES[gone]};" in message
    assert "is not a file of MNIST" in message
    assert len(os.listdir(str(tmp_path / "data"))) == 3


def test_hidden_files_do_not_count(tmp_path):
    """What a killed download left, or a file browser: MNIST is downloaded as into an empty folder."""
    (tmp_path / ".download-abc").mkdir()
    (tmp_path / ".DS_Store").write_text("")
    data = mnist.load(str(tmp_path), NOWHERE)
    assert data.sample
    assert data.folder == mnist.SAMPLE_DIR


@pytest.mark.parametrize("damaged", NAMES)
def test_only_mnists_own_damaged_file_is_to_be_removed(tmp_path, monkeypatch, damaged):
    """Removing one of another set would not bring it back: its message does not say so."""
    for name in NAMES:
        shutil.copy(os.path.join(mnist.SAMPLE_DIR, name), str(tmp_path))
    (tmp_path / damaged).write_bytes(b"\x1f\x8brubbish")
    message = refusal(mnist.load, str(tmp_path), NOWHERE)
    assert message.startswith(str(tmp_path / damaged))
    assert message.endswith("; copy the file here again")
    for name in NAMES:  # the sample stands in for the mirror's files
        with open(os.path.join(mnist.SAMPLE_DIR, name), "rb") as file:
            content = file.read()
        stand_in = download.MirrorFile(len(content), hashlib.sha256(content).hexdigest())
        monkeypatch.setitem(download.FILES, name, stand_in)
    assert refusal(mnist.load, str(tmp_path), NOWHERE).endswith("; remove it to have it downloaded again")
    assert sorted(os.listdir(str(tmp_path))) == sorted(MIRRORED)


def test_the_digest_of_a_file_longer_than_a_chunk(tmp_path):
    content = bytes(range(256)) * 10000
    (tmp_path / "file").write_bytes(content)
    for algorithm in ("sha256", "md5"):
        assert files.digest(str(tmp_path / "file"), algorithm) == hashlib.new(algorithm, content).hexdigest()
