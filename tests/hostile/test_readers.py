"""Every reader survives hostile files: an error is the boundary's own sentence, and comes in time and within memory.

A normal run reads 40 inputs a reader, always the same. The long run, for a release or after a reader changed, takes
about an hour on two cores; its counts are printed with ``-rP``:

    MNIST_HOSTILE_INPUTS=20000 MNIST_HOSTILE_SEED=7 python -m pytest tests/hostile/test_readers.py -m slow -rP
"""

import os

import pytest

from tests.hostile.file_readers import FILE_READERS
from tests.hostile.run_readers import RUN_READERS
from tests.hostile.source_readers import SOURCE_READERS
from tests.hostile.word_readers import WORD_READERS

READERS = (*FILE_READERS, *SOURCE_READERS, *RUN_READERS, *WORD_READERS)
INPUTS, SEED = 40, 11
MANY = int(os.environ.get("MNIST_HOSTILE_INPUTS", "200"))
OTHER_SEED = int(os.environ.get("MNIST_HOSTILE_SEED", "12"))


@pytest.fixture(scope="module")
def reports(fuzzed):
    """Reports of all readers on a few inputs, by reader."""
    return fuzzed(*READERS, examples=INPUTS, seed=SEED)


def assert_survived(report, inputs):
    """Print the counts of a report; fail with its failures, or if it is of few inputs."""
    print({key: value for key, value in report.items() if key != "failures"})
    assert not report["failures"], "\n\n".join([f"seed {report['seed']}", *report["failures"]])
    assert report["inputs"] >= inputs // 2  # hypothesis leaves out what it drew before


@pytest.mark.parametrize("name", READERS)
def test_hostile_inputs(name, reports):
    assert_survived(reports[name], INPUTS)


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_many_hostile_inputs(name, fuzzed):
    assert_survived(fuzzed(name, examples=MANY, seed=OTHER_SEED)[name], MANY)
