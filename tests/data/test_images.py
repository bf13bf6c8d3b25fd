"""Images for a graph: what is read, how it is preprocessed, and what is refused."""

import gzip
import os
import struct
import threading
import zlib

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from legacy_graph.data.images import Images, Preprocessing, from_array, from_checked_array, open_images
from legacy_graph.errors import UserError

UNIT = Preprocessing(0, 1)
RANDOM = np.random.RandomState(0)
PIXELS = RANDOM.randint(0, 256, (6, 5, 3)).astype(np.uint8)


def save(folder, name, array, **options):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(str(path), **options)
    return str(path)


@pytest.mark.parametrize("low, high, mean, bgr, expected", [
    (0, 1, (), False, [0, 1, 51 / 255]),
    (-1, 1, (), False, [-1, 1, -0.6]),
    (0, 255, (123.68, 116.78, 103.94), True, [51 - 103.94, 255 - 116.78, -123.68]),
    (0, 255, (10,), False, [-10, 245, 41]),
    (1, 0, (), False, [1, 0, 0.8]),
])  # fmt: skip
def test_preprocessing_by_hand(low, high, mean, bgr, expected):
    found = Preprocessing(low, high, mean, bgr).apply(np.array([[0, 255, 51]], np.uint8))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [expected], rtol=1e-6, atol=1e-4)


def test_a_folder_of_any_format_and_depth(tmp_path):
    """Sorted by path, in all folders; grey becomes RGB, transparent white, 16 bits are scaled, other files stay out."""
    grey = PIXELS[..., 0]
    save(tmp_path, "a.png", PIXELS)
    save(tmp_path, "b.bmp", grey)
    save(tmp_path, "c.PNG", np.dstack([PIXELS, np.zeros([6, 5], np.uint8)]))
    save(tmp_path, "d/16.png", grey.astype(np.uint16) * 257)
    save(tmp_path, "d/bit.png", grey > 127)
    (tmp_path / "notes.txt").write_text("no picture")
    images = open_images(str(tmp_path), (6, 5, 3), UNIT)
    assert (len(images), images.size) == (5, (6, 5))
    rgb = np.stack([grey] * 3, 2)
    expected = [PIXELS, rgb, np.full_like(PIXELS, 255), rgb, (rgb > 127) * np.uint8(255)]
    np.testing.assert_array_equal(images.shown(range(5)), expected)
    np.testing.assert_array_equal(images.take([3, 0]), UNIT.apply(np.stack([rgb, PIXELS])))


def test_a_picture_is_scaled_to_cover_and_cut_at_its_centre(tmp_path):
    """Twice as wide as needed: the outer quarters are cut. The colours are constant, so that scaling keeps them."""
    wide = np.zeros([40, 80, 3], np.uint8)
    wide[:, :20], wide[:, 20:60], wide[:, 60:] = [255, 0, 0], [0, 255, 0], [0, 0, 255]
    path = save(tmp_path, "wide.png", wide)
    (found,) = open_images(path, (10, 10, 3), UNIT).shown([0])
    np.testing.assert_array_equal(found[:, 1:-1], np.broadcast_to([0, 255, 0], (10, 8, 3)))


def test_a_large_photo_is_read_upright(tmp_path):
    """The camera's orientation is applied; a JPEG that is decoded at a fraction of its size stays the same picture."""
    photo = np.zeros([800, 1600, 3], np.uint8)
    photo[:, :800] = 200  # on its side: the upper half once it is upright
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path, "photo.jpg", photo, quality=95, exif=exif.tobytes())
    (found,) = open_images(path, (32, 16, 3), UNIT).shown([0])
    assert found[:15].min() > 195 and found[17:].max() < 5


def test_batches_are_in_order_and_read_by_several_threads():
    """A thread pool that stops reading ahead would wait for ever at the barrier."""
    barrier, used = threading.Barrier(2, timeout=20), set()

    def read(numbers):
        if numbers[0] < 2:
            barrier.wait()
        used.add(threading.current_thread().name)
        return np.array(numbers, np.uint8).reshape(-1, 1, 1, 1) + np.zeros([2, 2, 1], np.uint8)

    images = Images(11, (2, 2), read, Preprocessing(0, 255), "numbers")
    batches = list(images.batches(4))
    assert [len(batch) for batch in batches] == [4, 4, 3]
    np.testing.assert_array_equal(np.concatenate(batches)[:, 0, 0, 0], range(11))
    assert len(used) > 1


def test_only_two_batches_are_read_ahead():
    read = []
    images = Images(
        100, (1, 1), lambda numbers: read.extend(numbers) or np.zeros([len(numbers), 1, 1, 1], np.uint8), UNIT, "zeros"
    )
    batches = images.batches(5)
    next(batches)
    batches.close()
    assert len(read) <= 15


@pytest.mark.parametrize("channels", [1, 3, 2])
def test_what_a_graph_gives_is_ordered_as_the_pictures_are(channels):
    """Values that equal what was fed must come out as they are shown: RGB for BGR, the sum of other channels."""
    array = RANDOM.randint(0, 256, (2, 4, 3, channels)).astype(np.uint8)
    images = from_array(array, Preprocessing(0, 255, bgr=channels == 3), "pixels")
    expected = array if channels == 3 else array.sum(axis=3)
    np.testing.assert_array_equal(images.to_shown(images.take([0, 1])), expected)
    shown = images.shown([0, 1])
    assert shown.shape == expected.shape
    np.testing.assert_allclose(shown, expected / (1 if channels == 3 else channels), atol=0.5)


def test_floating_point_arrays_are_fed_as_they_are(tmp_path):
    """Also where the graph leaves the size open: then the array has it."""
    array = RANDOM.normal(size=(3, 7, 9))
    np.save(str(tmp_path / "a.npy"), array)
    np.savez(str(tmp_path / "b.npz"), spectrograms=array)
    for name in ("a.npy", "b.npz"):
        images = open_images(str(tmp_path / name), (None, 9, 1), None)
        assert images.size == (7, 9)
        np.testing.assert_array_equal(np.concatenate(list(images.batches(2))), array[..., None].astype("f"))
        shown = images.shown([0, 1, 2])
        assert (shown.min(), shown.max(), shown.shape) == (0, 255, (3, 7, 9))


SIGNALS = [((20,), 1, 1), ((20, 1), 1, 1), ((1, 20), 1, 1), ((4, 20), 1, 4), ((4, 20, 1), 1, 4), ((1, 20, 1), 1, 1),
           ((4, 1, 20), 1, 4), ((4, 1, 20, 1), 1, 4), ((20, 20), 1, 20), ((20, 3), 3, 1), ((4, 20, 3), 3, 4),
           ((1, 20, 3), 3, 1), ((4, 1, 20, 3), 3, 4)]  # fmt: skip


@pytest.mark.parametrize("length", [20, None])
@pytest.mark.parametrize("sides, channels, count", SIGNALS, ids=str)
def test_signals_without_the_axes_of_length_one(sides, channels, count, length):
    """In the memory, the values have the same order with and without these axes."""
    array = np.arange(np.prod(sides), dtype=np.float32).reshape(sides)
    images = from_checked_array(array, "signals", (1, length, channels), None)
    np.testing.assert_array_equal(images.take(range(len(images))), array.reshape(count, 1, 20, channels))


@pytest.mark.parametrize("sides", [(), (19,), (20, 2), (4, 2, 20), (2, 4, 1, 20, 1)], ids=str)
def test_signals_of_another_shape_are_refused(sides):
    with pytest.raises(UserError, match="expected an array of the shape N x 1 x 20 x 1"):
        from_checked_array(np.zeros(sides), "signals", (1, 20, 1), None)


def test_an_idx_file(tmp_path):
    digits = RANDOM.randint(0, 256, (3, 6, 5)).astype(np.uint8)
    path = tmp_path / "digits.gz"
    path.write_bytes(gzip.compress(struct.pack(">4I", 2051, 3, 6, 5) + digits.tobytes()))
    images = open_images(str(path), (6, 5, 1), Preprocessing(0, 255))
    np.testing.assert_array_equal(images.take([0, 1, 2])[..., 0], digits)
    np.testing.assert_array_equal(images.shown([1]), digits[1:2])


def refused(folder):
    """(path, shape, preprocessing, what the error says) of everything that is no set of images."""
    (folder / "empty").mkdir()
    (folder / "text.png").write_text("no picture")
    np.save(str(folder / "objects.npy"), np.array([{}], dtype=object), allow_pickle=True)
    np.savez(str(folder / "two.npz"), a=np.zeros(1), b=np.zeros(1))
    np.save(str(folder / "bytes.npy"), np.zeros([2, 6, 5, 3], np.uint8))
    np.save(str(folder / "floats.npy"), np.zeros([2, 6, 5, 3], "f"))
    np.save(str(folder / "whole.npy"), np.zeros([2, 6, 5, 3], int))
    (folder / "broken.npy").write_bytes((folder / "floats.npy").read_bytes()[:150])
    shape = (6, 5, 3)
    return {
        "empty folder": ("empty", shape, UNIT, "a folder with .png"),
        "no range": ("text.png", shape, None, "--range"),
        "open size": ("text.png", (None, 5, 3), UNIT, "--size"),
        "channels": ("text.png", (6, 5, 4), UNIT, "arrays of 4 channels"),
        "objects": ("objects.npy", shape, None, "without pickled objects"),
        "two arrays": ("two.npz", shape, None, "expected one array, found a, b"),
        "bytes without range": ("bytes.npy", shape, None, "--range"),
        "floats with range": ("floats.npy", shape, UNIT, "--range: expected none"),
        "whole numbers": ("whole.npy", shape, None, "uint8 or floating point"),
        "other shape": ("floats.npy", (6, 6, 3), None, "expected an array of the shape N x 6 x 6 x 3"),
        "truncated": ("broken.npy", shape, None, "broken.npy"),
        "no file": ("none.gz", (6, 5, 1), UNIT, "a path that exists"),
    }


@pytest.mark.parametrize("case", ["empty folder", "no range", "open size", "channels", "objects", "two arrays",
                                  "bytes without range", "floats with range", "whole numbers", "other shape",
                                  "truncated", "no file"])  # fmt: skip
def test_what_is_refused(case, tmp_path):
    name, shape, preprocessing, expected = refused(tmp_path)[case]
    with pytest.raises(UserError) as refusal:
        open_images(str(tmp_path / name), shape, preprocessing)
    assert expected in str(refusal.value)


def test_a_broken_picture_is_named_when_it_is_read(tmp_path):
    save(tmp_path, "a.png", PIXELS)
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "b.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="b.png: expected a picture"):
        list(open_images(str(tmp_path), (6, 5, 3), UNIT).batches(1))


def test_pipes_and_hidden_files_are_no_pictures(tmp_path):
    save(tmp_path, "a.png", PIXELS)
    (tmp_path / ".hidden.png").write_text("no picture")
    os.mkfifo(str(tmp_path / "zz.png"))
    images = open_images(str(tmp_path), (6, 5, 3), UNIT)
    np.testing.assert_array_equal(images.shown(range(len(images))), [PIXELS])
    with pytest.raises(UserError, match="zz.png: expected a regular file"):
        open_images(str(tmp_path / "zz.png"), (6, 5, 3), UNIT).take([0])


def test_an_eps_named_png_is_not_read(tmp_path, monkeypatch):
    """Pillow would start Ghostscript to read it."""
    Image.fromarray(PIXELS).save(str(tmp_path / "a.png"), format="EPS")
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("Ghostscript was started"))
    with pytest.raises(UserError, match="a.png: expected a picture in PNG, JPEG"):
        open_images(str(tmp_path), (6, 5, 3), UNIT).take([0])


def test_the_number_of_pixels_is_checked_before_decoding(tmp_path):
    """The file holds only the header of a PNG of 8000 x 8000 pixels, so decoding would fail with another message."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 8000, 8000, 16, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    data = struct.pack(">I", 9) + b"IDAT"
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + data)
    with pytest.raises(UserError, match="at most 50,000,000 pixels, found 8,000 x 8,000"):
        open_images(str(tmp_path), (6, 5, 3), UNIT).take([0])
