"""The measurement of JPEG files: both ways to decode, and the table of the page."""

import numpy as np
from PIL import Image, ImageOps

from legacy_graph.data.pictures import read_picture
from tests.benchmarks import jpeg
from tests.support import page_tables


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
    rows = [line.split(" | ") for line in page_tables.tables(content)[0].splitlines()[2:]]
    assert [row[0] for row in rows] == ["| 48 x 36", "| 20 x 15"]
    assert [[cell.split()[1] for cell in row[2:]] for row in rows] == [["ms", "ms"]] * 2
