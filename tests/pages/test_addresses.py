"""Old addresses of pages lead to the new ones."""

from urllib.parse import urljoin

import pytest

from pages.components.addresses import Redirects
from pages.components.router import FORMER_ADDRESSES, PAGES


def answer(path, query=b"", kind="http"):
    """Return the location that a request is sent to, or None where it is passed on."""
    passed, sent = [], []

    async def app(scope, receive, send):
        passed.append(scope)

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "path": path, "query_string": query}
    with pytest.raises(StopIteration):  # it waits for nothing; another test may have left a loop of asyncio running
        Redirects(app, FORMER_ADDRESSES)(scope, None, send).send(None)
    assert bool(passed) != bool(sent)
    return dict(sent[0]["headers"])[b"location"].decode() if sent else None


@pytest.mark.parametrize("path", ["/suspects", "/suspects/", "/below/suspects"])
def test_an_old_link_leads_to_the_page_and_keeps_its_query(path):
    expected = f"{path.rstrip('/').removesuffix('suspects')}label_issues"
    assert urljoin(path, answer(path)) == expected
    assert urljoin(path, answer(path, b"run=a&split=test")) == f"{expected}?run=a&split=test"


def test_everything_else_is_passed_on():
    for path in (
        "/",
        "/label_issues",
        "/suspects/_stcore/health",
        "/media/suspects.png",
        *(f"/{page.file}" for page in PAGES),
    ):
        assert answer(path) is None
    assert answer("/suspects", kind="websocket") is None


def test_former_addresses_are_of_no_page_and_lead_to_one():
    files = {page.file for page in PAGES}
    assert files.isdisjoint(FORMER_ADDRESSES)
    assert files.issuperset(FORMER_ADDRESSES.values())
