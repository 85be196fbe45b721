"""Whatever a function returns, a check ends with findings, and never with an exception."""

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mnist_core.assignment.catalogue.table import MISTAKES
from mnist_core.assignment.check import check
from mnist_core.assignment.contract import STEPS
from mnist_core.assignment.source import parse_submission

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=True, allow_infinity=True).map(lambda value: f"float('{value}')"),
    st.sampled_from(["1e308", "-0.0", "True", "1j", "np.float16(2)", "np.int8(-3)", "np.uint64(7)", "10**400"]),
).map(str)
SHAPES = st.lists(st.integers(0, 6), max_size=4).map(tuple)
ARRAYS = st.builds(
    lambda shape, dtype, fill: f"np.full({shape}, {fill}).astype('{dtype}')",
    SHAPES,
    st.sampled_from(["f8", "f4", "f2", "i8", "u1", "i1", "?", "c16", "U3", "O", ">f8"]),
    st.sampled_from(["0", "1", "-1", "float('nan')", "float('inf')", "1e300", "0.1"]),
)
KEYS = st.sampled_from(["'W1'", "'b1'", "'W2'", "'b2'", "'dW1'", "'db1'", "1", "None", "('a', 0)", "'\\ud800'"])
LEAVES = st.one_of(
    NUMBERS,
    ARRAYS,
    st.sampled_from(
        [
            "None", "''", "'W' * 1000", "b'bytes'", "object()", "int", "print", "range(3)", "np.random.default_rng(0)",
            "...",
            "np.ma.masked_array([1.0, 2.0], [0, 1])", "np.array(None)", "np.datetime64('2020')", "np.zeros((0, 3))",
            "(n for n in range(3))", "{1, 2}", "{1.5, 'a'}", "np.broadcast_to(1.0, (4, 3))", "np.matrix([[1.0, 2.0]])",
            "np.zeros(3, dtype=[('a', 'f8')])", "np.lib.stride_tricks.as_strided(np.zeros(1), (4, 3), (0, 0))",
        ]
    ),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(inner, max_size=4).map(lambda items: f"({', '.join(items)},)" if items else "()"),
        st.lists(st.tuples(KEYS, inner), max_size=4).map(
            lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items) + "}"
        ),
    ),
    max_leaves=8,
)
STRANGE = {
    "arguments": "args",
    "deep": "[[[[[[[[[[[[1.0]]]]]]]]]]]]",
    "cyclic": "(lambda a: a.append(a) or a)([])",
    "sizes": "[(np.zeros((3, 4)), np.zeros(4)), (np.zeros((9, 9)), np.zeros(1))]",
    "a huge array": "np.zeros((3000, 3000))",
    "many items": "[0.0] * 200000",
    "views of the arguments": "[tuple(args)] * 2",
}


def submission_that_returns(values):
    """A file with every step, each of which returns its expression."""
    functions = [f"def {step}(*args):\n    return {value}\n" for step, value in values.items()]
    return parse_submission("mine.py", ("import numpy as np\n\n" + "\n".join(functions)).encode("utf-8", "replace"))


def findings_of(values):
    report = check(submission_that_returns(values), whole=False)
    assert [finding.step for finding in report.findings] == list(STEPS)
    for finding in report.findings:
        assert finding.state in ("correct", "wrong", "missing", "skipped")
        assert finding.sentence or finding.state == "correct"
        assert all(part in MISTAKES for part in (finding.mistake or "").split("+") if part)
        json.dumps([finding.sentence, finding.where, finding.line])
        finding.sentence.encode()
    assert not report.correct
    return report


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(VALUES, min_size=len(STEPS), max_size=len(STEPS)))
def test_any_structure_is_a_finding(values):
    findings_of(dict(zip(STEPS, values, strict=True)))


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(VALUES, min_size=len(STEPS), max_size=len(STEPS)))
@example(["None"] * len(STEPS))
def test_many_structures_are_findings(values):
    findings_of(dict(zip(STEPS, values, strict=True)))


@pytest.mark.parametrize("name", STRANGE)
def test_strange_structures_are_findings(name):
    findings_of(dict.fromkeys(STEPS, STRANGE[name]))


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(VALUES, VALUES, VALUES)
def test_a_class_with_any_attributes_is_a_finding(first, second, result):
    text = f"""
import numpy as np

class Net:
    def __init__(self, *sizes):
        self.weights = {first}
        self.biases = {second}

    def forward(self, x):
        return {result}

    def backward(self, x, y):
        self.gradients = {result}

    def update(self, lr):
        return {first}

    def predict(self, x):
        return {second}
"""
    report = check(parse_submission("mine.py", text.encode("utf-8", "replace")), whole=False)
    assert [finding.step for finding in report.findings] == list(STEPS)
    assert not report.correct
