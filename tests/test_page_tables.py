"""The regions of a page that a command writes."""

import pytest

from tests.support import page_tables

PAGE = """a
<!-- speed: one -->
old
<!-- end -->
b
<!-- speed: two -->
| kept |
| --- |
| 1 |
<!-- end -->
<!-- other: one -->
kept
<!-- end -->
"""


def test_only_the_given_regions_of_the_command_change(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    page_tables.write(path, "speed", {"one": "new \\1"})
    assert path.read_text() == PAGE.replace("old", "new \\1")
    assert page_tables.regions(PAGE, "other") == {"one": "kept\n"}
    assert page_tables.headings(PAGE) == ["| kept |"]


def test_a_region_that_the_page_lacks_is_refused():
    with pytest.raises(KeyError):
        page_tables.fill(PAGE, "other", {"two": "new"})
