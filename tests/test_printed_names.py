"""Names of files in what the program prints: one line, no control characters."""

from legacy_graph.__main__ import main
from legacy_graph.errors import printable


def test_control_characters_are_escaped():
    """A terminal obeys them: the first clears the screen."""
    assert printable("a\x1b[2J\n\t\x7f\x9b数字 ü.png") == "a\\x1b[2J\\n\\t\\x7f\\x9b数字 ü.png"
    assert printable(b"\xff.png".decode("utf-8", "surrogateescape")) == "\\xff.png"


def test_a_refused_name_stays_one_line(capsys):
    assert main(["layers", "--graph", "a\x1b[2J\r\nb.pb"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.rstrip("\n").isprintable()
