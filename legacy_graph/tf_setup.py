"""Import TensorFlow with our settings, and filter its output. Importing this module has no effect."""

import contextlib
import gc
import importlib
import logging
import os
import re
import resource
import sys
import tempfile
import threading
import warnings
from typing import Iterator

from legacy_graph.errors import UserError

# Bytes. Measured on two cores: to train on complete MNIST, TensorFlow 2.21 needs between 2.4 and 2.6 GB, 1.15 2.0 GB.
ADDRESS_SPACE = 3000000000
THREADS, THREADS_PER_CORE = 8, 4  # on two cores, TensorFlow 2.21 was seen with 10 threads, 1.15 with 14
PROTOBUF = "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"
# Lines to drop: info messages with their header and continuation, and messages about a missing GPU; also messages of
# a failed operation that repeat its exception.
_CHATTER = re.compile(
    rb"I\d{4} |\d{4}-\d\d-\d\d [\d:.]+: I |WARNING: All log messages before absl|To enable the following"
    rb"|=== Source Location Trace: ===|external/\S+\.(cc|h):\d+$"  # of 2.22, after the message itself
    rb"|.*(\bcuInit\b|GPU trace was not collected|Unable to register cu\w+ factory|Could not find TensorRT)"
    rb"|.*\] (OP_REQUIRES failed|Local rendezvous is aborting)|\t \[\[\{\{node |Hint: If you want to see a list|\n"
)


def check_process() -> None:
    """Refuse limits of the process and environment variables with which TensorFlow cannot run.

    Raises:
        UserError: the address space (`ulimit -v`) is below `ADDRESS_SPACE`; fewer threads can be started than
            TensorFlow starts; `PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION` has a value that the installed protobuf lacks.
    """
    _check_address_space()
    _check_threads()
    _check_protobuf()


def _check_address_space():
    """Below the limit, TensorFlow ends with a signal (SIGABRT, SIGSEGV), hangs, or raises unrelated errors."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < ADDRESS_SPACE:
        expected = f"a limit of at least {ADDRESS_SPACE / 1e9:g} GB on the address space (ulimit -v)"
        raise UserError("memory", expected, f"{limit / 1e9:.2f} GB", "raise it: ulimit -v unlimited")


def _check_threads():
    """Below the limit, TensorFlow ends with SIGABRT. It starts some threads for each core, and some more.

    The threads are really started: the limit counts the other processes of the user, and a container has its own.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    needed, started, release = THREADS + THREADS_PER_CORE * cores, [], threading.Event()
    try:
        while len(started) < needed:
            thread = threading.Thread(target=release.wait)
            thread.start()
            started.append(thread)
    except RuntimeError as error:
        hint = "end other programs of this user, or raise the limit: ulimit -u unlimited"
        raise UserError("threads", f"a limit that allows {needed} more (ulimit -u)", len(started), hint) from error
    finally:
        release.set()
        for thread in started:
            thread.join()


def _check_protobuf():
    """Many pages advise the value `cpp`, which protobuf 4 removed."""
    value = os.environ.get(PROTOBUF)
    if value is None:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # protobuf's own warning, before its error
            importlib.import_module("google.protobuf.descriptor")
    except (ImportError, ValueError) as error:
        hint = f"unset it: unset {PROTOBUF}"
        raise UserError(PROTOBUF, "an implementation that the installed protobuf has", repr(value), hint) from error


def check_pattern(subject: str, path: str) -> None:
    """Refuse the path of a checkpoint that TensorFlow takes for a pattern: it writes the checkpoint, but finds none.

    Raises:
        UserError: names `subject`.
    """
    if re.search(r"\[.*\]|\\", path, re.DOTALL):
        expected = r"a path without [...] and \, which TensorFlow reads as a pattern"
        raise UserError(subject, expected, path, "rename the directory, or name another one")


def choose_kernels() -> None:
    """Let TensorFlow use oneDNN, unless the user has decided. Call this before the first import of TensorFlow.

    oneDNN's kernels make a training step faster, but TensorFlow disables them on some processors.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def import_tensorflow(cluster: bool = False) -> None:
    """Import TensorFlow with oneDNN and without info messages; environment variables of the user take precedence.

    With `cluster`, warnings are dropped too: TensorFlow's servers print them for each traced step and closed session.

    Messages about processors and missing GPUs are dropped; warnings and errors are printed.
    """
    choose_kernels()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if cluster else "1")
    # TensorFlow 1.15 on its own numpy: "Passing (type, 1) as a synonym of type is deprecated", repeated.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"tensor(flow|board)\b")
    # TensorFlow 1.15 warns about its own code for each resource variable; callers cannot avoid this.
    logging.getLogger("tensorflow").addFilter(
        lambda said: "calling BaseResourceVariable.__init__" not in said.getMessage()
    )
    with filter_stderr(), paused_collection():
        from tensorboard import compat

        # A thread of TensorBoard may import TensorFlow at the same time, and one of the two imports would then fail.
        # TensorBoard holds a lock during its import. This line imports TensorFlow under the same lock.
        dir(compat.tf)
        import tensorflow.compat.v1 as tf

        tf.Session(graph=tf.Graph()).close()  # The first session searches for a GPU.
    gc.freeze()  # TensorFlow's modules stay: later collections do not visit them.


@contextlib.contextmanager
def paused_collection() -> Iterator[None]:
    """Pause the garbage collector, which would visit many new objects dozens of times and free nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def filter_stderr() -> Iterator[None]:
    """Drop TensorFlow's info messages. Version 2.21 writes to file descriptor 2 before any log level applies.

    The output of the block is collected in a temporary file. If none can be created, nothing is dropped.
    If standard error is a closed terminal or a broken pipe, the output is lost without an error.
    """
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    with contextlib.ExitStack() as stack:
        try:
            said = stack.enter_context(tempfile.TemporaryFile())
        except OSError:
            yield
            return
        terminal = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            said.seek(0)
            with contextlib.suppress(OSError):
                for line in said:
                    if not _CHATTER.match(line):
                        os.write(2, line)
