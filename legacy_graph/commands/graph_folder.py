"""The directory for the results of `deconv` and `features`: its name says what made them."""

import argparse
import os
import re
import zlib
from typing import Any, List, Optional, Sequence, Tuple

from legacy_graph.config import DECONVNET, SHARED, TOP
from legacy_graph.errors import printable
from legacy_graph.logdir import layout

LONGEST = 200  # bytes of a directory's name; a file system takes 255, and `publish` may append a number
# Options that change no result, or that the name has in another form.
OTHERS = (
    "command", "debug", "logdir", "task_timeout", "graph", "checkpoint", "images", "pictures", "data_dir", "other_data",
)  # fmt: skip
DEFAULTS = {"top": TOP, "ties": SHARED}


def article_folder(
    options: argparse.Namespace, part: str, names: Sequence[str], images: str = ""
) -> Tuple[str, Optional[str]]:
    """The directory for results with the article's network, and what made them as a text.

    The name of the directory has `names`, the name of `images`, and all options that are not at their default, except
    --steps all.

    Args:
        options: of the command.
        part: of the log directory.
        names: the first words of the name.
        images: the path of a picture, or of images that are not the run's own. Without it, there is no text.
    """
    of_images = [_stem(images)] if images else []
    option_names, lines = _name_options(options)
    folder = os.path.join(options.logdir, part, _file_name([*names, *of_images, *option_names]))
    return folder, _text([os.path.abspath(images), *lines]) if images else None


def graph_folder(options: argparse.Namespace, label: str, image: str) -> Tuple[str, str]:
    """The directory for the results of one layer, and what made them as a text: the graph, the images, the options.

    The name of the directory has the names of the graph and the layer, of the picture for `deconv`, and all options
    that are not at their default. If it is taken by another graph, the parent directory of the graph is added; if it
    is taken by other images, their name.

    Args:
        options: of the command.
        label: of the layer.
        image: the path of the images, or of one of them.
    """
    from legacy_graph.visualize.publishing import read_source

    path = os.path.abspath(options.graph)
    lines = [path, os.path.abspath(image), label]
    if os.path.basename(path).startswith("."):  # ".meta" of a checkpoint that only its folder names
        path = os.path.dirname(path)
    names, given = _name_options(options)
    lines += given
    if options.checkpoint:
        lines.append(f"--checkpoint {os.path.abspath(options.checkpoint)}")
    source = _text(lines)
    folder = os.path.join(options.logdir, layout.GRAPHS)
    picture = _stem(image) if options.command == "deconv" else ""
    name = _file_name([_stem(path), label, picture, *names])
    taken = read_source(os.path.join(folder, name)).splitlines()
    if taken and taken[:2] != source.splitlines()[:2]:
        parent = _stem(os.path.dirname(path)) if taken[0] != source.splitlines()[0] else ""
        name = _file_name([parent, _stem(path), label, picture if parent else _stem(image), *names])
    return os.path.join(folder, name), source


def _name_options(options) -> Tuple[List[str], List[str]]:
    """The options for the name of a directory, such as "range=-1,1", and as they are given, "--range -1,1"."""
    of_features, of_graph = options.command == "features", options.graph is not None
    others = (*OTHERS, "layer") if of_features or of_graph else OTHERS  # the name begins with the layer
    defaults = DEFAULTS if of_graph or not of_features else {**DEFAULTS, "method": DECONVNET}
    values = {name: value for name, value in sorted(vars(options).items()) if name not in others}
    values = {name: value for name, value in values.items() if value or (value == 0 and value is not False)}
    given = {name: _value_text(value) for name, value in values.items() if value != defaults.get(name)}
    given = {**{name: given[name] for name in ("method",) if name in given}, **given}  # the method first
    names = [text if name == "method" else f"{name}={text}".rstrip("=") for name, text in given.items()]
    return names, [f"--{name.replace('_', '-')} {text}".rstrip() for name, text in given.items()]


def _text(lines) -> str:
    return "".join(printable(line) + "\n" for line in lines)


def _value_text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(_value_text, value))
    return "" if value is True else f"{value:g}" if isinstance(value, float) else str(value)


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(os.path.abspath(path)))[0]


def _file_name(parts: Sequence[str]) -> str:
    """A file name of at most `LONGEST` bytes. A longer one is cut and gets a checksum, so that it stays unique."""
    name = re.sub("[/:]", "_", printable("-".join(filter(None, parts))))
    content = name.encode()
    if len(content) <= LONGEST:
        return name
    return f"{content[: LONGEST - 9].decode(errors='ignore')}-{zlib.crc32(content):08x}"
