"""Large pictures are worked on one at a time: memory does not grow with the number of people who send one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

LARGE = 1_000_000
"""Pixels above which a picture waits for its turn."""

_turn = threading.Lock()


@contextmanager
def in_turn(pixels: int) -> Iterator[None]:
    """Hold the turn during a ``with`` block if a picture has more than ``LARGE`` pixels; blocks may not be nested."""
    if pixels <= LARGE:
        yield
        return
    with _turn:
        yield
