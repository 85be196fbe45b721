"""Old addresses of pages lead to the new ones."""

from collections.abc import Awaitable, Callable, Mapping

from pages.components.hosts import Receive, Scope, Send


class Redirects:
    """An ASGI application before another one: it answers requests for pages that have moved with their new address.

    Parameters
    ----------
    app : ASGI application
    moved : dict of str to str
        The last part of the new path, by that of the old one.
    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], moved: Mapping[str, str]) -> None:
        self.app = app
        self.moved = moved

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer where the page is now; its query stays."""
        place = scope["path"].rstrip("/").rpartition("/")[2] if scope["type"] == "http" else ""
        if place not in self.moved:
            await self.app(scope, receive, send)
            return
        query = scope.get("query_string", b"")
        above = ".." if scope["path"].endswith("/") else "."
        location = f"{above}/{self.moved[place]}".encode() + (b"?" + query if query else b"")
        await send({"type": "http.response.start", "status": 307, "headers": [(b"location", location)]})
        await send({"type": "http.response.body", "body": b""})
