"""The routes of the DECONVNET dashboard, without a browser: their answers and errors."""

import io
import os
import shutil
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from legacy_graph.board.plugin import FILES, MAX_BYTES
from tests.board.site import Site
from tests.support.own_pictures import ONE, encoded
from tests.support.published import read_npz

MAP = {"run": ".", "layer": "conv2", "method": "deconvnet", "map": "5"}
LAYERS = ["conv1-training", "conv2", "conv2-training"]  # two are of the run itself


@pytest.fixture(scope="module")
def site(features_run):
    return Site(features_run)


def test_runs_lists_results_and_commands_for_missing_ones(site, features_run):
    status, found = site.ask("runs")
    (run,) = found["runs"]
    assert (status, found["logdir"]) == (200, features_run)
    assert (run["name"], run["title"], run["newest"], list(run["layers"])) == (".", "log", 30, LAYERS)
    assert run["commands"]["conv1"].endswith(f" features --layer conv1 --logdir {features_run}")
    assert run["recorded"]["conv1-training"] == run["commands"]["conv1"] + " --steps all"
    assert site.plugin.is_active()


@pytest.mark.parametrize("make", [lambda path: str(path), lambda path: str(path / "none"), lambda path: ""])
def test_an_empty_log_gives_the_command_to_train(make, tmp_path):
    site = Site(make(tmp_path))
    _, found = site.ask("runs")
    assert found["runs"] == [] and " train --logdir " in found["train"]
    assert not site.plugin.is_active()


def test_runs_below_the_log_have_relative_names(features_run, tmp_path):
    for name in ("a", os.path.join("earlier", "b"), ".hidden", "test"):
        shutil.copytree(os.path.join(features_run, "features"), str(tmp_path / name / "features"))
    shutil.copytree(os.path.join(features_run, "features", "conv2"), str(tmp_path / "graphs" / "model-first"))
    found = Site(str(tmp_path)).ask("runs")[1]["runs"]
    assert [(run["name"], list(run["layers"]), run["newest"]) for run in found] == [
        ("a", LAYERS, None), ("earlier/b", LAYERS, None), ("graphs", ["model-first"], None), ("test", LAYERS, None),
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(FILES))
def test_files_are_served_and_link_to_no_other_host(site, name):
    status, text = site.ask(name)
    assert status == 200 and len(text) > 500
    assert name == "README.md" or "http" not in text.lower()


UNKNOWN = [("run", ".."), ("run", "/etc"), ("layer", "conv7"), ("layer", "../conv2"), ("method", "magic"),
           ("map", "64"), ("map", "-1"), ("map", "x"), ("map", "1" * 5000)]  # fmt: skip


@pytest.mark.parametrize("name, value", UNKNOWN, ids=[f"{name}={value[:9]}" for name, value in UNKNOWN])
@pytest.mark.parametrize("route, options", [("map", {}), ("own", {"data": ONE})], ids=["map", "own"])
def test_unknown_names_are_not_found(site, route, options, name, value):
    status, found = site.ask(route, dict(MAP, **{name: value}), **options)
    assert status == 404
    assert found["error"].startswith(f"{name}: expected ") and "\n" not in found["error"]


def png_header(width, height):
    """A PNG file that announces a size and has no pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


NOISE = encoded(Image.fromarray(np.random.RandomState(0).randint(0, 256, [64, 64]).astype(np.uint8)))
POSTS = [
    ("empty", b"", 400, "an empty body"),
    ("text", b"not a picture", 400, "another or a damaged format"),
    ("truncated", NOISE[: len(NOISE) // 2], 400, "expected a picture in PNG"),
    ("blank", encoded(Image.new("L", (28, 28))), 400, "a picture of one colour"),
    ("many pixels", png_header(10000, 10000), 400, "10,000 x 10,000"),
    ("bomb", png_header(100000, 100000), 400, "more than 178 million"),
    ("other format", encoded(Image.new("RGB", (9, 9)), "TIFF"), 400, "another or a damaged format"),
]


@pytest.mark.parametrize("content, status, expected", [post[1:] for post in POSTS], ids=[post[0] for post in POSTS])
def test_bad_posts_get_one_line_and_the_server_continues(site, content, status, expected):
    found = site.ask("own", MAP, data=content)
    assert found[0] == status and expected in found[1]["error"] and "\n" not in found[1]["error"]
    assert site.ask("own", MAP, data=ONE)[0] == 200


def test_a_large_post_is_refused_before_it_is_read(site):
    class Unread(io.RawIOBase):
        def readinto(self, buffer):
            raise AssertionError("the body was read")

    environment = {"CONTENT_LENGTH": str(MAX_BYTES + 1), "wsgi.input": Unread()}
    status, found = site.ask("own", MAP, data=b"", environ_overrides=environment)
    assert status == 413 and f"at most {MAX_BYTES:,} bytes" in found["error"]


def test_a_post_without_the_header_of_the_page_is_refused(site):
    """A page of another origin sends such a post: browsers do not let it send the header."""
    for headers in ({}, {"Origin": "http://localhost:8000"}, {"Sec-Fetch-Site": "cross-site"}):
        status, found = site.ask("own", MAP, data=ONE, headers=headers)
        assert status == 403 and "X-Deconvnet" in found["error"]


def test_results_of_earlier_steps_are_listed_and_served(features_run, tmp_path):
    folder = tmp_path / "features" / "conv2"
    shutil.copytree(os.path.join(features_run, "features", "conv2"), str(folder))
    arrays = read_npz(folder / "features.npz")
    np.savez(str(folder / "features-7.npz"), **dict(arrays, step=7, activations=arrays["activations"] + 1))
    (folder / "features-x.npz").write_bytes(b"another file")
    site = Site(str(tmp_path))
    assert site.ask("runs")[1]["runs"][0]["layers"]["conv2"]["earlier"] == [7]
    newest, earlier = [site.ask("maps", {"run": ".", "layer": "conv2", "step": step})[1] for step in ("", "7")]
    assert (newest["step"], earlier["step"]) == (30, 7)
    assert [one["activation"] for one in earlier["maps"]] == pytest.approx(
        [one["activation"] + 1 for one in newest["maps"]]
    )
    for step in ("8", "x", "../features"):
        assert site.ask("map", dict(MAP, step=step))[0] == 404


def test_the_parts_of_a_run_are_not_searched(features_run, tmp_path):
    for parent in ("", "checkpoints", "train"):
        shutil.copytree(os.path.join(features_run, "features"), str(tmp_path / parent / "features"))
    shutil.copytree(os.path.join(features_run, "features"), str(tmp_path / "earlier" / "a" / "features"))
    (tmp_path / "checkpoints" / "model.ckpt-5.index").write_bytes(b"")
    own = [".", os.path.join("earlier", "a")]
    others = [".", "checkpoints", os.path.join("earlier", "a"), "train"]
    for expected in (others, own):  # without the mark of a run, then with it
        runs = Site(str(tmp_path)).ask("runs")[1]["runs"]
        assert [run["name"] for run in runs] == expected
        (tmp_path / "checkpoints" / "options.json").write_bytes(b"{}")


def test_a_picture_must_be_posted(site):
    status, found = site.ask("own", MAP)
    assert status == 405 and "POST" in found["error"]


def test_a_run_without_checkpoint_cannot_read_pictures(features_run, tmp_path):
    shutil.copytree(os.path.join(features_run, "features"), str(tmp_path / "features"))
    status, found = Site(str(tmp_path)).ask("own", MAP, data=ONE)
    assert status == 400 and "a checkpoint of a training run" in found["error"]


def test_damaged_results_get_one_line(features_run, tmp_path):
    folder = tmp_path / "features" / "conv2"
    shutil.copytree(os.path.join(features_run, "features", "conv2"), str(folder))
    content = (folder / "features.npz").read_bytes()
    flags = content.index(b"PK\1\2") + 8  # of the first file in the archive; bit 0 says that it is encrypted
    encrypted = content[:flags] + b"\1" + content[flags + 1 :]
    for damaged in (b"", b"text", content[: len(content) // 2], encrypted):
        (folder / "features.npz").write_bytes(damaged)
        status, found = Site(str(tmp_path)).ask("map", MAP)
        assert status == 400 and "run the command features again" in found["error"]
