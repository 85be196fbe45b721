"""The downloader, held against a server on this computer that delivers, refuses, breaks off, stalls, drips and lies."""

import contextlib
import gzip
import hashlib
import http.server
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mnist_core.data import download as module
from mnist_core.data.dataset import load_dataset
from mnist_core.data.download import FILES, LEFTOVER_PREFIX, LEFTOVER_SECONDS, MIRRORS, download
from mnist_core.errors import DatasetError, DownloadError

ROOT = Path(__file__).parents[3]
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


@pytest.fixture
def serve(monkeypatch):
    """A function that starts a mirror with a behaviour; all are closed in the end."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with contextlib.ExitStack() as mirrors:

        def start(behave, contents=CONTENTS):
            mirror = Mirror(behave, contents)
            mirrors.callback(mirror.close)
            return mirror

        yield start


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


FAILURES = {
    missing: "answered 404",
    overloaded: "answered 503",
    cut_off: "sent 1,234 of 60,000 bytes",
    cut_off_without_length: "sent 1,234 of 60,000 bytes",
    reset: "sent 1,234 of 60,000 bytes",
    hang_up: "could not be reached",
    no_http: "could not be reached",
    silent: "stalled for 0.25 s",
    stalled: "stalled for 0.25 s",
    drip: "was too slow: ",
    drip_after_a_burst: "was too slow: ",
    drip_headers: "stalled for 0.5 s",
    wrong_bytes: "sent bytes that differ from the published SHA-256",
    another_length: "offered 42 bytes instead of 60000",
    a_byte_too_many: "sent more than the 60,000 bytes",
    endless: "sent more than the 60,000 bytes",
}
every_failure = pytest.mark.parametrize("behave", FAILURES, ids=lambda behave: behave.__name__)


# What a download does


def test_all_files_are_fetched_and_nothing_else_is_left(serve, tmp_path):
    mirror = serve(good)
    folder = tmp_path / "new" / "folder"
    assert fetch(folder, mirror) == folder
    assert in_folder(folder) == CONTENTS
    assert mirror.requests == list(FILES)


def test_a_mirror_may_be_named_without_a_slash(serve, tmp_path):
    mirror = serve(good)
    fetch(tmp_path, mirror.url.rstrip("/"))
    assert in_folder(tmp_path) == CONTENTS


def test_an_answer_in_chunks_is_put_together(serve, tmp_path):
    def chunked(handler, content):
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for start in range(0, len(content), 7000):
            part = content[start : start + 7000]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        handler.wfile.write(b"0\r\n\r\n")
        handler.close_connection = True

    fetch(tmp_path, serve(chunked))
    assert in_folder(tmp_path) == CONTENTS


def test_a_redirection_is_followed(serve, tmp_path):
    target = serve(good)

    def redirect(handler, content):
        handler.send_response(302)
        handler.send_header("Location", f"http://{target.host}{handler.path}")
        handler.end_headers()

    fetch(tmp_path, serve(redirect))
    assert in_folder(tmp_path) == CONTENTS


def test_a_server_that_unpacks_gzip_on_its_way_is_asked_not_to(serve, tmp_path):
    packed = {name: gzip.compress(content) for name, content in CONTENTS.items()}

    def transcode(handler, content):
        good(handler, content if handler.headers["Accept-Encoding"] == "identity" else gzip.decompress(content))

    registry = {name: (len(body), hashlib.sha256(body).hexdigest()) for name, body in packed.items()}
    fetch(tmp_path, serve(transcode, packed), files=registry)
    assert in_folder(tmp_path) == packed


def test_a_gzip_content_encoding_does_not_unpack_the_file(serve, tmp_path):
    packed = {name: gzip.compress(content) for name, content in CONTENTS.items()}

    def label(handler, content):
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()
        handler.wfile.write(content)

    registry = {name: (len(body), hashlib.sha256(body).hexdigest()) for name, body in packed.items()}
    fetch(tmp_path, serve(label, packed), files=registry)
    assert in_folder(tmp_path) == packed


def test_a_slow_but_steady_mirror_may_take_longer_than_the_time_outs(serve, tmp_path):
    def steady(handler, content):
        head(handler, len(content))
        for start in range(0, len(content), 6000):
            time.sleep(0.08)
            handler.wfile.write(content[start : start + 6000])

    begin = time.monotonic()
    fetch(tmp_path, serve(steady))
    assert time.monotonic() - begin > 0.75 > sum(TIMEOUT)
    assert in_folder(tmp_path) == CONTENTS


def test_the_folder_is_the_users_cache_unless_named(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "cache_dir", lambda: tmp_path / "cache")
    assert fetch(None, serve(good)) == tmp_path / "cache"
    assert in_folder(tmp_path / "cache") == CONTENTS


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_the_files_get_the_usual_permissions(serve, tmp_path):
    fetch(tmp_path, serve(good))
    (tmp_path / "usual").touch()
    assert (tmp_path / FIRST).stat().st_mode == (tmp_path / "usual").stat().st_mode


# When a mirror fails


@every_failure
def test_a_failure_is_told_in_plain_words_and_leaves_nothing(serve, tmp_path, behave):
    mirror = serve(behave)
    begin = time.monotonic()
    message = refusal(tmp_path, mirror)
    assert time.monotonic() - begin < 2
    assert f"{FIRST} could not be downloaded: {mirror.host} {FAILURES[behave]}" in message
    for word in ("Try again", f"into {tmp_path}", "MNIST_DATA_DIR"):
        assert word in message
    assert message.count(". ") <= 1 and "\n" not in message
    assert in_folder(tmp_path) == {}
    assert mirror.requests == [FIRST]


@every_failure
def test_the_next_mirror_takes_over_and_stays(serve, tmp_path, behave):
    bad, other = serve(behave), serve(good)
    fetch(tmp_path, bad, other)
    assert in_folder(tmp_path) == CONTENTS
    assert bad.requests == [FIRST]
    assert other.requests == list(FILES)


def test_a_mirror_that_fails_later_is_replaced_by_one_that_failed_before(serve, tmp_path):
    def only(*names):
        return lambda handler, content: (good if handler.mirror.requests[-1] in names else missing)(handler, content)

    one, two = serve(only(*OTHERS)), serve(only(FIRST))
    fetch(tmp_path, one, two)
    assert in_folder(tmp_path) == CONTENTS
    assert one.requests == list(FILES)
    assert two.requests == list(FILES)[:2]


def test_every_mirror_is_named_with_its_own_failure(serve, tmp_path):
    one, two = serve(missing), serve(wrong_bytes)
    message = refusal(tmp_path, one, two)
    assert f"{one.host} answered 404; {two.host} sent bytes that differ" in message


def test_a_mirror_where_nobody_listens_is_passed_over(serve, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        dead = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    assert f"{dead[7:-1]} could not be reached." in refusal(tmp_path, dead)
    fetch(tmp_path, dead, serve(good))
    assert in_folder(tmp_path) == CONTENTS


def test_a_server_without_tls_is_not_trusted(serve, tmp_path):
    mirror = serve(good)
    assert f"{mirror.host} could not be reached over a trusted TLS" in refusal(tmp_path, f"https://{mirror.host}/")


def test_a_silent_name_server_is_not_waited_for(tmp_path, monkeypatch):
    released = threading.Event()

    def getaddrinfo(*_, **__):
        released.wait(5)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setenv("NO_PROXY", "*")
    begin = time.monotonic()
    assert "mirror.example stalled for 0.5 s" in refusal(tmp_path, "http://mirror.example/")
    assert time.monotonic() - begin < 2
    released.set()


def test_something_that_is_no_address_is_told(tmp_path):
    assert "mirror failed: " in refusal(tmp_path, "mirror")


def test_no_mirror_at_all_is_told(tmp_path):
    assert "no mirror was named" in refusal(tmp_path)


def test_a_download_error_is_a_data_set_error(tmp_path):
    with pytest.raises(DatasetError):
        fetch(tmp_path)


def test_endless_bytes_are_not_read(serve, tmp_path):
    mirror, seen = serve(endless), []
    refusal(tmp_path, mirror, progress=lambda done, total, message: seen.append(done))
    assert mirror.hung_up.wait(2)
    assert max(seen) <= len(CONTENTS[FIRST]) + 1


def test_a_mirror_given_up_is_hung_up_on(serve, tmp_path):
    mirror = serve(drip)
    refusal(tmp_path, mirror)
    assert mirror.hung_up.wait(2)


# Beginning again


def test_what_was_fetched_before_a_failure_is_not_fetched_again(serve, tmp_path):
    third = list(FILES)[2]
    mirror = serve(lambda handler, content: (missing if content == CONTENTS[third] else good)(handler, content))
    assert f"{third} could not be downloaded" in refusal(tmp_path, mirror)
    assert set(in_folder(tmp_path)) == set(list(FILES)[:2])
    mirror.behave = good
    mirror.requests.clear()
    fetch(tmp_path, mirror)
    assert mirror.requests == list(FILES)[2:]
    assert in_folder(tmp_path) == CONTENTS


def test_nothing_is_asked_for_when_all_is_there(serve, tmp_path):
    mirror, seen = serve(good), []
    fetch(tmp_path, mirror)
    mirror.requests.clear()
    fetch(tmp_path, mirror, progress=lambda done, total, message: seen.append((done, total)))
    assert mirror.requests == []
    assert seen[-1] == (TOTAL, TOTAL)
    assert in_folder(tmp_path) == CONTENTS


@pytest.mark.parametrize(
    "damage",
    [lambda body: body[:-1], lambda body: body + b"\0", lambda body: b"\0" + body[1:], lambda body: b""],
    ids=["short", "long", "same size", "empty"],
)
def test_a_file_with_wrong_bytes_is_fetched_again(serve, tmp_path, damage):
    mirror = serve(good)
    fetch(tmp_path, mirror)
    mirror.requests.clear()
    wrong = damage(CONTENTS[OTHERS[0]])
    (tmp_path / OTHERS[0]).write_bytes(wrong)
    mirror.behave = missing
    refusal(tmp_path, mirror)
    assert in_folder(tmp_path) == CONTENTS | {OTHERS[0]: wrong}
    mirror.behave = good
    fetch(tmp_path, mirror)
    assert mirror.requests == [OTHERS[0]] * 2
    assert in_folder(tmp_path) == CONTENTS


def test_the_remains_of_a_killed_download_are_removed_when_old(serve, tmp_path):
    old, young = tmp_path / f"{LEFTOVER_PREFIX}old", tmp_path / f"{LEFTOVER_PREFIX}young"
    for folder in (old, young):
        folder.mkdir()
        (folder / FIRST).write_bytes(b"half a file")
    long_ago = time.time() - LEFTOVER_SECONDS - 60
    os.utime(old, (long_ago, long_ago))
    fetch(tmp_path, serve(good))
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, young.name}


# Several downloads at once


def test_downloads_in_several_threads_do_not_break_each_other(serve, tmp_path):
    together = threading.Barrier(3)

    def behave(handler, content):
        head(handler, len(content))
        handler.wfile.write(content[:100])
        if handler.mirror.requests.count(FIRST) <= 3 and content == CONTENTS[FIRST]:
            together.wait(5)
        handler.wfile.write(content[100:])

    mirror, outcomes = serve(behave), []
    threads = [
        threading.Thread(target=lambda: outcomes.append(fetch(tmp_path, mirror, timeout=(5, 5)))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert outcomes == [tmp_path] * 3
    assert in_folder(tmp_path) == CONTENTS


CHILD = """
import json, sys
from mnist_core.data.download import download
folder, url, files, limit = json.loads(sys.argv[1])
if limit:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    download(folder, [url], timeout=(5, 5), files=files)
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def start_process(folder, mirror, limit=None):
    task = json.dumps([str(folder), mirror.url, STAND_INS, limit])
    return subprocess.Popen([sys.executable, "-c", CHILD, task], cwd=ROOT, stderr=subprocess.PIPE, text=True)


def test_downloads_in_two_processes_do_not_break_each_other(serve, tmp_path):
    together = threading.Barrier(2)

    def behave(handler, content):
        if content == CONTENTS[FIRST]:
            together.wait(8)
        good(handler, content)

    mirror = serve(behave)
    processes = [start_process(tmp_path, mirror) for _ in range(2)]
    assert [process.communicate(timeout=10)[1] for process in processes] == ["", ""]
    assert mirror.requests.count(FIRST) == 2
    assert in_folder(tmp_path) == CONTENTS


# The disk


@pytest.mark.skipif(os.name == "nt", reason="needs a limit of the file size, which Windows does not have")
def test_a_full_disk_is_told_and_nothing_is_left(serve, tmp_path):
    _, message = start_process(tmp_path, serve(good), limit=20_000).communicate(timeout=10)
    assert message.startswith(f"DownloadError: {tmp_path}: cannot be written to (File too large)")
    assert f"{TOTAL:,} bytes" in message
    assert in_folder(tmp_path) == {}


def test_a_file_in_place_of_the_folder_is_told(serve, tmp_path):
    (tmp_path / "file").write_bytes(b"mine")
    mirror = serve(good)
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        message = refusal(folder, mirror)
        assert f"{folder}: cannot be written to" in message and "another folder" in message
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert mirror.requests == []


def test_a_folder_in_place_of_a_file_is_told(serve, tmp_path):
    (tmp_path / FIRST).mkdir()
    assert "cannot be written to" in refusal(tmp_path, serve(good))
    assert list(tmp_path.iterdir()) == [tmp_path / FIRST]


# Progress


def report_every_piece(monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_REPORTS", 0)
    monkeypatch.setattr(module, "CHUNK_BYTES", 8_192)


def test_progress_counts_up_to_the_total_while_bytes_arrive(serve, tmp_path, monkeypatch):
    report_every_piece(monkeypatch)
    mirror, seen = serve(good), []
    fetch(tmp_path, mirror, progress=lambda *report: seen.append(report))
    done = [report[0] for report in seen]
    assert done == sorted(done) and done[0] == 0 and done[-1] == TOTAL
    assert {report[1] for report in seen} == {TOTAL}
    assert seen[0][2] == f"Fetching {FIRST} from {mirror.host}"
    assert seen[-1][2] == f"{list(FILES)[-1]} is complete"
    assert any(0 < count < len(CONTENTS[FIRST]) for count in done)


def test_a_file_is_put_together_beside_its_place_and_moved_there_whole(serve, tmp_path, monkeypatch):
    report_every_piece(monkeypatch)
    half_way = []

    def look(done, total, message):
        if 0 < done < len(CONTENTS[FIRST]):
            half_way.extend(path.name for path in tmp_path.iterdir())

    fetch(tmp_path, serve(good), progress=look)
    assert half_way and all(name.startswith(LEFTOVER_PREFIX) for name in half_way)
    assert in_folder(tmp_path) == CONTENTS


def test_progress_is_not_called_for_every_few_bytes(serve, tmp_path):
    def in_small_pieces(handler, content):
        head(handler, len(content))
        for start in range(0, len(content), 100):
            handler.wfile.write(content[start : start + 100])
            time.sleep(0.0002)

    seen = []
    begin = time.monotonic()
    fetch(tmp_path, serve(in_small_pieces), progress=lambda *report: seen.append(report))
    most = 2 * len(FILES) + (time.monotonic() - begin) / module.SECONDS_BETWEEN_REPORTS
    assert 2 * len(FILES) <= len(seen) <= most


def test_progress_goes_back_when_a_mirror_fails(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_REPORTS", 0)
    seen = []
    fetch(tmp_path, serve(cut_off), serve(good), progress=lambda done, *_: seen.append(done))
    assert seen[:3] == [0, 1234, 0]
    assert seen[-1] == TOTAL


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_whoever_watches_may_stop_it_and_nothing_is_left(serve, tmp_path, monkeypatch, error):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_REPORTS", 0)
    mirror = serve(drip)

    def stop(done, total, message):
        if done:
            raise error("enough")

    with pytest.raises(error, match="enough"):
        fetch(tmp_path, mirror, progress=stop)
    assert in_folder(tmp_path) == {}
    assert mirror.hung_up.wait(2)


# The published files


def test_the_mirrors_and_sizes_are_the_published_ones(full_data_dir):
    assert all(mirror.startswith("https://") and mirror.endswith("/mnist/") for mirror in MIRRORS)
    for name, (size, sha256) in FILES.items():
        content = (full_data_dir / name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (size, sha256)


def test_the_full_mnist_is_fetched_and_loaded(full_data_dir, serve, tmp_path):
    contents = {name: (full_data_dir / name).read_bytes() for name in FILES}
    seen = []
    folder = download(tmp_path, [serve(good, contents).url], lambda *report: seen.append(report))
    assert seen[-1][:2] == (11_594_722, 11_594_722)
    assert load_dataset("full", folder).name == "MNIST (full)"
