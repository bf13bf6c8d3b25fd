"""Pictures of digits as a user sends them to the dashboard."""

import io

from PIL import Image, ImageDraw


def drawn(*points, side=280, width=22):
    """The PNG file of a line through the points, white on black."""
    picture = Image.new("L", (side, side))
    ImageDraw.Draw(picture).line(points, 255, width)
    return encoded(picture)


def encoded(picture, kind="PNG"):
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


ONE = drawn((140, 50), (146, 230))
