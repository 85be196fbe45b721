"""The starter file, and the solution that its parts make."""

import pytest

from mnist_core.assignment.check import check
from mnist_core.assignment.contract import LEVELS, STEPS
from mnist_core.assignment.source import parse_submission
from mnist_core.assignment.starter import starter_file
from mnist_core.errors import ConfigError


@pytest.mark.parametrize("level", LEVELS)
def test_a_starter_file_asks_for_its_level_and_gives_the_rest(level):
    text = starter_file(level, "mine.py")
    report = check(parse_submission("mine.py", text.encode()))
    states = {finding.step: finding.state for finding in report.findings}
    asked = {name for name, step in STEPS.items() if step.level <= level}
    assert {name for name in STEPS if states[name] == "missing"} == asked
    assert "wrong" not in states.values()
    assert not report.correct


def test_level_1_asks_for_four_functions():
    assert sum(step.level == 1 for step in STEPS.values()) == 4


def test_an_unknown_level_is_refused():
    with pytest.raises(ConfigError, match="Found level 4"):
        starter_file(4)
