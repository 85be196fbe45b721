"""Fixtures of the tests of the data."""

import contextlib

import pytest

from tests.core.data.mirrors import CONTENTS, Mirror, fetch, good


@pytest.fixture(scope="session")
def idx_folder(tmp_path_factory):
    """One folder for all examples of a property; each of them overwrites the last one's file."""
    return tmp_path_factory.mktemp("idx")


@pytest.fixture(scope="session")
def warm(tmp_path_factory):
    """The first request of a process loads certificates, for longer than the tests of slow mirrors wait."""
    with pytest.MonkeyPatch.context() as patch, contextlib.closing(Mirror(good, CONTENTS)) as mirror:
        patch.setenv("NO_PROXY", "127.0.0.1")
        fetch(tmp_path_factory.mktemp("warm"), mirror, timeout=(10.0, 10.0))


@pytest.fixture
def serve(monkeypatch, warm):
    """A function that starts a mirror with a behaviour; all are closed in the end."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with contextlib.ExitStack() as mirrors:

        def start(behave, contents=CONTENTS):
            mirror = Mirror(behave, contents)
            mirrors.callback(mirror.close)
            return mirror

        yield start
