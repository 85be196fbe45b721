"""The downloader against a local server that serves, lies, cuts off, stalls and drips."""

import hashlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mnist_core import download as downloader
from mnist_core.download import FILES, SIZES, download
from mnist_core.errors import DownloadError

CONTENT = {"images.gz": bytes(range(256)) * 1200, "labels.gz": b"labels" * 50}
SMALL = {name: (len(body), hashlib.sha256(body).hexdigest()) for name, body in CONTENT.items()}
TIMEOUT = (0.5, 0.4)


class Mirror:
    """A server whose ``behave(handler, body)`` sends the answer; ``asked`` lists the names asked for."""

    def __init__(self, behave, content):
        mirror = self
        self.asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.rsplit("/", 1)[-1]
                mirror.asked.append(name)
                try:
                    behave(self, content[name])
                except (BrokenPipeError, ConnectionResetError):
                    mirror.asked.append("hung up")

            def log_message(self, *_):
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/mnist/"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def serve():
    mirrors = []

    def start(behave, content=CONTENT):
        mirrors.append(Mirror(behave, content))
        return mirrors[-1]

    yield start
    for mirror in mirrors:
        mirror.server.shutdown()
        mirror.server.server_close()


def head(handler, length):
    handler.send_response(200)
    handler.send_header("Content-Length", str(length))
    handler.end_headers()


def good(handler, body):
    head(handler, len(body))
    handler.wfile.write(body)


def not_found(handler, body):
    handler.send_error(404)


def cut_off(handler, body):
    head(handler, len(body))
    handler.wfile.write(body[: len(body) // 2])


def stalled(handler, body):
    head(handler, len(body))
    handler.wfile.write(body[:10])
    handler.wfile.flush()
    time.sleep(1.5)


def dripping(handler, body):
    head(handler, len(body))
    for byte in body[:30]:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.05)


def wrong_bytes(handler, body):
    head(handler, len(body))
    handler.wfile.write(body[::-1])


def wrong_length(handler, body):
    good(handler, body + b"more")


def endless(handler, body):
    handler.send_response(200)
    handler.end_headers()
    for _ in range(2000):
        handler.wfile.write(bytes(100_000))


def dead_url():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


def fetch(folder, *urls, progress=None):
    return download(folder, urls, progress, TIMEOUT, SMALL)


def assert_complete(folder):
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT


def test_good(serve, tmp_path):
    seen = []
    assert fetch(tmp_path / "new", serve(good).url, progress=lambda *told: seen.append(told)) == tmp_path / "new"
    assert_complete(tmp_path / "new")
    total = sum(map(len, CONTENT.values()))
    assert {told[1] for told in seen} == {total}
    assert [told[0] for told in seen] == sorted(told[0] for told in seen)
    assert seen[-1][0] == total
    assert "127.0.0.1" in seen[0][2]


@pytest.mark.parametrize(
    ("behave", "words"),
    [
        (not_found, "answered 404"),
        (cut_off, "sent 153,600 of 307,200 bytes"),
        (stalled, "stalled for 0.4 s"),
        (dripping, "was too slow"),
        (wrong_bytes, "differ from the published SHA-256"),
        (wrong_length, "offered 307204 bytes instead of 307200"),
        (endless, "sent more than the 307,200 bytes"),
    ],
)
def test_a_bad_mirror_is_named_leaves_nothing_and_the_next_one_is_asked(serve, tmp_path, behave, words):
    bad = serve(behave)
    with pytest.raises(DownloadError) as caught:
        fetch(tmp_path, bad.url)
    message = str(caught.value)
    assert message.startswith("images.gz could not be downloaded: 127.0.0.1:")
    assert words in message
    assert str(tmp_path) in message
    assert "MNIST_DATA_DIR" in message
    assert list(tmp_path.iterdir()) == []

    fetch(tmp_path, bad.url, serve(good).url)
    assert_complete(tmp_path)


def test_the_first_mirror_is_dead(serve, tmp_path):
    with pytest.raises(DownloadError, match="could not be reached"):
        fetch(tmp_path, dead_url())
    alive = serve(good)
    fetch(tmp_path, dead_url(), alive.url)
    assert_complete(tmp_path)


def test_what_is_there_and_right_is_not_fetched_again(serve, tmp_path):
    def first_file_only(handler, body):
        good(handler, body) if body is CONTENT["images.gz"] else not_found(handler, body)

    with pytest.raises(DownloadError, match=r"labels\.gz could not be downloaded"):
        fetch(tmp_path, serve(first_file_only).url)
    assert [path.name for path in tmp_path.iterdir()] == ["images.gz"]
    mirror = serve(good)
    fetch(tmp_path, mirror.url)
    assert mirror.asked == ["labels.gz"]
    (tmp_path / "images.gz").write_bytes(CONTENT["images.gz"][::-1])
    fetch(tmp_path, mirror.url)
    assert mirror.asked == ["labels.gz", "images.gz"]
    fetch(tmp_path, dead_url())
    assert_complete(tmp_path)


def test_downloads_at_once_do_not_disturb_one_another(serve, tmp_path):
    url = serve(good).url
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: fetch(tmp_path, url), range(4)))
    assert_complete(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(serve, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match=r"file.*: cannot be written to .*Make room or allow writing"):
        fetch(tmp_path / "file", serve(good).url)


def test_old_leftovers_are_removed_and_young_ones_kept(serve, tmp_path, monkeypatch):
    (tmp_path / ".download-old").mkdir()
    fetch(tmp_path, serve(good).url)
    assert (tmp_path / ".download-old").exists()
    monkeypatch.setattr(downloader, "LEFTOVER_SECONDS", -1)
    fetch(tmp_path, dead_url())
    assert_complete(tmp_path)


def test_the_published_files(serve, full_data_dir, tmp_path):
    content = {name: (full_data_dir / name).read_bytes() for name in SIZES}
    assert {name: (len(body), hashlib.sha256(body).hexdigest()) for name, body in content.items()} == FILES
    folder = download(tmp_path, [dead_url(), serve(good, content).url])
    assert {path.name for path in folder.iterdir()} == set(SIZES)
