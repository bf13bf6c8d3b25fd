"""The tab's routes in a running TensorBoard: slow and chunked posts, and requests under another host's name."""

import contextlib
import http.client
import socket

import pytest

from legacy_graph.board import plugin
from tests.board.site import Site, serving
from tests.support.own_pictures import ONE

OWN = "/data/plugin/deconvnet/own?run=.&layer=conv2&method=deconvnet&map=5"
SLOW = 200
HEAD = f"POST {OWN} HTTP/1.1\r\nHost: localhost\r\nX-Deconvnet: 1\r\n"


@pytest.fixture(scope="module")
def port(trained):
    with serving(["legacy_graph", "tensorboard"], trained.logdir) as port:
        yield port


def ask(port, route, host="localhost", method="GET", body=None, headers=()):
    with contextlib.closing(http.client.HTTPConnection("localhost", port, timeout=60)) as connection:
        connection.request(method, route, body, {"Host": host, **dict(headers)})
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_all_routes_check_the_host(port):
    for route in ("/", "/data/runs", "/data/plugin/deconvnet/runs", "/data/plugin/scalars/tags"):
        assert ask(port, route)[0] == ask(port, route, f"127.0.0.1:{port}")[0] == 200
        status, text = ask(port, route, "evil.example")
        assert status == 403 and b"evil.example" in text and text.count(b"\n") == 1


def test_slow_posts_do_not_stop_others(port):
    slow = [socket.create_connection(("localhost", port)) for _ in range(SLOW)]
    for connection in slow:
        connection.sendall((HEAD + f"Content-Length: {len(ONE)}\r\n\r\n").encode() + ONE[:10])
    status, text = ask(port, OWN, method="POST", body=ONE, headers={"X-Deconvnet": "1"})
    assert status == 200, text
    for connection in slow:
        connection.close()
    assert ask(port, "/data/plugin/deconvnet/runs")[0] == 200


def test_a_chunked_post_is_refused_unread(port):
    with contextlib.closing(socket.create_connection(("localhost", port), timeout=60)) as connection:
        connection.sendall((HEAD + "Transfer-Encoding: chunked\r\n\r\n").encode() + b"fffffff\r\nx")
        answer = connection.recv(2000)
    assert b" 400 " in answer.splitlines()[0]


def test_a_post_that_stops_is_refused_in_time(monkeypatch, features_run):
    """The socket's end reads nothing more once the time is over."""
    monkeypatch.setattr(plugin, "PATIENCE", 0.2)
    ours, theirs = socket.socketpair()
    theirs.sendall(ONE[:10])
    with ours, theirs, ours.makefile("rb") as body:
        environment = {"CONTENT_LENGTH": str(len(ONE)), "wsgi.input": body, "werkzeug.socket": ours}
        query = {"run": ".", "layer": "conv2", "method": "deconvnet", "map": "5"}
        status, found = Site(features_run).ask("own", query, data=b"", environ_overrides=environment)
    assert status == 400 and "picture: expected " in found["error"]
