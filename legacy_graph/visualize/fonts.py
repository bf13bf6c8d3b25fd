"""Fonts for the text in pictures: Pillow's own, or an installed one that has the characters of the line."""

import contextlib
import functools
import glob
import os
import re
import unicodedata
from typing import Any, List, Set, Tuple

from PIL import ImageFont

# Where Linux, macOS and, in WSL, Windows install fonts.
FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "~/Library/Fonts",
    "/mnt/c/Windows/Fonts",
)
# Fonts with Chinese characters are tried first, because the others can be some hundred files.
CHINESE = re.compile("cjk|hans|msyh|simsun|simhei|deng|pingfang|heiti|songti|wqy|fallback|unicode|unifont", re.I)
STYLED = re.compile("bold|italic|oblique", re.I)
NO_CHARACTER = "\uffff"  # no font has it, so it shows what a font draws for a character that it lacks


def choose_font(line: str, size: int) -> Tuple[str, Any]:
    """The text to draw for a line, and the Pillow font of `size` pixels that has all its characters.

    If neither Pillow's font nor an installed one has them all, a letter with an accent loses the accent, and any other
    character becomes its code point: "\u6211.png" is drawn as "U+6211.png".
    """
    line, own = unicodedata.normalize("NFC", line), _own_font(size)
    lacking = set() if line.isascii() and line.isprintable() else _lacking(own, line)
    if not lacking:
        return line, own
    for font in _installed_fonts() if line.isprintable() else ():
        if not _lacking(font, line):
            return line, font.font_variant(size=size)
    return "".join(_spelled(character) if character in lacking else character for character in line), own


@functools.lru_cache(maxsize=None)
def _installed_fonts() -> List[Any]:
    places = [glob.escape(os.path.expanduser(folder)) for folder in FOLDERS]
    paths = [path for place in places for path in glob.glob(os.path.join(place, "**", "*"), recursive=True)]
    fonts = []
    for path in sorted((path for path in paths if path.lower().endswith((".ttf", ".ttc", ".otf"))), key=_rank):
        with contextlib.suppress(OSError):  # damaged, or with pictures of one size instead of outlines
            fonts.append(ImageFont.truetype(path, 16))
    return fonts


def _rank(path: str) -> Tuple[bool, bool, str]:
    name = os.path.basename(path)
    return not CHINESE.search(name), bool(STYLED.search(name)), path


@functools.lru_cache(maxsize=None)
def _own_font(size: int) -> Any:
    try:
        return ImageFont.load_default(size)
    except TypeError:  # Pillow before 10.1 has only one size, 11 pixels
        return ImageFont.load_default()


def _lacking(font: Any, line: str) -> Set[str]:
    """The characters of a line that a font does not have."""
    return {character for character in line if character != " " and _lacks(font, character)}


@functools.lru_cache(maxsize=None)
def _lacks(font: Any, character: str) -> bool:
    try:
        return not character.isprintable() or bytes(font.getmask(character)) == bytes(font.getmask(NO_CHARACTER))
    except UnicodeEncodeError:  # Pillow's font of one size, which has the characters of Latin-1
        return ord(character) > 255


def _spelled(character: str) -> str:
    letters = [part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part)]
    plain = all(letter.isprintable() and ord(letter) < 127 for letter in letters)
    return "".join(letters) if letters and plain else f"U+{ord(character):04X}"
