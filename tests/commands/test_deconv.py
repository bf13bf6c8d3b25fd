"""The deconv command: what it publishes, what it prints, and what it refuses."""

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from legacy_graph import __main__
from legacy_graph.commands.graph_folder import article_folder
from legacy_graph.commands.parser import make_parser
from legacy_graph.config import ALL_METHODS, METHODS
from legacy_graph.data import class_names, mnist
from legacy_graph.logdir import layout
from legacy_graph.training.checkpoints import restored_session
from legacy_graph.visualize import image_report, reading
from tests.support.program import SAMPLE, STEPS, legacy_graph
from tests.support.published import assert_refused, images_of, tree


@pytest.fixture(scope="module")
def digit_files(tmp_path_factory):
    """Three test digits: light on dark, dark on light and large, and in colour as a JPEG; two share a name."""
    folder = tmp_path_factory.mktemp("digits")
    images = mnist.load(SAMPLE).test.images.reshape(-1, 28, 28)
    (folder / "more").mkdir()
    paths = [str(folder / "one.png"), str(folder / "more" / "one.png"), str(folder / "\u4e8c.jpg")]
    Image.fromarray(images[0]).save(paths[0])
    Image.fromarray(255 - images[1].repeat(9, 0).repeat(9, 1)).save(paths[1])
    Image.fromarray(images[2].repeat(9, 0).repeat(9, 1)).convert("RGB").save(paths[2])
    return paths


@pytest.fixture(scope="module")
def read(logdir, digit_files, tmp_path_factory):
    """The command on the three digits, and on one whose name is not UTF-8; in a process of its own, as that name is."""
    path = os.path.join(os.fsencode(str(tmp_path_factory.mktemp("names"))), b"caf\xe9.png")
    shutil.copy(digit_files[0], path)
    run = legacy_graph("deconv", *digit_files, os.fsdecode(path), "--logdir", logdir)
    assert run.returncode == 0, run.stderr
    return run


def test_deconv_tells_of_each_picture_what_was_read(read, logdir, digit_files):
    lines = read.stdout.splitlines()
    for path, line in zip(digit_files, lines):
        assert line.startswith(f"{path}: read as ")
        assert os.path.exists(line.split(" See ")[1])
    assert read.stderr == ""
    assert sorted(os.listdir(os.path.join(logdir, "deconv"))) == ["caf\\xe9", "one", "one_2", "\u4e8c"]


def test_deconv_shows_the_digit_its_maps_and_what_comes_back(read, logdir):
    found = images_of(os.path.join(logdir, "deconv", "one"))
    parts = ["maps"] + list(ALL_METHODS.values())
    tags = [f"conv{n}/{part}" for n in (1, 2) for part in parts]
    assert sorted(found) == sorted(["input", "picture", "class/occlusion"] + tags)
    assert {step for step, _ in found.values()} == {STEPS}
    picture = np.asarray(Image.open(os.path.join(logdir, "deconv", "one", "picture.png")))
    np.testing.assert_array_equal(found["picture"][1], picture)
    digit = mnist.load(SAMPLE).test.images[0].reshape(28, 28)
    np.testing.assert_allclose(found["input"][1][6:-2:8, 6:-2:8], digit, atol=26)
    assert np.array_equal(found["conv1/gradient"][1], found["conv1/deconvnet"][1])
    assert not np.array_equal(found["conv2/gradient"][1], found["conv2/deconvnet"][1])
    assert not np.array_equal(found["conv2/guided backpropagation"][1], found["conv2/deconvnet"][1])


def test_tied_maxima_share_the_signal_by_default(read, logdir, digit_files, tmp_path):
    """Over the ground of a digit most windows tie: there the pictures differ, and only where one projects."""
    other = str(tmp_path / "log")
    shutil.copytree(logdir, other)
    assert __main__.main(["deconv", digit_files[0], "--logdir", other, "--ties", "first"]) == 0
    shared, first = [images_of(os.path.join(other, "deconv", name)) for name in ("one", "one-ties=first")]
    differing = {tag for tag in shared if not np.array_equal(shared[tag][1], first[tag][1])}
    assert differing == {"picture"} | {f"conv{n}/{method}" for n in (1, 2) for method in METHODS.values()}


def test_the_answer_in_words():
    probabilities = np.array([0, 0.02, 0, 0.9, 0, 0.005, 0, 0, 0.075, 0])
    assert image_report.format_answer(probabilities) == "read as 3 (90.0 %), else 8 (7.5 %) or 1 (2.0 %)"
    named = image_report.format_answer(
        probabilities, "Top Trouser Pullover Dress Coat Sandal Shirt Shoe Bag Boot".split()
    )
    assert named == "read as Dress (90.0 %), else Bag (7.5 %) or Trouser (2.0 %)"


def test_one_broken_picture_leaves_all_results_unchanged(read, logdir, digit_files, capsys, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    before = tree(logdir)
    assert_refused(
        capsys, ["deconv", digit_files[0], str(broken), "--logdir", logdir], "broken.png", "expected a picture"
    )
    assert tree(logdir) == before


@pytest.mark.parametrize("word", ["features", "deconv"])
def test_a_directory_that_cannot_be_written_is_told(word, trained, tmp_path, capsys, digit_files):
    """A file stands where the results should go."""
    logdir = str(tmp_path / "log")
    shutil.copytree(trained.logdir, logdir, ignore=lambda *_: ["features"])
    (tmp_path / "log" / word).write_text("mine")
    before = tree(logdir)
    more = ["--data-dir", SAMPLE, "--maps", "0"] if word == "features" else [digit_files[0]]
    assert_refused(capsys, [word, "--logdir", logdir] + more, "--logdir: expected a writable directory")
    assert tree(logdir) == before


def answer(line):
    """The class that was read, in words, and how the picture was prepared."""
    return line.split(" read as ")[1].split(" (")[0], line.split("; ")[1].split(". See ")[0]


def test_deconv_says_how_each_picture_was_prepared(read):
    prepared = [answer(line)[1] for line in read.stdout.splitlines()[:3]]
    assert prepared == ["unchanged"] + ["scaled and centred as the digits of MNIST"] * 2


def test_another_picture_of_the_same_name_replaces_nothing(logdir, digit_files, tmp_path, capsys):
    """In a later call. The same picture in the same place is refreshed."""

    def published(path):
        assert __main__.main(["deconv", str(path), "--logdir", logdir]) == 0
        return capsys.readouterr().out.splitlines()[0].split(" See ")[1]

    for folder, picture in (("mine", digit_files[0]), ("yours", digit_files[1])):
        (tmp_path / folder).mkdir()
        shutil.copy(picture, str(tmp_path / folder / "seven.png"))
    mine = published(tmp_path / "mine" / "seven.png")
    before = tree(os.path.dirname(mine))
    yours = published(tmp_path / "yours" / "seven.png")
    assert (mine, yours) == tuple(os.path.join(logdir, "deconv", name, "picture.png") for name in ("seven", "seven_2"))
    assert tree(os.path.dirname(mine)) == before
    assert published(tmp_path / "mine" / "seven.png") == mine
    assert tree(os.path.dirname(mine)) != before  # a new event file
    with open(os.path.join(os.path.dirname(yours), "source.txt"), encoding="utf-8") as file:
        assert file.read() == f"{tmp_path}/yours/seven.png\n"


@pytest.mark.parametrize("more", [
    ["--step", "0"], ["--step", "20"], ["--layer", "fc2"], ["--maps", "1,2"], ["--maps", "2,1"], ["--ties", "first"],
    ["--fit", "none"], ["--method", "occlusion", "--patch", "4"], ["--method", "occlusion", "--cover", "0"],
    ["--class-names", "names.txt"],
])  # fmt: skip
def test_results_of_other_options_have_other_folders(more):
    """And the source of the results names the options."""
    plain, other = [
        article_folder(make_parser().parse_args(["deconv", "a.png", *words]), layout.DECONV, [], "a.png")
        for words in ([], more)
    ]
    assert other[0].startswith(plain[0] + "-") and os.path.dirname(other[0]) == os.path.dirname(plain[0])
    assert other[1].startswith(plain[1]) and more[0] in other[1]


def test_a_name_that_is_not_utf_8_works(read, logdir):
    """The name comes from the command line, and goes to a stream that knows UTF-8 only."""
    assert "/caf\\xe9.png: read as " in read.stdout
    assert os.path.exists(os.path.join(logdir, "deconv", "caf\\xe9", "picture.png"))


# ---- a run over other data than MNIST's


@pytest.fixture(scope="module")
def fashion(fashion_run, tmp_path_factory):
    """A copy of the run to write into, and its twenty test pictures as files."""
    folder = tmp_path_factory.mktemp("fashion")
    shutil.copytree(fashion_run.logdir, str(folder / "log"))
    data = mnist.load(fashion_run.data_dir)
    paths = [str(folder / f"{number}.png") for number in range(20)]
    for path, image in zip(paths, data.test.images.reshape(-1, 28, 28)):
        Image.fromarray(image).save(path)
    yield str(folder / "log"), paths, data.test
    shutil.rmtree(str(folder / "log"))


def test_pictures_of_other_data_go_in_as_they_are(fashion, digit_files, capsys):
    """The answers are the network's own on the arrays. Fails where each picture is fitted as a digit."""
    logdir, paths, digits = fashion
    reader = reading.article_reader([])
    with restored_session(reader.graph, logdir) as (session, _):
        pixels = mnist.scale_pixels(digits.images).reshape(-1, 28, 28, 1)
        expected = session.run(reader.answers, {reader.images: pixels}).argmax(axis=1)
    assert (expected == digits.labels).mean() > 0.5
    assert __main__.main(["deconv", *paths[:6], "--logdir", logdir]) == 0
    found = [answer(line) for line in capsys.readouterr().out.splitlines()[:6]]
    assert found == [(f"class {number}", "unchanged") for number in expected[:6]]
    assert __main__.main(["deconv", digit_files[0], "--logdir", logdir, "--fit", "digit"]) == 0
    assert answer(capsys.readouterr().out.splitlines()[0])[1] == "scaled and centred as the digits of MNIST"


def test_classes_are_named_by_a_file_or_by_a_known_set(fashion, tmp_path, capsys):
    logdir, paths, _ = fashion
    names = ["Kleid", "\u978b", "Hemd", "a b", "5", "6", "7", "8", "9", "10"]
    (tmp_path / "names.txt").write_text("\n".join(names) + "\n\n", encoding="utf-8")
    words = ["deconv", paths[0], "--logdir", logdir]
    assert __main__.main(words + ["--class-names", str(tmp_path / "names.txt")]) == 0
    assert answer(capsys.readouterr().out.splitlines()[0])[0] in names
    path = os.path.join(logdir, "checkpoints", "options.json")
    with open(path) as file:
        content = json.load(file)
    with open(path, "w") as file:
        json.dump(dict(content, data_name="Fashion-MNIST"), file)
    assert __main__.main(words) == 0
    assert answer(capsys.readouterr().out.splitlines()[0])[0] in class_names.FASHION


BAD_NAMES = {"nine": b"a\n" * 9, "eleven": b"a\n" * 11, "empty": b"", "not text": b"\xff\xfe\n" * 10, "missing": None}


@pytest.mark.parametrize("case", sorted(BAD_NAMES))
def test_bad_class_names_are_refused(fashion, tmp_path, capsys, case):
    path = tmp_path / "names.txt"
    if BAD_NAMES[case] is not None:
        path.write_bytes(BAD_NAMES[case])
    words = ["deconv", fashion[1][0], "--logdir", fashion[0], "--class-names", str(path)]
    assert_refused(capsys, words, str(path), "expected ")
