"""The downloader and mirrors that deliver: files, repeated and simultaneous downloads, the disk, progress."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.data.published import download as module
from mnist_core.data.published.download import FILES, LEFTOVER_PREFIX, LEFTOVER_SECONDS, MIRRORS, download
from tests.core.data.mirrors import (
    CONTENTS,
    FIRST,
    OTHERS,
    STAND_INS,
    TIMEOUT,
    TOTAL,
    cut_off,
    drip,
    fetch,
    good,
    head,
    in_folder,
    missing,
    refusal,
)

ROOT = Path(__file__).parents[4]

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


# Starting again


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


def test_nothing_is_asked_for_when_all_files_are_complete(serve, tmp_path):
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
from mnist_core.data.published.download import download
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
def test_a_full_disk_is_reported_and_leaves_nothing(serve, tmp_path):
    _, message = start_process(tmp_path, serve(good), limit=20_000).communicate(timeout=10)
    assert message.startswith(f"DownloadError: {tmp_path}: can't be written to (File too large)")
    assert f"{TOTAL:,} bytes" in message
    assert in_folder(tmp_path) == {}


def test_a_file_in_place_of_the_folder_is_reported(serve, tmp_path):
    (tmp_path / "file").write_bytes(b"mine")
    mirror = serve(good)
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        message = refusal(folder, mirror)
        assert f"{folder}: can't be written to" in message and "another folder" in message
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert mirror.requests == []


def test_a_folder_in_place_of_a_file_is_reported(serve, tmp_path):
    (tmp_path / FIRST).mkdir()
    assert "can't be written to" in refusal(tmp_path, serve(good))
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

    def list_folder(done, total, message):
        if 0 < done < len(CONTENTS[FIRST]):
            half_way.extend(path.name for path in tmp_path.iterdir())

    fetch(tmp_path, serve(good), progress=list_folder)
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
def test_a_progress_callback_may_stop_the_download_and_nothing_is_left(serve, tmp_path, monkeypatch, error):
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
    assert load_dataset("full", folder).name.plain == "MNIST (full)"
