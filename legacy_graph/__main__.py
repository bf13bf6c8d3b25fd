"""The command line: python -m legacy_graph COMMAND. Parses options, runs one command, prints an error as one line."""

import contextlib
import importlib
import os
import signal
import sys
from typing import List, Optional

from legacy_graph.commands.parser import make_parser
from legacy_graph.errors import RETRY, ExitStatus, Interrupted, UserError, explain, printable, reason, resume_command
from legacy_graph.tf_setup import check_process

OUTPUT = "standard output"
OUT_OF_MEMORY = ("MemoryError", "ResourceExhaustedError")  # the second is TensorFlow's, which is not imported here
FREE_MEMORY = "close other programs, or raise the limit of this process (ulimit, container)"
REPORT = "this is a bug: please report it in the issue tracker of the repository, with the output of --debug"


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one command.

    Args:
        arguments: of the command line; by default those of the process.

    Returns:
        The exit status: a value of `ExitStatus`, or 128 + the number of the signal that stopped the command.
    """
    _prepare_streams()
    with contextlib.redirect_stdout(_Output(sys.stdout)):
        try:
            try:
                return _run(sys.argv[1:] if arguments is None else arguments)
            finally:
                sys.stdout.flush()
        except OSError as error:
            if error.filename != OUTPUT:
                raise
            _redirect_to_null(sys.stdout)
            if isinstance(error, BrokenPipeError):  # the reader of standard output has exited, as in `... | head`
                return 128 + signal.SIGPIPE
            _print_error(UserError(OUTPUT, "to write to it", reason(error), RETRY))
            return ExitStatus.USAGE


class _Output:
    """Standard output. A failed write raises an OSError with the file name `OUTPUT`; errors of a socket have none."""

    def __init__(self, stream):
        self._stream = stream

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def write(self, text):
        with _named_errors():
            return self._stream.write(text)

    def flush(self):
        with _named_errors():
            self._stream.flush()


@contextlib.contextmanager
def _named_errors():
    try:
        yield
    except OSError as error:
        error.filename = OUTPUT
        raise


def _run(arguments):
    """Run one command. Errors of standard output pass on to `main`, which handles them."""
    options = make_parser().parse_args(arguments)
    try:
        _check_directory()
        check_process()
        return importlib.import_module(f"legacy_graph.commands.{options.command}").run(options)
    except UserError as error:
        _print_error(error)
        return error.status
    except Interrupted as stop:
        _print_error(f"{stop}; to resume: {resume_command(arguments)}")
        return stop.status
    except KeyboardInterrupt:
        _print_error("stopped")
        return 128 + signal.SIGINT
    except Exception as error:
        if options.debug or getattr(error, "filename", None) == OUTPUT:
            raise
        if type(error).__name__ in OUT_OF_MEMORY:
            _print_error(UserError("memory", "enough for this command", "too little", FREE_MEMORY))
            return ExitStatus.USAGE
        _print_error(f"{type(error).__name__}: {error}; {REPORT}")
        return ExitStatus.INTERNAL


def _check_directory():
    """Refuse a current directory that was deleted, such as by `git checkout` in another terminal."""
    hint = "change to a directory that exists, then run the same command again"
    with explain("current directory", "one that exists", hint):
        os.getcwd()


def _prepare_streams():
    """Open /dev/null for each closed standard stream, and escape characters that standard output cannot encode.

    Without this, a file opened later gets the descriptor 1 or 2, and printed text goes into it.
    """
    number = os.open(os.devnull, os.O_RDWR)
    while number <= 2:  # the lowest free descriptor
        number = os.dup(number)
    os.close(number)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")


def _print_error(message):
    try:
        print("legacy_graph:", printable(" ".join(str(message).splitlines())), file=sys.stderr, flush=True)
    except OSError:  # the terminal was closed
        _redirect_to_null(sys.stderr)


def _redirect_to_null(stream):
    """Redirect to /dev/null so that the flush at exit cannot fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
