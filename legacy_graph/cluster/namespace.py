"""Enter a network namespace of Linux, which has only a loopback interface that nothing outside can reach."""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from typing import List

INSIDE = "LEGACY_GRAPH_NAMESPACE"  # environment variable, set in the namespace
# From linux/sockios.h and linux/if.h.
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def entered() -> bool:
    """Whether `enter` has started this process. If so, bring the loopback interface up."""
    if not os.environ.pop(INSIDE, ""):
        return False
    _start_loopback()
    return True


def enter(command: List[str]) -> str:
    """Replace this process by `command` in a new network namespace. `command` must call `entered`.

    Returns:
        The reason, if this is not possible. Otherwise the function does not return.
    """
    unshare = shutil.which("unshare")
    if unshare is None:
        return "there is no program unshare"
    # Without root, a user namespace is needed for the permission to create a network namespace.
    prefix = [unshare, "--net"] if os.geteuid() == 0 else [unshare, "--net", "--map-root-user"]
    trial = [sys.executable, "-I", os.path.abspath(__file__)]
    tried = subprocess.run([*prefix, *trial], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8")
    if tried.returncode == 0:
        os.execve(unshare, [*prefix, *command], dict(os.environ, **{INSIDE: "1"}))
    return " ".join(tried.stderr.split()) or "unshare failed"


def _start_loopback():
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


if __name__ == "__main__":  # the trial of `enter`
    try:
        _start_loopback()
    except OSError as failure:
        sys.exit(f"the loopback interface does not start: {failure.strerror}")
