"""Errors that the user can fix, exit statuses, and how the user called this program."""

import contextlib
import enum
import os
import re
import shlex
import sys
from typing import Iterator, Sequence, Tuple, Type, Union

RETRY = "fix this, then run the same command again"
RESUME = "fix this, then the same command resumes from the last checkpoint"
# Environment variable of a task that the command `cluster` started: the first words, as in "cluster --workers 2 --".
CLUSTER_WORDS = "LEGACY_GRAPH_CLUSTER"
Kinds = Union[Type[Exception], Tuple[Type[Exception], ...]]  # of errors


class ExitStatus(enum.IntEnum):
    """What the process returns to the shell. A run stopped by a signal returns 128 + the signal's number."""

    OK = 0
    INCOMPLETE = 1  # `check`: at least one dashboard has no data
    USAGE = 2  # bad input, see `UserError`
    INTERNAL = 70  # a bug in this program; EX_SOFTWARE of sysexits.h
    TEMPORARY_FAILURE = 75  # a task of the cluster is lost, the same command can continue; EX_TEMPFAIL of sysexits.h


class UserError(Exception):
    """Bad input, rendered as one line: "subject: expected ..., found ...; hint".

    The command line prints it without a traceback and exits with `status`.

    Args:
        subject: the option, file or tensor that is wrong.
        expected: what it should be.
        found: what was found instead; any object, line breaks become spaces.
        hint: what to do, as an imperative.
    """

    status = ExitStatus.USAGE

    def __init__(self, subject: str, expected: str, found: object, hint: str) -> None:
        self.subject, self.expected, self.found, self.hint = subject, expected, found, hint
        line = f"{subject}: expected {expected}, found {found}; {hint}"
        super().__init__(re.sub(r"\s*[\r\n]\s*", " ", line))

    def _render_traceback_(self):
        """What a notebook shows instead of a traceback: IPython calls this method."""
        return [f"{type(self).__name__}: {self}"]


class TaskError(UserError):
    """A task of the cluster does not answer."""

    status = ExitStatus.TEMPORARY_FAILURE


class Interrupted(Exception):
    """The user stopped a run that can be resumed; the message says where."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.status = 128 + number  # the exit status of a shell for a killed program: 130, 143, 129


@contextlib.contextmanager
def explain(subject: str, expected: str, hint: str = RETRY, kinds: Kinds = OSError) -> Iterator[None]:
    """Raise an error of these kinds in the block as a `UserError`, which says the reason."""
    try:
        yield
    except kinds as error:
        raise UserError(subject, expected, reason(error), hint) from error


def launch_command(*words: str) -> str:
    """How the user called this program, `bash run.sh` or Python with `-m`, and `words`; quoted for the shell."""
    launcher, python = os.environ.get("LEGACY_GRAPH_LAUNCHER"), os.environ.get("PYTHON")
    program = f"{shlex.quote(sys.executable)} -m legacy_graph"
    if launcher:
        program = (f"PYTHON={shlex.quote(python)} " if python else "") + f"bash {shlex.quote(launcher)}"
    return " ".join([program, *map(shlex.quote, words)])


def resume_command(arguments: Sequence[str]) -> str:
    """The command that resumes the run of a command with these arguments, quoted for the shell."""
    words = [*shlex.split(os.environ.get(CLUSTER_WORDS, "")), *arguments]
    return launch_command(*[word for word in words if word != "--fresh"])


def printable(text: str) -> str:
    """A file name as valid UTF-8 in one line; bytes that are not UTF-8, and control characters, show as \\xff."""
    valid = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda control: control.group().encode("unicode_escape").decode(), valid)


def short_path(path: str) -> str:
    """The last two parts of a path, for headings: "FashionMNIST/raw"."""
    return printable(os.sep.join(os.path.abspath(path).split(os.sep)[-2:]))


def reason(error: Exception) -> str:
    """The reason in an OSError or a TensorFlow error, in one line, without paths and stack traces."""
    if isinstance(error, OSError):
        return str(error.strerror or error)
    # TensorFlow writes the reason after the path, on one of many lines: "/the/path; No space left on device".
    # TensorFlow 2 writes the reason after a stack trace: "...\nNode: 'name'\nCould not find variable kernel. ...".
    patterns = (r"; ([A-Z][^;\n]+)$", r"^Node: .*\n(.+)$")
    matches = [match for match in (re.search(pattern, str(error), re.MULTILINE) for pattern in patterns) if match]
    return " ".join((matches[0].group(1) if matches else str(error)).split())[:200]
