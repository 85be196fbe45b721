"""Pages survive random damage of run folders, hostile addresses, and what a hostile browser sends to the canvas.

A normal run draws a page for each of a few inputs, always the same; the long run is that of ``test_readers.py``.
"""

import pytest

from tests.hostile.page_readers import PAGE_READERS
from tests.hostile.test_readers import MANY, OTHER_SEED, SEED, assert_survived

INPUTS = 10
SLOWER = 5
"""A page takes this many times as long as a file, so that it is drawn for fewer inputs."""


@pytest.fixture(scope="module")
def reports(fuzzed):
    """Reports of all pages on a few inputs, by kind of input."""
    return fuzzed(*PAGE_READERS, examples=INPUTS, seed=SEED)


@pytest.mark.parametrize("name", PAGE_READERS)
def test_hostile_inputs(name, reports):
    assert_survived(reports[name], INPUTS)


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGE_READERS)
def test_many_hostile_inputs(name, fuzzed):
    many = MANY if MANY >= 20_000 else MANY // SLOWER
    assert_survived(fuzzed(name, examples=many, seed=OTHER_SEED)[name], many)
