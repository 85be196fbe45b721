"""Mirrors that fail: what the downloader says, what it leaves behind, and how another mirror takes over."""

import socket
import threading
import time

import pytest

from mnist_core.data.published.download import FILES
from mnist_core.errors import DatasetError
from tests.core.data import mirrors
from tests.core.data.mirrors import CONTENTS, FIRST, OTHERS, fetch, good, in_folder, missing, refusal, wrong_bytes

FAILURES = {
    mirrors.missing: "answered 404",
    mirrors.overloaded: "answered 503",
    mirrors.cut_off: "sent 1,234 of 60,000 bytes",
    mirrors.cut_off_without_length: "sent 1,234 of 60,000 bytes",
    mirrors.reset: "sent 1,234 of 60,000 bytes",
    mirrors.hang_up: "could not be reached",
    mirrors.no_http: "could not be reached",
    mirrors.silent: "stalled for 0.25 s",
    mirrors.stalled: "stalled for 0.25 s",
    mirrors.drip: "was too slow: ",
    mirrors.drip_after_a_burst: "was too slow: ",
    mirrors.drip_headers: "stalled for 0.5 s",
    mirrors.wrong_bytes: "sent bytes that differ from the published SHA-256",
    mirrors.another_length: "offered 42 bytes instead of 60000",
    mirrors.a_byte_too_many: "sent more than the 60,000 bytes",
    mirrors.endless: "sent more than the 60,000 bytes",
}
every_failure = pytest.mark.parametrize("behave", FAILURES, ids=lambda behave: behave.__name__)


@every_failure
def test_a_failure_is_reported_in_plain_words_and_leaves_nothing(serve, tmp_path, behave):
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


def test_a_mirror_where_nobody_listens_is_skipped(serve, tmp_path):
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


def test_an_invalid_address_is_reported(tmp_path):
    assert "mirror failed: " in refusal(tmp_path, "mirror")


def test_no_mirror_at_all_is_reported(tmp_path):
    assert "no mirror was named" in refusal(tmp_path)


def test_a_download_error_is_a_data_set_error(tmp_path):
    with pytest.raises(DatasetError):
        fetch(tmp_path)


def test_endless_bytes_are_not_read(serve, tmp_path):
    mirror, seen = serve(mirrors.endless), []
    refusal(tmp_path, mirror, progress=lambda done, total, message: seen.append(done))
    assert mirror.hung_up.wait(2)
    assert max(seen) <= len(CONTENTS[FIRST]) + 1


def test_a_mirror_given_up_is_hung_up_on(serve, tmp_path):
    mirror = serve(mirrors.drip)
    refusal(tmp_path, mirror)
    assert mirror.hung_up.wait(2)
