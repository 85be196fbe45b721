"""Files that are right, however they are written, raise no alarm."""

from functools import partial

import numpy as np
import pytest

from mnist_core.assignment import check as module
from mnist_core.assignment.check import DEPENDS, check
from mnist_core.assignment.contract import STEPS, WHOLE
from mnist_core.assignment.convention import WrongDepth, recognize
from mnist_core.assignment.sandbox import Limits, Sandbox
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


@pytest.mark.parametrize("body", ["while True: pass", "raise NotImplementedError"])
def test_a_function_that_never_returns_is_tried_in_one_way(monkeypatch, body):
    calls, order = [], []

    class Counting(Sandbox):
        def call(self, name, *args, **options):
            calls.append(name)
            return super().call(name, *args, **options)

    monkeypatch.setattr(module, "Sandbox", partial(Counting, limits=Limits(call_seconds=0.1)))
    text = f"def normalize(images):\n    return images / 255\ndef feed_forward(x, parameters):\n    {body}\n"
    report = check_text(text, whole=False, on_finding=lambda finding: order.append((finding.step, len(calls))))
    assert calls.count("feed_forward") == 2, "once to see how it is written, once to check it"
    assert dict(order)["normalize"] == calls.index("feed_forward"), "what comes before is said before"
    states = {finding.step: finding.state for finding in report.findings}
    assert states["feed_forward"] == ("wrong" if "while" in body else "missing")


@pytest.mark.parametrize("text", [
    "class Net:\n    def __init__(self, sizes, seed):\n        while True: pass\n"
    "    def feed_forward(self, x): pass\n    def back_propagate(self, x, y): pass\n",
    "def update(parameters, gradients, learning_rate):\n    while True: pass\n",
])  # fmt: skip
def test_so_is_an_object_and_a_step_of_training(monkeypatch, text):
    ended = []

    class Counting(Sandbox):
        def _ask(self, request, seconds):
            reply = super()._ask(request, min(seconds, 0.1) if request["operation"] in ("new", "call") else seconds)
            ended.extend([request] if reply.failure and reply.failure.error == "Timeout" else [])
            return reply

    monkeypatch.setattr(module, "Sandbox", Counting)
    check_text(text, whole=False)
    assert len(ended) <= 2
