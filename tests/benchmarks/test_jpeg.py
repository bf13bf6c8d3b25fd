"""The measurement of JPEG files: both ways to decode, and the table of the page."""

import re

import numpy as np
from PIL import Image, ImageOps

from legacy_graph.data.pictures import read_picture
from tests.benchmarks import jpeg
from tests.support import page_tables, readme


def test_only_one_way_decodes_at_full_size(tmp_path):
    path, shape = str(tmp_path / "large.jpg"), (16, 16, 3)
    jpeg.picture(96, 72, 0).save(path)
    with Image.open(path) as picture:
        expected = np.asarray(ImageOps.fit(picture, shape[:2], Image.BILINEAR))
    np.testing.assert_array_equal(jpeg.at_full_size(read_picture, path, shape), expected)
    assert not np.array_equal(read_picture(path, shape), expected)


def test_the_table_is_written_into_a_page(tmp_path, monkeypatch):
    monkeypatch.setattr(jpeg, "SHAPE", (8, 8, 3))
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- jpeg: jpeg -->\nold\n<!-- end -->\nafter\n")
    jpeg.main([(48, 36), (20, 15)], page)
    (content,) = page_tables.regions(page.read_text(), "jpeg").values()
    rows = r"\| 48 x 36 \| \d+ \| \d+\.\d ms \| \d+\.\d ms \|\n\| 20 x 15 \| .*\|\n\nMeasured on .*, Pillow [\d.]+\.\n"
    assert re.search(rows, content)
    assert page_tables.headings(content) == ["| " + " | ".join(jpeg.HEADING) + " |"]


def test_the_page_has_a_row_for_each_size():
    (content,) = page_tables.regions(readme.read(jpeg.PAGE), "jpeg").values()
    assert page_tables.headings(content) == ["| " + " | ".join(jpeg.HEADING) + " |"]
    assert re.findall(r"^\| (\d+) x (\d+) \|", content, re.MULTILINE) == [
        (str(width), str(height)) for width, height in jpeg.SIZES
    ]
