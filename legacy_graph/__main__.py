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
    layers = words.add_parser("layers", help="list the network's layers, what they see and their parameters")
    layers.set_defaults(work=_layers)
    features = words.add_parser("features", help="show what each feature map of a layer looks for")
    config.add_options(features, ("logdir", "data_dir"))
    add = features.add_argument
    add("--layer", default="conv2", metavar="NAME", help="see: legacy_graph layers (default: %(default)s)")
    add("--maps", type=config.wholes, metavar="N,N", help="their numbers, with commas between them (default: all)")
    add("--top", type=config.whole(1, 100), default=9, metavar="N", help="spots a map (default: %(default)s)")
    add("--images", metavar="FILE", help="a gzipped IDX file of 28 x 28 pictures to scan (default: the test digits)")
    add("--control", choices=["random"], help="also project the same spots through a random kernel, and compare")
    features.set_defaults(work=_features)
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


def _layers(options):
    from legacy_graph import environment

    environment.prepare()
    from legacy_graph import receptive

    print(receptive.table())
    return 0


def _features(options):
    from legacy_graph import environment, logdir, mnist

    if options.images:
        images = mnist.read_idx(options.images, (mnist.SIDE, mnist.SIDE)).reshape(-1, mnist.PIXELS)
    else:
        data = mnist.load(options.data_dir)
        images = data.test.images
        print(f"Data: {data.source}")
    environment.prepare()
    from legacy_graph import features

    print(features.run(options.logdir, images, options.layer, options.maps, options.top, bool(options.control)))
    print(f"Open the result with: {logdir.command(options.logdir)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
