"""The user's own picture, fitted as MNIST's were: MNIST's own digits, in many guises, must come out as they went in."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from legacy_graph.data import mnist, user_image
from legacy_graph.errors import UserError
from tests.support.program import SAMPLE


@pytest.fixture(scope="module")
def images():
    return mnist.load(SAMPLE).test.images.reshape(-1, 28, 28)


def saved(folder, picture, name="digit.png", **options):
    path = str(folder / name)
    picture.save(path, **options)
    return path


def gap(one, other):
    """The mean difference over the pixels, of 255, a shift by one pixel forgiven: the centre may lie between two."""
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return min(np.abs(np.roll(one, shift, (0, 1)).astype(float) - other).mean() for shift in shifts)


def fitted(path):
    return user_image.read_image(path, "digit").pixels


def test_mnists_own_digits_come_out_as_they_went_in(images, tmp_path):
    """But that the strongest ink becomes 255, and that traces below a tenth of it may be cut off at the border."""
    gaps = np.array([
        np.abs(image.astype(int) - fitted(saved(tmp_path, Image.fromarray(image)))).max()
        for image in images[:500]
    ])  # fmt: skip
    assert (gaps <= 1).mean() > 0.8
    assert (gaps <= 26).mean() > 0.99


def on_paper(image):
    return Image.fromarray(255 - image)


def large_and_off_centre(image):
    sheet = np.full([500, 900], 250, np.uint8)
    sheet[40:320, 600:880] = 250 - (image * (200 / 255)).astype(np.uint8).repeat(10, 0).repeat(10, 1)
    return Image.fromarray(sheet)


def red_on_green(image):
    ink = image[..., None] / 255.0
    return Image.fromarray((ink * [200, 40, 40] + (1 - ink) * [40, 140, 40]).astype(np.uint8))


def transparent(shade):
    def make(image):
        layers = np.full([28, 28, 4], shade, np.uint8)
        layers[..., 3] = image
        return Image.fromarray(layers)

    return make


GUISES = [on_paper, red_on_green, transparent(0), transparent(255)]


@pytest.mark.parametrize("guise", GUISES + [large_and_off_centre])
def test_a_digit_in_any_guise_is_the_same_digit(guise, images, tmp_path):
    for image in images[:30]:
        assert gap(fitted(saved(tmp_path, guise(image))), image) < 3


def test_a_large_noisy_photograph_in_uneven_light(images, tmp_path):
    random = np.random.RandomState(0)
    light = np.linspace(0.85, 1, 840)[:, None]
    for image in images[:20]:
        page = np.full([840, 840], 230.0)
        page[140:700, 140:700] -= 180 * (image / 255.0).repeat(20, 0).repeat(20, 1)
        page = np.clip(page * light + random.normal(0, 4, page.shape), 0, 255).astype(np.uint8)
        photograph = Image.fromarray(page).convert("RGB")
        assert gap(fitted(saved(tmp_path, photograph, "digit.jpg", quality=80)), image) < 8


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 30), st.integers(0, 30), st.integers(1, 255))
def test_any_block_fills_the_box_and_is_centred(height, width, above, left, ink):
    sheet = np.zeros([height + above, width + left])
    sheet[above:, left:] = ink
    digit = user_image.fit_to_mnist(sheet)
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    sides = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    assert max(sides) == 20
    assert abs(min(sides) - max(1, 20 * min(height, width) / max(height, width))) <= 1
    for place in (rows, columns):
        assert 13.5 <= place.mean() < 14.5  # Of indices: half a pixel less than of places.
    assert digit.max() == 255


def test_a_digit_whose_mass_lies_to_one_side_stays_inside():
    sheet = np.zeros([100, 100])
    sheet[:10], sheet[:, 50] = 255, 40
    digit = user_image.fit_to_mnist(sheet)
    assert np.flatnonzero(digit.any(axis=1)).tolist() == list(range(8, 28))


def refused(path, words):
    with pytest.raises(UserError) as caught:
        user_image.read_image(str(path))
    message = str(caught.value)
    assert str(path) in message
    assert words in message
    assert "\n" not in message


def test_what_is_no_picture_is_refused_in_one_line(images, tmp_path):
    whole = io.BytesIO()
    Image.fromarray(images[0].repeat(10, 0).repeat(10, 1)).save(whole, "PNG")
    cases = {"text.png": b"not a picture", "empty.png": b"", "cut.png": whole.getvalue()[:300]}
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name, "expected a picture in PNG, JPEG, BMP, GIF or WebP, found")
    refused(tmp_path / "none.png", "found no file")
    refused(tmp_path, "found a directory")


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "1", "I;16"])
def test_a_picture_of_one_colour_is_refused(mode, tmp_path):
    refused(saved(tmp_path, Image.new(mode, (40, 30))), "found a picture of one colour")


# ---- no fitting


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
@pytest.mark.parametrize("fit", [None, "none"])
def test_a_28_x_28_picture_goes_in_as_it_is(images, tmp_path, mode, fit):
    """For a network of digits and for one of other classes. Fails where the picture is fitted into 20 x 20 pixels."""
    full = np.random.RandomState(0).randint(0, 256, [28, 28]).astype(np.uint8)
    full[0] = 0  # a dark border is a majority for neither
    for image in [*images[:20], full]:
        path = saved(tmp_path, Image.fromarray(image).convert(mode))
        for digits in (True, False):
            if digits and image is full:
                continue
            found = user_image.read_image(path, fit, digits)
            assert found.preparation == "unchanged"
            np.testing.assert_array_equal(found.pixels, image)


def test_only_for_digits_a_light_ground_is_inverted(images, tmp_path):
    """28 x 28 pixels, dark on light: a network of digits learned light on dark, another may have learned this."""
    path = saved(tmp_path, Image.fromarray(255 - images[0]))
    inverted, kept = user_image.read_image(path), user_image.read_image(path, digits=False)
    np.testing.assert_array_equal(inverted.pixels, images[0])
    assert inverted.preparation == "unchanged, but inverted because its background is light"
    np.testing.assert_array_equal(kept.pixels, 255 - images[0])
    np.testing.assert_array_equal(user_image.read_image(path, "none").pixels, 255 - images[0])


def test_colour_and_transparency_are_fitted_for_digits_only(images, tmp_path):
    for guise in (red_on_green, transparent(255)):
        path = saved(tmp_path, guise(images[0]))
        assert user_image.read_image(path).preparation == "scaled and centred as the digits of MNIST"
        np.testing.assert_array_equal(user_image.read_image(path).pixels, fitted(path))
    assert user_image.read_image(path, digits=False).preparation == "unchanged"
    np.testing.assert_array_equal(user_image.read_image(path, "none").pixels, images[0])  # white behind the alpha


def test_resizing_takes_the_mean_of_each_block(tmp_path):
    full = np.random.RandomState(0).randint(0, 256, [28 * 6, 28 * 3]).astype(np.uint8)
    full[:6], full[-6:], full[:, :3], full[:, -3:] = 0, 0, 0, 0
    found = user_image.read_image(saved(tmp_path, Image.fromarray(full)), digits=False)
    assert found.preparation == "resized to 28 x 28 pixels"
    blocks = full.reshape(28, 6, 28, 3).mean(axis=(1, 3))
    assert np.abs(found.pixels - blocks).max() <= 1
    assert user_image.read_image(saved(tmp_path, Image.fromarray(full))).preparation.startswith("scaled")
