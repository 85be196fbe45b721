"""Pages survive random damage of run folders, hostile addresses, and what a hostile browser sends to the canvas.

A normal run draws a page for each of a few inputs, always the same; the long run is that of ``test_readers.py``, with
a tenth of its inputs: a page takes 0.2 s. Each is of several parameters, or of several damaged runs.
"""

import pytest

from tests.hostile.page_readers import PAGE_READERS
from tests.hostile.test_readers import MANY, OTHER_SEED, SEED, assert_survived

INPUTS = 6
SLOWER = 10
"""A page is drawn for a tenth of the inputs of a file."""


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
    assert_survived(fuzzed(name, examples=MANY // SLOWER, seed=OTHER_SEED)[name], MANY // SLOWER)
