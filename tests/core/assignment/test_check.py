"""Files that are right, however they are written, raise no alarm."""

from functools import partial

import pytest

from mnist_core.assignment import check as module
from mnist_core.assignment.check import check
from mnist_core.assignment.contract import STEPS, WHOLE
from mnist_core.assignment.sandbox import Limits, Sandbox
from mnist_core.assignment.source import parse_submission
from tests.core.assignment.styles import STYLES

SOLUTION = "import numpy as np\n\n\n" + "\n\n".join(step.source for step in STEPS.values())


def check_text(text, **options):
    return check(parse_submission("mine.py", text.encode()), **options)


def test_the_solution_is_correct():
    report = check_text(SOLUTION)
    assert [finding.step for finding in report.findings] == [*STEPS, *WHOLE]
    assert {finding.step: finding.state for finding in report.findings} == dict.fromkeys([*STEPS, *WHOLE], "correct")
    assert report.correct


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
