"""Text in pictures: a font that has the characters, or their names, never question marks or boxes."""

import numpy as np
import pytest

from legacy_graph.visualize import fonts, image_grid
from tests.support.tiny_font import font_file

CHINESE = "\u6211"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The only folder with installed fonts."""
    monkeypatch.setattr(fonts, "FOLDERS", (str(tmp_path),))
    fonts._installed_fonts.cache_clear()
    yield tmp_path
    fonts._installed_fonts.cache_clear()


def test_an_installed_font_with_the_characters_draws_them(folder):
    (folder / "damaged-cjk.ttf").write_bytes(b"no font")
    (folder / "other.ttf").write_bytes(font_file("\u0416"))
    (folder / "deep").mkdir()
    (folder / "deep" / "some.ttf").write_bytes(font_file(CHINESE))
    line, font = fonts.choose_font(CHINESE, 28)
    assert line == CHINESE and font.path == str(folder / "deep" / "some.ttf")
    picture = image_grid.render_text(CHINESE, 28)
    assert np.mean(picture == 0) > 0.7  # the font draws a square of 28 by 28 pixels


@pytest.mark.parametrize(
    "line, drawn",
    [
        ("map 5, \u00b10.5", "map 5, \u00b10.5"),
        (CHINESE + "\u7684.png", "U+6211U+7684.png"),
        ("Z\u030c\u0159.png", "Zr.png"),
        (CHINESE + "5", "U+62115"),  # one font has the first, another the second: they are not mixed
        ("a\nb\udce4", "aU+000AbU+DCE4"),
        ("\U0001f600", "U+1F600"),
        ("", ""),
    ],
)
def test_without_such_a_font_characters_are_spelled(folder, line, drawn):
    (folder / "other.ttf").write_bytes(font_file(CHINESE if "5" in line else "\u0416"))
    assert fonts.choose_font(line, 16)[0] == drawn
    np.testing.assert_array_equal(image_grid.render_text(line, 16), image_grid.render_text(drawn, 16))
