"""A local mirror with small replacements of the four files, and the faults that a server can have."""

import gzip
import http.server
import os
import struct
import threading

LAST = "t10k-images-idx3-ubyte.gz"  # the third of four: two are downloaded before it


def packed(*header, body):
    return gzip.compress(struct.pack(f">{len(header)}I", *header) + body)


FILES = {  # random pixels do not compress, so half of a file is large
    "train-images-idx3-ubyte.gz": packed(2051, 300, 28, 28, body=os.urandom(300 * 784)),
    "train-labels-idx1-ubyte.gz": packed(2049, 300, body=bytes([1, 2, 3]) * 100),
    "t10k-images-idx3-ubyte.gz": packed(2051, 100, 28, 28, body=os.urandom(100 * 784)),
    "t10k-labels-idx1-ubyte.gz": packed(2049, 100, body=bytes([4, 5]) * 50),
}


class Server(http.server.ThreadingHTTPServer):
    """Serves FILES; `fault(handler, content)` answers requests for one of them."""

    daemon_threads = True

    def __init__(self, fault=None, faulty=LAST):
        super().__init__(("127.0.0.1", 0), Handler)
        self.fault, self.faulty, self.asked = fault, faulty, []
        self.ended, self.waiting = threading.Event(), threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/mnist/"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.shutdown()
        self.server_close()

    def pause(self, seconds=60.0):
        """Wait like a slow server, at most until the end of the test."""
        self.waiting.set()
        return self.ended.wait(seconds)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.rsplit("/", 1)[1]
        self.server.asked.append(name)
        try:
            if self.server.fault and name == self.server.faulty:
                self.server.fault(self, FILES[name])
            else:
                head(self, len(FILES[name]))
                self.wfile.write(FILES[name])
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client has left

    def log_message(self, *_):
        """Keep the test's output clean."""


def head(handler, length=None, status=200, **fields):
    handler.send_response(status)
    if length is not None:
        handler.send_header("Content-Length", str(length))
    for name, value in fields.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


# ---- faults


def not_found(handler, content):
    handler.send_error(404)


def partial_content(handler, content):
    head(handler, len(content), status=206)
    handler.wfile.write(content)


def login_page(handler, content):
    page = b"<html><form>Please log in to this network</form></html>"
    head(handler, len(page), Content_Type="text/html")
    handler.wfile.write(page)


def wrong_bytes(handler, content):
    head(handler, len(content))
    handler.wfile.write(content[:-1] + bytes([content[-1] ^ 1]))


def cut_off(handler, content):
    head(handler, len(content))
    handler.wfile.write(content[: len(content) // 2])


def cut_off_unannounced(handler, content):
    head(handler)
    handler.wfile.write(content[: len(content) // 2])


def rubbish(handler, content):
    handler.wfile.write(b"\0\1\2 this is no HTTP\r\n\r\n" * 9)


def stall_at_once(handler, content):
    handler.server.pause()


def stall_half_way(handler, content):
    head(handler, len(content))
    handler.wfile.write(content[: len(content) // 2])
    handler.server.pause()


def dribble(handler, content):
    head(handler, len(content))
    for place in range(len(content)):
        handler.wfile.write(content[place : place + 1])
        if handler.server.pause(0.1):
            break


def dribble_the_header(handler, content):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
    while not handler.server.pause(0.1):
        handler.wfile.write(b"X")


def endless(handler, content):
    head(handler)
    while not handler.server.ended.is_set():
        handler.wfile.write(content)


def bomb(handler, content):
    """10 MB of zeros, compressed by Content-Encoding."""
    zeros = gzip.compress(bytes(10000000))
    head(handler, len(zeros), Content_Encoding="gzip")
    handler.wfile.write(zeros)


def bad_encoding(handler, content):
    head(handler, len(content), Content_Encoding="deflate")
    handler.wfile.write(content)


FAULTS = {  # fault: words of the error message, none if they depend on the version of requests
    not_found: "404",
    partial_content: "206",
    login_page: "SHA-256",
    wrong_bytes: "SHA-256",
    cut_off: "",
    cut_off_unannounced: "SHA-256",
    rubbish: "",
    stall_at_once: "ReadTimeout",
    stall_half_way: "ConnectionError",
    dribble: "not done within 1 s",
    dribble_the_header: "not done within 1 s",
    endless: "SHA-256",
    bomb: "",
    bad_encoding: "ContentDecodingError",
}
