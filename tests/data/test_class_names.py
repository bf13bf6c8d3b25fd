"""Files of class names: what editors write is read, what a terminal or a sheet cannot show is not."""

import os

import pytest

from legacy_graph.data.class_names import read_names
from legacy_graph.errors import UserError


@pytest.mark.parametrize(
    "content, names",
    [
        (b"\xef\xbb\xbfa\r\n\r\nb b \r\n\r\n", ["a", "b b"]),  # Windows, with a byte order mark
        ("零\r壹".encode(), ["零", "壹"]),
        (b"crane\ncrane", ["crane", "crane"]),  # two classes of ImageNet
        (b"\x1b[31mred\na\tb\0", [r"\x1b[31mred", r"a\tb\x00"]),
    ],
)
def test_names(tmp_path, content, names):
    (tmp_path / "names.txt").write_bytes(content)
    assert read_names(str(tmp_path / "names.txt"), 2) == names


@pytest.mark.parametrize("content", ["a\nb".encode("utf-16"), b"a\n" + b"b" * 1000, b"a", None])
def test_what_is_refused(tmp_path, content):
    path = tmp_path / "names.txt"
    os.mkfifo(str(path)) if content is None else path.write_bytes(content)
    with pytest.raises(UserError, match="names.txt: expected .*; (name|change)"):
        read_names(str(path), 2)
