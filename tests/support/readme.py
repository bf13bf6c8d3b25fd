"""The parts of the README files: code blocks, code spans, links, anchors."""

import glob
import os
import re
import shlex

from tests.support.program import ROOT

# The first is the one of the project.
READMES = [os.path.join(ROOT, "README.md")] + [
    path
    for top in ("legacy_graph", "tests")
    for path in sorted(glob.glob(os.path.join(ROOT, top, "**", "README.md"), recursive=True))
]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def blocks(path):
    """(language, text) of each fenced code block."""
    return _BLOCK.findall(read(path))


def shell_commands(path):
    """The command lines of the shell blocks, without comments."""
    lines = [line for language, text in blocks(path) if language == "sh" for line in text.splitlines()]
    return list(filter(None, (line.partition("#")[0].strip() for line in lines)))


def prose(path):
    """The text without its code blocks."""
    return _BLOCK.sub("", read(path))


def inline_code(path):
    """What stands between single backticks."""
    return re.findall(r"`([^`\n]+)`", prose(path))


def links(path):
    """The targets of links and pictures that lead to files or headings of the project."""
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)) if "://" not in target]


def anchors(path):
    """The anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def run_sh_commands(path):
    """The commands in code spans, as words after `bash run.sh`: ("features", "--layer", "conv2")."""
    for code in inline_code(path):
        _, found, rest = code.partition("bash run.sh ")
        if found and not rest.startswith("…"):
            yield tuple(shlex.split(rest))
