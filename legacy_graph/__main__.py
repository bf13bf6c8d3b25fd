"""The command line: python -m legacy_graph train. Thin; TensorFlow is imported only once a word needs it."""

import argparse
import os
import shlex
import signal
import sys
from typing import List, Optional

from legacy_graph import config, interrupt
from legacy_graph.errors import UserError, command


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` that takes options by their whole names, and tells what is wrong in one line."""

    def __init__(self, **settings):
        super().__init__(allow_abbrev=False, **settings)

    def parse_known_args(self, args=None, namespace=None):
        for word in sys.argv[1:] if args is None else args:
            if word.startswith("--") and word.endswith("=--"):  # which argparse takes for no value, up to Python 3.12
                self.error(f"argument {word[:-3]}: expected a value, found '--'")
        return super().parse_known_args(args, namespace)

    def error(self, message):
        self.exit(2, f"{self.prog}: {' '.join(message.split())} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    """The words and their options."""
    top = Parser(prog="legacy_graph", description="Watch a convolutional network with TensorBoard, as in 2018.")
    words = top.add_subparsers(dest="word", metavar="WORD")
    words.required = True
    train = words.add_parser("train", help="train the network and fill the log directory")
    config.add_options(train)
    train.set_defaults(work=_train)
    check = words.add_parser("check", help="tell which dashboards a log directory feeds, and why one is empty")
    check.add_argument("logdir", nargs="*", type=config.path, default=["log"], metavar="LOGDIR", help="(default: log)")
    check.set_defaults(work=_check)
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
    deconv = words.add_parser("deconv", help="take your own picture of a digit through the network and back")
    deconv.add_argument("pictures", nargs="+", metavar="DIGIT.png", help="any size, PNG or JPEG, on an even ground")
    config.add_options(deconv, ("logdir",))
    deconv.set_defaults(work=_deconv)
    return top


def main(arguments: Optional[List[str]] = None) -> int:
    """Do what the words say.

    Returns:
        The exit status: 0; 2 after one line on what was wrong; 130, 143 or 129 after Ctrl-C, SIGTERM or SIGHUP.
    """
    options = parser().parse_args(arguments)
    try:
        return options.work(options)
    except UserError as error:
        _tell(error)
        return 2
    except interrupt.Interrupted as stop:
        again = _again(sys.argv[1:] if arguments is None else arguments)
        _tell(f"{stop}; to go on: {again}")
        return stop.status
    except KeyboardInterrupt:
        _tell("stopped")
        return 128 + signal.SIGINT
    except BrokenPipeError:  # nobody reads our output any more, as in `... | head`
        _mute(sys.stdout)
        return 128 + signal.SIGPIPE


def _tell(line):
    try:
        print(f"legacy_graph: {line}", file=sys.stderr, flush=True)
    except OSError:  # a terminal that was closed
        _mute(sys.stderr)


def _mute(stream):
    """What waits to be written, and would be at the very end, goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _again(words):
    """The command that goes on where these words were stopped."""
    return " ".join([command(), *[shlex.quote(word) for word in words if word != "--fresh"]])


def _train(options):
    from legacy_graph import environment, logdir, mnist

    settings = config.from_options(options)
    data = mnist.load(settings.data_dir, batch_size=settings.batch_size)
    print(f"Data: {data.source}", flush=True)
    # Noted from here on, since what TensorFlow imports may swallow a KeyboardInterrupt.
    with logdir.claimed(settings.logdir), interrupt.noted() as signals:
        environment.prepare()
        from legacy_graph import train

        accuracy = train.run(settings, data, signals)
    if data.sample:
        print(f"Note: {data.source}")
    print(f"Accuracy on all {len(data.test.labels):,} test digits: {accuracy:.4f}")
    print(f"Open the result with: {logdir.command(settings.logdir)}")
    return 0


def _check(options):
    from legacy_graph import environment, place

    logdir = place.find(options.logdir)
    environment.prepare()
    from legacy_graph import check

    told, status = check.run(logdir)
    print(told)
    return status


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


def _deconv(options):
    from legacy_graph import environment, logdir

    environment.prepare()
    from legacy_graph import reading

    print(reading.run(options.logdir, options.pictures))
    print(f"Open the result with: {logdir.command(options.logdir)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
