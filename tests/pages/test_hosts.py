"""The server answers to the names that it was told, in pages and in WebSockets, and to nothing else."""

import http.client
import socket
from base64 import b64encode

import pytest
import streamlit as st
from hypothesis import given, strategies

from pages.components import hosts
from tests.browser.server import serve

NAME = socket.gethostname()
EVIL = "evil.example"


def request(url, path, host, **headers):
    """Status of a request to the server, whatever it calls it."""
    place = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    place.putrequest("GET", path, skip_host=True)
    for name, value in {"Host": host, **headers}.items():
        if value is not None:
            place.putheader(name.replace("_", "-"), value)
    place.endheaders()
    response = place.getresponse()
    text = b"" if response.status == 101 else response.read()
    place.close()
    return response.status, text


def open_socket(url, host, origin):
    """Status that the server answers to a WebSocket with: 101 if it accepts it."""
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13", "Origin": origin}
    key = b64encode(bytes(16)).decode()
    return request(url, "/_stcore/stream", host, **upgrade, Sec_WebSocket_Key=key)[0]


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The app as it starts without options."""
    with serve(tmp_path_factory.mktemp("local")) as app:
        yield app.url, app.url.rsplit(":", 1)[1]


@pytest.fixture(scope="module")
def class_room(tmp_path_factory):
    """The app as a teacher starts it, told one more name."""
    options = ("--server.address", "0.0.0.0", "--browser.serverAddress", "mnist.school.example")
    with serve(tmp_path_factory.mktemp("class_room"), *options) as app:
        yield app.url, app.url.rsplit(":", 1)[1]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST."])
def test_the_own_names_are_answered(local, host):
    url, port = local
    assert request(url, "/", f"{host}:{port}")[0] == 200
    assert open_socket(url, f"{host}:{port}", f"http://{host}:{port}") == 101
    assert open_socket(url, f"{host}:{port}", None) == 101


@pytest.mark.parametrize(
    "host",
    [
        EVIL,
        f"localhost.{EVIL}",
        f"127.0.0.1.{EVIL}",
        "10.0.0.7",
        "user@localhost",
        "localhost/x",
        "localhost,x",
        "",
        None,
    ],
)
def test_foreign_names_are_refused(local, host):
    url, port = local
    named = host and f"{host}:{port}"
    status, text = request(url, "/", named)
    assert status in (400, 403)
    assert b"<html" not in text
    assert open_socket(url, named, f"http://{named}") in (400, 403)


@pytest.mark.parametrize("path", ["/training", "/_stcore/host-config", "/_stcore/upload_file/x/y", "/media/x.png"])
def test_all_of_the_server_is_behind_the_check(local, path):
    url, port = local
    status, text = request(url, path, f"{EVIL}:{port}")
    assert status == 403
    assert b"--browser.serverAddress" in text


@pytest.mark.parametrize("origin", [f"http://{EVIL}", "null", f"http://{EVIL}:80", f"http://localhost.{EVIL}"])
def test_a_page_of_another_server_opens_no_connection(local, origin):
    url, port = local
    assert open_socket(url, f"localhost:{port}", origin) == 403


def test_the_health_check_needs_no_name(local):
    url, _ = local
    assert request(url, "/_stcore/health", "10.1.2.3:80") == (200, b"ok")


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "192.168.1.20", "[fe80::1]", NAME, f"{NAME}.local", "mnist.school.example"]
)
def test_a_class_room_reaches_the_server_by_its_addresses_and_names(class_room, host):
    url, port = class_room
    assert request(url, "/", f"{host}:{port}")[0] == 200
    assert open_socket(url, f"{host}:{port}", f"http://{host}:{port}") == 101


@pytest.mark.parametrize("host", [EVIL, f"mnist.school.example.{EVIL}", f"x.{NAME}.{EVIL}"])
def test_a_class_room_is_closed_to_foreign_names(class_room, host):
    url, port = class_room
    assert request(url, "/", f"{host}:{port}")[0] == 403
    assert open_socket(url, f"{host}:{port}", f"http://{host}:{port}") == 403
    assert open_socket(url, f"localhost:{port}", f"http://{host}:{port}") == 403


@pytest.mark.parametrize(
    ("address", "others"),
    [
        ("localhost", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("0.0.0.0", True),
        ("192.168.1.20", True),
        (None, True),
    ],
)
def test_others_are_served_by_what_the_server_is_bound_to(monkeypatch, address, others):
    monkeypatch.setattr(st, "get_option", {"server.address": address}.get)
    assert hosts.serves_others() == others


@given(strategies.text(max_size=30))
def test_any_text_may_come_as_a_name(text):
    name = hosts.host_name(text)
    assert hosts.is_known(name) in (True, False)
