"""Web servers on this computer that behave as mirrors do: they deliver, refuse, break off, stall, drip and lie."""

import hashlib
import http.server
import random
import socket
import threading
import time

import pytest

from mnist_core.data.published.download import FILES, download
from mnist_core.errors import DownloadError

TIMEOUT = (0.25, 0.25)
FIRST, *OTHERS = FILES
CONTENTS = {
    name: random.Random(name).randbytes(size) for name, size in zip(FILES, (60_000, 900, 7_000, 500), strict=True)
}
STAND_INS = {name: (len(body), hashlib.sha256(body).hexdigest()) for name, body in CONTENTS.items()}
TOTAL = sum(map(len, CONTENTS.values()))


class Mirror:
    """A server on 127.0.0.1; ``behave(handler, content)`` answers each request, `requests` lists their names."""

    def __init__(self, behave, contents):
        self.behave, self.contents = behave, contents
        self.requests, self.headers = [], []
        self.hung_up = threading.Event()  # the client closed its end while the server was sending
        self.closing = threading.Event()
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.rsplit("/", 1)[-1]
                mirror.requests.append(name)
                mirror.headers.append(self.headers)
                self.mirror = mirror
                try:
                    mirror.behave(self, mirror.contents[name])
                except (BrokenPipeError, ConnectionResetError):
                    mirror.hung_up.set()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}/mnist/"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


def fetch(folder, *mirrors, **options):
    urls = [getattr(mirror, "url", mirror) for mirror in mirrors]
    return download(folder, urls, **{"timeout": TIMEOUT, "files": STAND_INS, **options})


def refusal(folder, *mirrors, **options) -> str:
    with pytest.raises(DownloadError) as caught:
        fetch(folder, *mirrors, **options)
    return str(caught.value)


def in_folder(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# How a mirror may behave


def head(handler, length, status=200):
    handler.send_response(status)
    if length is not None:
        handler.send_header("Content-Length", str(length))
    handler.end_headers()


def good(handler, content):
    head(handler, len(content))
    handler.wfile.write(content)


def missing(handler, content):
    handler.send_error(404)


def overloaded(handler, content):
    head(handler, len(content), status=503)
    handler.wfile.write(content)


def cut_off(handler, content):
    head(handler, len(content))
    handler.wfile.write(content[:1234])


def cut_off_without_length(handler, content):
    head(handler, None)
    handler.wfile.write(content[:1234])


def reset(handler, content):
    head(handler, len(content))
    handler.wfile.write(content[:1234])
    time.sleep(0.05)  # the client gets the bytes before the reset discards what is on its way
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def hang_up(handler, content):
    handler.connection.shutdown(socket.SHUT_RDWR)


def silent(handler, content):
    handler.mirror.closing.wait(5)


def stalled(handler, content):
    head(handler, len(content))
    handler.wfile.write(content[:1234])
    handler.mirror.closing.wait(5)


def drip(handler, content):
    head(handler, len(content))
    for byte in content:
        handler.wfile.write(bytes([byte]))
        if handler.mirror.closing.wait(0.02):
            break


def drip_after_a_burst(handler, content):
    head(handler, len(content))
    handler.wfile.write(content[:50_000])
    for byte in content[50_000:]:
        handler.wfile.write(bytes([byte]))
        if handler.mirror.closing.wait(0.02):
            break


def drip_headers(handler, content):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
    while not handler.mirror.closing.wait(0.02):
        handler.wfile.write(b"a")


def wrong_bytes(handler, content):
    head(handler, len(content))
    handler.wfile.write(content[:-1] + bytes([content[-1] ^ 1]))


def another_length(handler, content):
    good(handler, b"<html>Please log in to this network</html>")


def a_byte_too_many(handler, content):
    head(handler, None)
    handler.wfile.write(content + b"\0")


def endless(handler, content):
    head(handler, None)
    handler.wfile.write(content)
    while not handler.mirror.closing.is_set():
        handler.wfile.write(bytes(65_536))


def no_http(handler, content):
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
