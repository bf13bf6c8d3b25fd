"""Two diagrams side by side, with a legend below: the pictures that curves, deletion, learned and randomised draw."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SCALE = 2  # drawn larger, then reduced, so that lines are smooth
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BELOW = 640, 330, 60, 40, 20, 86  # pixels of a panel and of its margins
PANEL = LEFT + WIDTH + RIGHT
INK, GRID, LINE = "#202124", "#e4e4e4", "#1a56a8"


class Picture:
    """An empty picture for two panels, numbered 0 and 1."""

    def __init__(self):
        self._canvas = Image.new("RGB", (2 * PANEL * SCALE, (TOP + HEIGHT + BELOW) * SCALE), "white")
        self.pen = ImageDraw.Draw(self._canvas)

    def legend(self, colours, number=0, width=200):
        """A coloured square and words for each item of {words: colour}, from the left of a panel on."""
        y = (TOP + HEIGHT + 62) * SCALE
        for place, (words, colour) in enumerate(colours.items()):
            x = (number * PANEL + LEFT + width * place) * SCALE
            self.pen.rectangle([x, y - 6 * SCALE, x + 18 * SCALE, y + 6 * SCALE], colour)
            self.pen.text((x + 26 * SCALE, y), words, INK, font(14), anchor="lm")

    def reduced(self):
        """The picture, RGB."""
        return self._canvas.resize((self._canvas.width // SCALE, self._canvas.height // SCALE), Image.LANCZOS)

    def save(self, path):
        self.reduced().quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


class Panel:
    """One diagram of a picture: values against updates."""

    def __init__(self, picture, number, title, ticks, updates, logarithmic=False, unit="updates", every=500):
        self.pen, self.left, self.last, self.logarithmic = picture.pen, number * PANEL, 1.03 * max(updates), logarithmic
        self.low, self.high = self.height(ticks[0]), self.height(ticks[-1])
        for tick in ticks:
            y = self.y(tick)
            self.pen.line([self.x(0), y, self.x(self.last), y], GRID, SCALE)
            self.pen.text((self.x(0) - 8 * SCALE, y), f"{tick:g}", INK, font(12), anchor="rm")
        for tick in range(0, max(updates) + 1, every):
            self.pen.text((self.x(tick), (TOP + HEIGHT + 6) * SCALE), f"{tick:,}", INK, font(12), anchor="mt")
        self.pen.text((self.x(self.last), (TOP + HEIGHT + 22) * SCALE), unit, INK, font(12), anchor="rt")
        self.pen.text((self.x(0), 12 * SCALE), title, INK, font(15))

    def height(self, value):
        return np.log10(np.maximum(value, 1e-3)) if self.logarithmic else np.asarray(value, float)

    def x(self, updates):
        return (self.left + LEFT + WIDTH * updates / self.last) * SCALE

    def y(self, value):
        part = (self.height(value) - self.low) / (self.high - self.low)
        return (TOP + HEIGHT * (1 - np.clip(part, 0, 1))) * SCALE

    def points(self, updates, values):
        return [(float(self.x(at)), float(self.y(value))) for at, value in zip(updates, values)]

    def band(self, updates, low, high, colour):
        self.pen.polygon(self.points(updates, low) + self.points(updates, high)[::-1], colour)

    def line(self, updates, values, colour=LINE):
        self.pen.line(self.points(updates, values), colour, 2 * SCALE)

    def point(self, x, y, colour):
        radius = 5 * SCALE
        self.pen.ellipse([x - radius, y - radius, x + radius, y + radius], colour, "white", SCALE)


def font(size):
    return ImageFont.load_default(size * SCALE)
