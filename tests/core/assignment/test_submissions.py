"""What students write: mistakes are named at their step and nowhere else, and what is right raises no alarm.

Submissions and their sources: ``submissions/*.txt``, read by ``written.py``.
"""

import json
from collections import Counter

import pytest

from mnist_core.assignment.catalogue.table import MISTAKES
from mnist_core.assignment.check import check
from mnist_core.assignment.source import parse_submission
from tests.core.assignment.styles import STYLES
from tests.core.assignment.written import check_written, read

WRONG, RIGHT, UNFIT = read("wrong_*.txt"), read("right_*.txt"), read("unfit.txt")
EACH = 6
"""One in so many of the wrong ones is checked by the fast tests."""
NAMED = 0.9


def table(submissions):
    """One in `EACH` fast, the others slow."""
    return [
        pytest.param(one, id=one.name, marks=[] if k % EACH == 0 else [pytest.mark.slow])
        for k, one in enumerate(submissions)
    ]


def wrong_findings(report):
    return {finding.step: finding for finding in report.findings if finding.state == "wrong"}


@pytest.mark.parametrize("submission", table(WRONG))
def test_the_mistake_is_named_at_its_step_and_nowhere_else(submission):
    wrong = wrong_findings(check_written(submission))
    assert set(wrong) == set(submission.wrong)
    for step, mistakes in submission.wrong.items():
        finding = wrong[step]
        assert frozenset((finding.mistake or "").split("+")) - {""} == mistakes
        assert finding.sentence
        assert finding.line


@pytest.mark.parametrize("submission", [pytest.param(one, id=one.name) for one in RIGHT])
def test_what_is_right_raises_no_alarm(submission):
    report = check_written(submission)
    assert {step: finding.sentence for step, finding in wrong_findings(report).items()} == {}
    written = set(report.submission.functions) - {"__init__"}
    assert {finding.step for finding in report.findings if finding.state == "correct"} >= written
    assert all(finding.mistake in (None, "initialize-global-seed") for finding in report.findings)


@pytest.mark.slow
@pytest.mark.parametrize("submission", [pytest.param(one, id=one.name) for one in RIGHT])
def test_what_is_right_learns(submission):
    report = check(parse_submission("mine.py", submission.code.encode()))
    assert {step: finding.sentence for step, finding in wrong_findings(report).items()} == {}


@pytest.mark.parametrize("submission", [pytest.param(one, id=one.name) for one in UNFIT])
def test_what_does_not_fit_the_contract_is_told_how_it_would(submission):
    wrong = wrong_findings(check_written(submission))
    assert set(wrong) == set(submission.phrases)
    for step, phrase in submission.phrases.items():
        assert phrase in wrong[step].sentence


def test_there_are_as_many_submissions_as_promised_and_each_names_its_source():
    assert len(WRONG) >= 60
    assert len(RIGHT) + len(STYLES) >= 20
    assert sum(all(one.wrong.values()) for one in WRONG) / len(WRONG) >= NAMED
    assert Counter(one.name for one in [*WRONG, *RIGHT, *UNFIT]).most_common(1)[0][1] == 1
    for one in [*WRONG, *RIGHT, *UNFIT]:
        assert one.address.startswith(("https://", "http://")), one.name
    assert {mistake for one in WRONG for named in one.wrong.values() for mistake in named} <= set(MISTAKES)


def test_a_notebook_with_magics_plots_and_a_training_cell():
    cells = [
        "%matplotlib inline\nimport numpy as np\nimport matplotlib.pyplot as plt",
        "def sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n\nsigmoid(np.array([0.0]))",
        "!pip install numpy\ndef softmax(z):\n    e = np.exp(z - z.max())\n    return e / e.sum(axis=1, keepdims=True)",
        "for epoch in range(10**9):\n    print(epoch)\nplt.show()",
    ]
    book = {"cells": [{"cell_type": "code", "source": source} for source in cells], "nbformat": 4}
    report = check(parse_submission("mine.ipynb", json.dumps(book).encode()), whole=False)
    wrong = wrong_findings(report)
    assert {step: finding.mistake for step, finding in wrong.items()} == {"softmax": "softmax-maximum-of-all"}
    assert str(report.submission.place(wrong["softmax"].line)) == "cell 3, line 2"
