"""Refuse requests whose header Host is no name of this machine (DNS rebinding). Does not import TensorFlow.

A page of another host can redirect the name of that host to this machine. The browser then treats TensorBoard as a part
of that page, and the page can read everything. Such a request has the name of the other host in its header Host. An IP
address in the header is safe: only a name can be redirected.
"""

import functools
import ipaddress
import re
import socket
from typing import Callable, Collection, Iterable

FORBIDDEN = "403 Forbidden"
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]*)(?::\d{1,5})?", re.ASCII)


def check_host(application: Callable, names: Collection[str]) -> Callable:
    """A WSGI application that answers requests for localhost, for any IP address, for the machine's own names and for
    `names` with `application`, and all others with the status 403 and one line.
    """
    allowed = {"localhost", *map(_normal, names)}

    def answer(environ, start_response) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "")
        if _is_allowed(host, allowed):
            return application(environ, start_response)
        shown = host[:100].encode("ascii", "backslashreplace").decode()
        expected = "localhost, an IP address or a name of this machine"
        hint = "if this name is yours, start TensorBoard with --host_names and the name"
        line = f"legacy_graph: header Host: expected {expected}, found {shown!r}; {hint}\n".encode()
        start_response(FORBIDDEN, [("Content-Type", "text/plain"), ("Content-Length", str(len(line)))])
        return [line]

    return answer


def _is_allowed(host, allowed) -> bool:
    match = _HOST.fullmatch(_normal(host))
    if match is None:
        return False
    name = _normal(match.group(1))
    # A browser always sends the header.
    return not name or name in allowed or _is_address(name.strip("[]")) or name in _own_names()


def _is_address(text) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@functools.lru_cache(maxsize=None)
def _own_names() -> Collection[str]:
    """The names of this machine. The second takes a query to the network's DNS."""
    return {_normal(socket.gethostname()), _normal(socket.getfqdn())}


def _normal(name: str) -> str:
    return name.strip().lower().rstrip(".")
