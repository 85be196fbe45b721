"""Files that are right, however they are written, raise no alarm."""

import numpy as np
import pytest

from mnist_core.assignment.check import DEPENDS, check
from mnist_core.assignment.contract import STEPS, WHOLE
from mnist_core.assignment.convention import WrongDepth, recognize
from mnist_core.assignment.source import parse_submission
from mnist_core.assignment.starter import solution
from tests.core.assignment.styles import STYLES

SOLUTION = solution()


def check_text(text, **options):
    return check(parse_submission("mine.py", text.encode()), **options)


def test_the_solution_is_correct():
    report = check_text(SOLUTION)
    assert [finding.step for finding in report.findings] == [*STEPS, *WHOLE]
    assert {finding.step: finding.state for finding in report.findings} == dict.fromkeys([*STEPS, *WHOLE], "correct")
    assert report.correct


def test_what_follows_from_a_mistake_is_no_mistake_of_the_whole():
    names = ("sigmoid", "softmax", "feed_forward", "cross_entropy", "back_propagate")  # update would take seconds
    text = "import numpy as np\n\n\n" + "\n\n".join(STEPS[name].source for name in names)
    right = STEPS["sigmoid"].code.strip().split("\n")[-1]
    report = check_text(text.replace(right, "return np.tanh(z)"))
    assert {finding.step: finding.mistake for finding in report.findings if finding.state == "wrong"} == {
        "sigmoid": "sigmoid-is-tanh"
    }
    states = {finding.step: finding for finding in report.findings if finding.step in WHOLE}
    assert states["first_loss"].state == "correct"
    assert states["gradient"].state == "skipped"
    assert states["gradient"].sentence == "It waits until sigmoid can be relied on."
    assert all("sigmoid" in DEPENDS[name] for name in WHOLE)


@pytest.mark.parametrize("body", [None, "raise NotImplementedError", 'raise NotImplementedError("write softmax")'])
def test_what_waits_for_a_function_that_is_not_written_is_no_mistake(body):
    names = ("sigmoid", "softmax", "feed_forward", "cross_entropy", "back_propagate", "predict")
    texts = {name: STEPS[name].source.strip() for name in names}
    texts["softmax"] = f"def softmax(z):\n    {body}" if body else ""
    if body:
        texts["predict"] = "def predict(x, parameters):\n    raise NotImplementedError"
    report = check_text("import numpy as np\n\n\n" + "\n\n\n".join(texts.values()))
    states = {finding.step: (finding.state, finding.sentence) for finding in report.findings}
    assert states["sigmoid"][0] == states["cross_entropy"][0] == "correct"
    assert states["softmax"][0] == "missing"
    assert states["predict"] == (
        ("missing", "predict is yet to be written.") if body else ("skipped", "It waits for softmax.")
    )
    waiting = {name for name, state in states.items() if state == ("skipped", "It waits for softmax.")}
    assert waiting - {"predict"} == {"feed_forward", "back_propagate", "gradient", "first_loss"}
    assert all(state != "wrong" for state, _ in states.values())
    assert not report.correct


def test_a_layer_too_many_is_told_from_what_else_is_kept_beside_the_parameters():
    flat = [np.ones((5, 4)), np.ones(4), np.ones((4, 3)), np.ones(3)]
    assert recognize(flat) == recognize(flat + flat)  # momentum, say
    assert recognize(flat) == recognize([*flat, np.ones((2, 2))])
    for extra in (np.ones((3, 3)), np.ones((3, 5))):
        with pytest.raises(WrongDepth):
            recognize([*flat, extra, np.ones(3)])
    with pytest.raises(WrongDepth):
        recognize(flat[:2])
    pairs = [(np.ones((3, 5)), np.ones(5)), tuple(flat[:2]), tuple(flat[2:])]
    with pytest.raises(WrongDepth):
        recognize(pairs)


@pytest.mark.parametrize("name", STYLES)
def test_every_way_that_is_right_is_right(name):
    report = check_text(STYLES[name])
    wrong = {finding.step: finding.sentence for finding in report.findings if finding.state == "wrong"}
    assert wrong == {}
    states = {finding.step: finding.state for finding in report.findings}
    assert states["back_propagate"] == states["feed_forward"] == "correct"
