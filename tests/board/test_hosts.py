"""Requests under a name that is not this machine's are refused: DNS rebinding."""

import socket

import pytest

from legacy_graph.board.hosts import check_host


def status(host, names=()):
    def application(environ, start_response):
        start_response("200 OK", [])
        return [b"secret"]

    environment = {} if host is None else {"HTTP_HOST": host}
    statuses = []
    text = b"".join(
        check_host(application, names)(environment, lambda status, headers: statuses.append(status))
    ).decode()
    (code,) = [int(status.split()[0]) for status in statuses]
    assert (code, text == "secret") in [(200, True), (403, False)]
    assert code == 200 or (text.count("\n") == 1 and "--host_names" in text)
    return code


OWN = ["localhost", "localhost:6006", "LOCALHOST:1", "localhost.", "127.0.0.1:6006", "127.1.2.3", "[::1]", "[::1]:6006",
       "192.168.1.5:6006", "[fe80::1]:80", "", None, socket.gethostname(), f"{socket.gethostname()}:6006"]  # fmt: skip
OTHER = ["evil.example", "evil.example:6006", "localhost.evil.example", "127.0.0.1.evil.example", "notlocalhost", "1",
         "evil.example:80:80", "localhost:x", "[evil.example]", "[::1", "localhost evil", "<b>x</b>",
         "\u0661.1.1.1"]  # fmt: skip


@pytest.mark.parametrize("host", OWN)
def test_own_names_and_addresses_are_answered(host):
    assert status(host) == 200


@pytest.mark.parametrize("host", OTHER)
def test_other_names_are_refused(host):
    assert status(host) == 403


def test_names_of_the_command_line_are_answered():
    names = ["Board.example", "10.0.0.1"]
    assert [status(host, names) for host in ("board.example", "board.example:80", "a.board.example")] == [200, 200, 403]
