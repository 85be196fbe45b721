"""Which names the server answers to, and whether other computers reach it.

A foreign web page can let its own name point to this computer (DNS rebinding), and would then talk to this server as if
it came from there. So a request must name the server as its users do.
"""

import ipaddress
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

HEALTH = "/_stcore/health"
LOCAL = "localhost"
REACHED = "Other computers can reach this server, so"
"""How a sentence begins that says why something is off here."""


def serves_others() -> bool:
    """Whether other computers reach this server: it is bound to more than this computer's own address."""
    address = st.get_option("server.address")
    return not address or not (address == LOCAL or _is_loopback(address))


def is_known(name: str | None) -> bool:
    """Whether a host name or an IP address is one of this server's.

    Always ``localhost``, and what ``--browser.serverAddress`` or ``--server.allowedHosts`` say. If other computers
    reach the server, also this computer's name and any IP address, which no name server can let point elsewhere.
    """
    if not name:
        return False
    name = name.lower().rstrip(".")
    if _ip(name):
        return serves_others() or _is_loopback(name)
    told = [LOCAL, st.get_option("browser.serverAddress"), *st.get_option("server.allowedHosts")]
    if serves_others():
        own = socket.gethostname()
        told += [own, f"{own}.local", own.split(".")[0]]
    return any(fnmatchcase(name, pattern.strip().lower().rstrip(".")) for pattern in told if pattern)


def _ip(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _is_loopback(name: str) -> bool:
    address = _ip(name)
    return address is not None and address.is_loopback


def host_name(netloc: str) -> str | None:
    """Host name of ``name:port`` or ``[address]:port``; None if it is none."""
    try:
        parts = urlsplit(f"//{netloc}")
        _ = parts.port  # raises unless it is a number in range
        return parts.hostname if parts.netloc == netloc and "@" not in netloc else None
    except ValueError:
        return None


class KnownHosts:
    """An ASGI application before another one: it refuses requests that name another host than this server.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer that it is refused."""
        if scope["type"] not in ("http", "websocket") or scope["path"].endswith(HEALTH) or _is_welcome(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": REFUSAL.encode()})


REFUSAL = (
    "This server does not answer to the name in the address. Open it as http://localhost and its port; or whoever runs "
    "it starts it again with that name: streamlit run app.py --browser.serverAddress NAME\n"
)


def _is_welcome(scope: Scope) -> bool:
    """Whether the request names this server, and, if it opens a connection that stays, comes from one of its pages."""
    hosts, origins = (
        [value.decode("latin-1") for name, value in scope["headers"] if name == header]
        for header in (b"host", b"origin")
    )
    if len(hosts) != 1 or not is_known(host_name(hosts[0])):
        return False
    if scope["type"] == "http" or not st.get_option("server.enableCORS"):
        return True
    allowed = {origin.strip() for origin in st.get_option("server.corsAllowedOrigins")}
    return all(origin in allowed or is_known(host_name(urlsplit(origin).netloc)) for origin in origins)
