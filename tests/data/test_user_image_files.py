"""Picture files that are broken, huge or of another format: a picture or one line, in bounded memory and time."""

import io
import os
import random
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from legacy_graph.data import user_image
from legacy_graph.errors import UserError
from tests.support.idx_files import refusal
from tests.support.mutants import mutate
from tests.support.program import ROOT

# Fuzz and decode in a process of its own: its greatest memory is then that of the decoder, and a hang can be ended.
MEMORY = 1 << 20  # kB, of a process that decodes
CHILD = "import sys; from tests.data import test_user_image_files as own; own.fuzz(*sys.argv[1:])"
PEAK = "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
KINDS = {
    "PNG": {}, "PNG 16": {}, "PNG palette": {}, "JPEG": {"quality": 90}, "JPEG progressive": {"progressive": True},
    "BMP": {}, "GIF": {}, "WEBP": {"lossless": True}, "WEBP lossy": {"quality": 80},
}  # fmt: skip


def whole(kind):
    """The bytes of a good picture file, 24 x 20 or 60 x 50 pixels."""
    digit = np.zeros([60, 50], np.uint8)
    digit[10:50, 20:28], digit[30:38, 8:44] = 200, 90
    made = Image.fromarray(digit)
    if kind == "PNG 16":
        made = Image.fromarray(digit.astype(np.uint16) * 257)
    elif kind == "PNG palette":
        made = made.convert("P")
    elif kind.split()[0] in ("JPEG", "WEBP"):
        made = made.convert("RGB")
    file = io.BytesIO()
    made.save(file, kind.split()[0], **KINDS[kind])
    return file.getvalue()


def mend(content):
    """Give each chunk of a PNG file the right checksum again, so that what is in it reaches the decoder."""
    content, place = bytearray(content), 8
    while place + 12 <= len(content):
        end = place + 8 + int.from_bytes(content[place : place + 4], "big")
        if end + 4 > len(content):
            break
        content[end : end + 4] = struct.pack(">I", zlib.crc32(bytes(content[place + 4 : end])))
        place = end + 4
    return bytes(content)


def fuzz(kind, rounds, seed, path):
    """Read mutants; print how many were pictures, and how many were refused. Anything else ends the process."""
    dice, good, read = random.Random(int(seed)), whole(kind), 0
    for _ in range(int(rounds)):
        content = mutate(dice, good)
        if kind.startswith("PNG") and dice.random() < 0.8:
            content = mend(content)
        with open(path, "wb") as file:
            file.write(content)
        fit = dice.choice([None, "digit", "none"])
        try:
            found = user_image.read_image(path, fit, dice.random() < 0.5)
        except UserError as error:
            assert str(error).startswith(path + ": expected a picture")
            assert len(str(error).splitlines()) == 1
        else:
            assert found.pixels.shape == (28, 28)
            assert found.pixels.dtype == np.uint8
            read += 1
    print(read, int(rounds) - read)


def child(code, *words, seconds):
    """What a process prints last, and its greatest memory in kB. It must be silent on stderr and end in time."""
    command = [sys.executable, "-c", code + "; " + PEAK] + [str(word) for word in words]
    environment = dict(os.environ, PYTHONPATH=ROOT)
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds)
    assert (run.returncode, run.stderr) == (0, "")
    *said, peak = run.stdout.splitlines()
    return said, int(peak)


def check(kind, rounds, seed, tmp_path, seconds):
    (line,), peak = child(CHILD, kind, rounds, seed, tmp_path / "mutant", seconds=seconds)
    read, refused = map(int, line.split())
    print(f"{kind}: {read} read, {refused} refused, peak {peak / 1024:.0f} MB")
    assert read and refused  # the mutants are neither all good nor all hopeless
    assert peak < MEMORY


@pytest.mark.parametrize("kind", ["PNG", "PNG 16", "PNG palette"])
def test_a_png_with_a_wrong_checksum_is_refused(kind, tmp_path):
    """Pillow reads most of them as a picture: another digit. Each byte of the pixels, one bit at a time."""
    good, path = whole(kind), tmp_path / "digit.png"
    place = good.index(b"IDAT") + 4
    for number in range(int.from_bytes(good[place - 8 : place - 4], "big")):
        content = bytearray(good)
        content[place + number] ^= 1 << number % 8
        path.write_bytes(content)
        with pytest.raises(UserError, match="expected a picture"):
            user_image.read_image(str(path))
    path.write_bytes(good)
    assert user_image.read_image("digit.png", file=io.BytesIO(good)).pixels.tolist() == (
        user_image.read_image(str(path)).pixels.tolist()
    )


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_some_mutated_files_are_read_or_refused(kind, tmp_path):
    check(kind, 60, 0, tmp_path, 60)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_many_mutated_files_are_read_or_refused(kind, tmp_path):
    check(kind, 2000, 1, tmp_path, 600)


def test_the_list_of_formats_is_what_is_opened(tmp_path):
    """Others are refused though Pillow can read them: their decoders are not tested here."""
    picture = Image.fromarray(np.eye(40, dtype=np.uint8) * 255)
    for kind in ("PNG", "JPEG", "BMP", "GIF", "WEBP"):
        path = str(tmp_path / f"picture.{kind}")
        picture.save(path, kind)
        assert user_image.read_image(path).pixels.max() == 255
    for kind in ("TIFF", "PPM", "ICO", "TGA", "PCX", "SGI", "EPS", "PDF", "IM", "JPEG2000"):
        path = str(tmp_path / f"other.{kind}")
        picture.convert("RGB").save(path, kind)
        assert "expected a picture in PNG, JPEG, BMP, GIF or WebP" in refusal(user_image.read_image, path)


@pytest.mark.parametrize("error", [RuntimeError, IndexError, NotImplementedError, TypeError, KeyError, MemoryError])
def test_whatever_a_decoder_raises_is_one_line(tmp_path, monkeypatch, error):
    """As the decoders of AVIF, QOI, DDS and TIFF did on broken files."""
    path = tmp_path / "picture.png"
    path.write_bytes(whole("PNG"))

    def broken(*_):
        raise error("of the decoder\nin lines")

    monkeypatch.setattr(Image.Image, "thumbnail", broken)
    assert "of the decoder" in refusal(user_image.read_image, str(path))


def png(path, width, height, depth):
    """A valid grey PNG of zeros with one white row, row by row: small on disk whatever its size."""
    pack, row = zlib.compressobj(9), bytes(1 + width * depth // 8)
    body = b"".join(pack.compress(row) for _ in range(height - 1))
    body += pack.compress(b"\0" + b"\xff" * (width * depth // 8)) + pack.flush()
    with open(str(path), "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for name, data in (
            (b"IHDR", struct.pack(">2I5B", width, height, depth, 0, 0, 0, 0)),
            (b"IDAT", body),
            (b"IEND", b""),
        ):
            file.write(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)))
    return str(path)


READ = "import sys; from legacy_graph.data import user_image as u\ntry: print(u.read_image(sys.argv[1]).preparation)\n"
READ += "except u.UserError as error: print(error)\npass"


@pytest.mark.parametrize(("side", "found"), [(10000, "10,000 x 10,000"), (14000, "more than 178 million")])
def test_too_many_pixels_are_refused_before_decoding(tmp_path, side, found):
    """A few 100 kB that would unpack to 200 MB, and then to gigabytes of numbers."""
    path = png(tmp_path / "huge.png", side, side, 16)
    assert os.path.getsize(path) < 400000
    (line,), peak = child(READ, path, seconds=60)
    assert f"expected a picture of at most 50,000,000 pixels, found {found}; make it smaller" in line
    assert peak < 150 * 1024


@pytest.mark.parametrize("depth", [8, 16])
def test_the_largest_picture_takes_bounded_memory(tmp_path, depth):
    (line,), peak = child(READ, png(tmp_path / "large.png", 10000, 5000, depth), seconds=60)
    assert line == "scaled and centred as the digits of MNIST"
    assert peak < 600 * 1024
