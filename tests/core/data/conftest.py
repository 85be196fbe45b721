"""Fixtures of the tests of the data."""

import contextlib

import pytest

from tests.core.data.mirrors import CONTENTS, Mirror


@pytest.fixture(scope="session")
def idx_folder(tmp_path_factory):
    """One folder for all examples of a property; each of them overwrites the last one's file."""
    return tmp_path_factory.mktemp("idx")


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
