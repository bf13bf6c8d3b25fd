"""The decoder of pictures, for digits and photos: held against Pillow's own conversions."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from legacy_graph.data.decoder import decoded
from legacy_graph.data.pictures import read_picture
from legacy_graph.data.user_image import read_image

RANDOM = np.random.RandomState(0)
SMALL = RANDOM.randint(0, 256, (6, 5, 3)).astype(np.uint8)
PHOTO = Image.fromarray(SMALL).resize((48, 36), Image.BILINEAR)


def written(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    file.seek(0)
    return file


def pixels(file, mode="RGB"):
    with decoded("picture", file, 1000) as picture:
        return np.asarray(picture.convert(mode))


def both(file, size=28):
    """The grey picture as a photo and, if it is not scaled, as a digit of other data than MNIST's."""
    photo = read_picture("picture", (size, size, 1), file)[..., 0]
    file.seek(0)
    return photo, read_image("picture", "none", file=file).pixels


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_orientation_of_the_camera(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = written(PHOTO, kind, exif=exif.tobytes())
    expected = np.asarray(ImageOps.exif_transpose(Image.open(file)).convert("RGB"))
    assert expected.shape == ((36, 48, 3) if orientation < 5 else (48, 36, 3))
    np.testing.assert_array_equal(pixels(file), expected)


@pytest.mark.parametrize("mode, kind", [("CMYK", "JPEG"), ("L", "JPEG"), ("P", "PNG"), ("P", "GIF"), ("1", "PNG"),
                                        ("1", "BMP"), ("L", "PNG"), ("RGB", "BMP"), ("RGB", "WEBP")])  # fmt: skip
def test_colours_are_those_of_pillow(mode, kind):
    file = written(PHOTO.convert(mode), kind)
    expected = Image.open(file)
    expected = np.asarray(expected.convert("RGB"))
    assert np.ptp(expected) > 100
    np.testing.assert_array_equal(pixels(file), expected)


@pytest.mark.parametrize("mode, kind", [("RGBA", "PNG"), ("RGBA", "WEBP"), ("LA", "PNG"), ("P", "PNG"), ("L", "PNG")])
def test_transparent_pixels_keep_their_transparency(mode, kind):
    if mode in ("P", "L"):
        file = written(PHOTO.convert(mode), kind, transparency=int(np.asarray(PHOTO.convert(mode))[0, 0]))
    else:
        picture = PHOTO.convert("RGBA")
        picture.putalpha(Image.fromarray(RANDOM.randint(0, 256, (36, 48)).astype(np.uint8)))
        file = written(picture.convert(mode), kind, **({"lossless": True} if kind == "WEBP" else {}))
    expected = np.asarray(Image.open(file).convert("RGBA"))
    assert expected[..., 3].min() < 255
    np.testing.assert_array_equal(pixels(file, "RGBA"), expected)


def test_a_colour_profile_is_ignored():
    """As TensorFlow's decoders do. Pillow converts colours by a profile only if it is asked to."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for kind in ("PNG", "JPEG", "WEBP"):
        with_profile, without = [pixels(written(PHOTO, kind, **more)) for more in ({"icc_profile": profile}, {})]
        np.testing.assert_array_equal(with_profile, without)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_the_first_frame_of_an_animation(kind):
    frames = [PHOTO.rotate(90 * number) for number in range(3)]
    file = written(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    first = Image.open(file)
    assert first.n_frames == 3
    first.seek(0)
    np.testing.assert_array_equal(pixels(file), np.asarray(first.convert("RGB")))


def test_sixteen_bits():
    """The nearest of v / 257; Pillow's own conversion to 8 bits would clip at 255."""
    values = np.concatenate([np.arange(28 * 27) * 86, np.full(28, 65535)]).reshape(28, 28).astype(np.uint16)
    photo, digit = both(written(Image.fromarray(values), "PNG"))
    expected = np.rint(values / 257)
    np.testing.assert_array_equal(photo, expected)
    np.testing.assert_array_equal(digit, expected)


def test_digits_and_photos_differ_in_their_ground_alone():
    picture = Image.fromarray(RANDOM.randint(0, 256, (28, 28, 4)).astype(np.uint8))
    photo, digit = both(written(picture, "PNG"))
    for found, ground in ((photo, "white"), (digit, "black")):
        whole = Image.alpha_composite(Image.new("RGBA", picture.size, ground), picture)
        np.testing.assert_array_equal(found, np.asarray(whole.convert("L")))


@pytest.mark.parametrize("side, size", [(40, (100, 50)), (60, (200, 100)), (101, (400, 200))])
def test_a_large_jpeg_is_decoded_at_a_fraction(side, size):
    """No side is shorter than asked for."""
    file = written(Image.new("RGB", (400, 200), "red"), "JPEG")
    with decoded("picture", file, side) as picture:
        assert picture.size == size and min(size) >= side
