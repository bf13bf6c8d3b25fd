"""Markdown tables, and the regions of a page that a command writes.

A region is between the lines `<!-- COMMAND: NAME -->` and `<!-- end -->`.
"""

import re
from typing import Dict, List, NamedTuple, Sequence


class Table(NamedTuple):
    """A heading, and rows with as many cells as the heading."""

    heading: Sequence[str]
    rows: List[Sequence[str]]

    def __str__(self):
        lines = [self.heading, ["---"] * len(self.heading), *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def tables(markdown: str) -> List[str]:
    """The lines of each table."""
    return re.findall(r"^\|.*\|\n\| ?-(?:.*\|\n?)+", markdown, re.MULTILINE)


def regions(text: str, command: str) -> Dict[str, str]:
    """The regions of a page that a command writes: {name: content}."""
    return dict(_pattern(command).findall(text))


def fill(text: str, command: str, measured: Dict[str, str]) -> str:
    """The page with new content in the regions that `measured` names. Other regions keep their content.

    Raises:
        KeyError: the page has no region for a measurement.
    """
    contents = regions(text, command)
    for name, content in measured.items():
        contents[name]
        contents[name] = content + "\n"
    return _pattern(command).sub(
        lambda found: f"<!-- {command}: {found[1]} -->\n{contents[found[1]]}<!-- end -->", text
    )


def write(path: str, command: str, measured: Dict[str, str]) -> None:
    """Fill the regions of a page, see `fill`."""
    with open(path, encoding="utf-8") as file:
        text = fill(file.read(), command, measured)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _pattern(command):
    return re.compile(rf"<!-- {command}: (\w+) -->\n(.*?)<!-- end -->", re.DOTALL)
