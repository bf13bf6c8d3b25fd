"""When two runs are the same run, and what is known of the data of a run."""

import hashlib
import json
import os
import zlib

import pytest

from legacy_graph.config import Config
from legacy_graph.data import mnist
from legacy_graph.logdir import identity
from tests.support.idx_files import NOWHERE, refusal, small_set
from tests.support.program import SAMPLE

OLD = "12 digits with the checksum {:08x}"


@pytest.fixture
def data(tmp_path):
    return mnist.load(small_set(tmp_path), NOWHERE)


def recorded(logdir, content):
    os.makedirs(os.path.join(str(logdir), "checkpoints"))
    with open(os.path.join(str(logdir), "checkpoints", "options.json"), "w") as file:
        file.write(content if isinstance(content, str) else json.dumps(content))
    return identity.run_data(str(logdir))


def test_the_text_holds_two_checksums(data):
    images = b"".join(bytes((n + p) % 251 for p in range(784)) for n in range(12))
    others = bytes(n % 10 for n in range(12)) + images[: 3 * 784] + bytes([0, 1, 2])
    text = f"{OLD.format(zlib.crc32(images))}, labels and test digits {zlib.crc32(others):08x}"
    assert identity.describe(data) == text


def changed(array):
    array = array.copy()
    array.flat[0] = (array.flat[0] + 1) % 10
    return array


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("field", ["images", "labels"])
def test_one_changed_byte_is_other_data(data, part, field):
    digits = getattr(data, part)
    other = data._replace(**{part: digits._replace(**{field: changed(getattr(digits, field))})})
    one, two = (identity.run_identity(Config(), each) for each in (data, other))
    assert identity.differences(one, two) == identity.differences(two, one) == ["data_dir"]
    old = dict(one, data_dir=one["data_dir"].split(", labels")[0])
    assert identity.differences(old, two) == (["data_dir"] if (part, field) == ("train", "images") else [])


def test_the_folder_of_the_data_does_not_count(data):
    one = identity.run_identity(Config(), data)
    assert identity.differences(one, identity.run_identity(Config(steps=7), data._replace(folder="/elsewhere"))) == []
    assert identity.differences(one, identity.run_identity(Config(seed=1), data)) == ["seed"]
    assert identity.differences({}, one) == [*identity.DECISIVE, "data_dir"]


def test_mnist_is_known_in_old_and_new_runs(tmp_path):
    """The checksum of the complete set is that of a run that an earlier version trained on it."""
    sample = mnist.load(SAMPLE)
    run = identity.run_identity(Config(), sample)
    assert recorded(tmp_path / "new", run) == (run["data_dir"], SAMPLE, "MNIST")
    for number, text in enumerate(identity.MNIST_IMAGES):
        assert recorded(tmp_path / str(number), {"data_dir": text}) == (text, None, "MNIST")
    assert identity.describe(sample).startswith(identity.MNIST_IMAGES[1] + ", ")


def test_fashion_mnist_is_known_by_its_published_file(tmp_path, monkeypatch):
    data = mnist.load(small_set(tmp_path), NOWHERE)
    assert identity.run_identity(Config(), data)["data_name"] is None
    content = (tmp_path / "train-images-idx3-ubyte.gz").read_bytes()
    monkeypatch.setattr(identity, "FASHION_FILE", (len(content), hashlib.md5(content).hexdigest()))
    run = identity.run_identity(Config(), data)
    assert run["data_name"] == "Fashion-MNIST"
    assert recorded(tmp_path / "log", run) == (identity.describe(data), str(tmp_path), "Fashion-MNIST")


def test_no_run_and_unknown_data(tmp_path):
    assert identity.run_data(str(tmp_path)) == ("", None, None)
    assert recorded(tmp_path / "a", {"data_dir": OLD.format(1)}) == (OLD.format(1), None, None)
    assert recorded(tmp_path / "b", {"data_dir": 7, "data_folder": [], "data_name": []}) == ("", None, None)


@pytest.mark.parametrize("content", ["", "{", "[1]", "7", "[" * 200000])
def test_a_damaged_file_is_refused_in_one_line(tmp_path, content):
    assert "options.json: expected the options of a run as JSON" in refusal(recorded, tmp_path, content)
