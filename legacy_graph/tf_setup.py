"""Settings for the import of TensorFlow, and a filter for what it prints. Importing this file does nothing."""

import contextlib
import logging
import os
import re
import sys
import tempfile
import warnings
from typing import Iterator

# Infos, the notice before them, a line that goes on with one, and what is said where there is no GPU; then what a
# failed operation says besides raising its error, which tells the same.
_CHATTER = re.compile(
    rb"I\d{4} |\d{4}-\d\d-\d\d [\d:.]+: I |WARNING: All log messages before absl|To enable the following"
    rb"|.*(\bcuInit\b|GPU trace was not collected|Unable to register cu\w+ factory|Could not find TensorRT)"
    rb"|.*\] (OP_REQUIRES failed|Local rendezvous is aborting)|\t \[\[\{\{node |Hint: If you want to see a list|\n"
)


def import_tensorflow() -> None:
    """Import TensorFlow, quick and quiet; whatever the user has set in the environment stays as it is.

    oneDNN's kernels take much off a training step, yet on some processors TensorFlow leaves them off. What TensorFlow
    says of processors and absent GPUs is dropped; its warnings and errors go through.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    # TensorFlow 1.15 on its own numpy: "Passing (type, 1) as a synonym of type is deprecated", many times over.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"tensor(flow|board)\b")
    # TensorFlow 1.15 warns of its own call whenever a resource variable is made; no constructor of ours avoids it.
    logging.getLogger("tensorflow").addFilter(
        lambda said: "calling BaseResourceVariable.__init__" not in said.getMessage()
    )
    with filter_stderr():
        import tensorflow.compat.v1 as tf

        tf.Session(graph=tf.Graph()).close()  # The first session is the one that looks for a GPU.


@contextlib.contextmanager
def filter_stderr() -> Iterator[None]:
    """Drop TensorFlow's chatter. Version 2.21 writes to file descriptor 2 before any log level applies.

    The output of the block is collected in a temporary file. Where there is no room for one, nothing is dropped. Where
    standard error is a closed terminal or a broken pipe, the output is lost without an error.
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
