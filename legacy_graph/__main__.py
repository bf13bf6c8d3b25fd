"""The command line: python -m legacy_graph train. Thin; TensorFlow is imported only once a word needs it."""

import argparse
import sys
from typing import List, Optional

from legacy_graph import config
from legacy_graph.errors import UserError


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` that tells what is wrong in one line, without the usage above it."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    """The words and their options."""
    top = Parser(prog="legacy_graph", description="Watch a convolutional network with TensorBoard, as in 2018.")
    words = top.add_subparsers(dest="word", metavar="WORD")
    words.required = True
    train = words.add_parser("train", help="train the network and fill the log directory")
    config.add_options(train)
    train.set_defaults(work=_train)
    return top


def main(arguments: Optional[List[str]] = None) -> int:
    """Do what the words say. Returns the exit status: 0, or 2 after one line on what was wrong."""
    options = parser().parse_args(arguments)
    try:
        return options.work(options)
    except UserError as error:
        print(f"legacy_graph: {error}", file=sys.stderr)
        return 2


def _train(options):
    from legacy_graph import environment, logdir, mnist

    settings = config.from_options(options)
    data = mnist.load(settings.data_dir)
    print(f"Data: {data.source}")
    environment.prepare()
    from legacy_graph import train

    accuracy = train.run(settings, data)
    if data.sample:
        print(f"Note: {data.source}")
    print(f"Accuracy on all {len(data.test.labels):,} test digits: {accuracy:.4f}")
    print(f"Open the result with: {logdir.command(settings.logdir)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
