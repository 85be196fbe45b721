"""A reply is data of a stranger's: whatever its bytes are, it is a reply or a failure."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_core.assignment.messages import ARRAY, read_reply
from mnist_core.assignment.sandbox import Sandbox
from mnist_core.assignment.source import parse_submission

pack = msgspec.msgpack.encode
FORGED = {
    "not a message": b"\xc1",
    "no mapping": pack([1]),
    "an infinite position": pack({"value": None, "changed": [float("inf")], "args": [1]}),
    "an array of no type": pack({"value": msgspec.msgpack.Ext(ARRAY, pack(["(1", [1], b""]))}),
    "an array of another size": pack({"value": msgspec.msgpack.Ext(ARRAY, pack(["<f8", [2], b"1"]))}),
    "an array of no size": pack({"value": msgspec.msgpack.Ext(ARRAY, pack(["V0", [2], b""]))}),
    "a structure too deep": pack({"value": [[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]}),
    "nested without end": b"\x91" * 100_000,
}


@pytest.mark.parametrize("content", FORGED.values(), ids=FORGED)
def test_a_forged_reply_is_nonsense(content):
    failure = read_reply(content).failure
    assert failure.ended and "answered nonsense" in failure.sentence


@given(st.binary(max_size=40) | st.recursive(
    st.none() | st.integers(-2**63, 2**63) | st.floats() | st.text(max_size=4) | st.sampled_from(["value", "error"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["value", "error", "message", "line", "changed", "args", "lists"]), inner, max_size=4
    ), max_leaves=8,
).map(pack))  # fmt: skip
@settings(max_examples=60)
def test_no_reply_is_a_surprise(content):
    reply = read_reply(content)
    assert reply.failure is None or reply.failure.sentence


@pytest.mark.parametrize(("forged", "line"), [(-7, 1), (0, 1), (10**9, 3), (True, None), ("2", None)])
def test_a_forged_line_is_one_of_the_file(monkeypatch, forged, line):
    class Forged:
        nonsense = ""

        def send(self, content):
            pass

        def receive(self, seconds):
            return pack({"error": "ValueError", "line": forged})

    sandbox = Sandbox(parse_submission("a.py", b"def f(x):\n    return x\n"))
    monkeypatch.setattr(Sandbox, "alive", True)
    sandbox._channel = Forged()
    assert sandbox.call("f", 1.0).failure.line == line
