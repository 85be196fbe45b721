"""A file's definitions are taken without running it, whatever it looks like."""

import ast
import json
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.assignment.contract import STEPS
from mnist_core.assignment.source import MAX_BYTES, parse_submission, read_content, read_submission
from mnist_core.assignment.starter import solution
from mnist_core.errors import AssignmentError

SOLUTION = solution()


def parse(text, name="mine.py"):
    return parse_submission(name, text.encode())


def notebook(*cells):
    code = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": ["# Title"]}, *code]})


def test_all_steps_are_found_under_their_names():
    found = parse(SOLUTION)
    assert found.functions == {name: name for name in STEPS}
    assert found.notes == ()
    assert found.network_class is None


@pytest.mark.parametrize(("step", "alias"), [(step.name, alias) for step in STEPS.values() for alias in step.aliases])
def test_plain_other_names_are_recognized(step, alias):
    assert parse(f"def {alias}(*args): pass").functions == {step: alias}


def test_names_says_which_function_is_meant_and_is_proposed():
    text = "def backpropagates(x, y, parameters): pass"
    (note,) = parse(text).notes
    proposal = note.partition("at the top: ")[2]
    assert proposal == 'NAMES = {"back_propagate": "backpropagates"}'
    assert parse(f"{proposal}\n{text}").functions == {"back_propagate": "backpropagates"}


def test_a_file_that_trains_when_imported_gives_its_definitions_alone():
    found = parse(
        "import numpy as np\nx = np.load('big.npy')\ndef sigmoid(z):\n    return z\nfor i in range(9): print(i)\n"
    )
    assert "line 2 runs when the file is imported" in found.notes[0]
    assert "load" not in found.definitions
    assert "range" not in found.definitions
    assert found.lines == {"sigmoid": 3}


def test_constants_lambdas_and_classes_are_taken():
    found = parse(
        "EPS = 1e-12\nsigmoid = lambda z: z\nclass Network:\n"
        "    def forward(self, x): pass\n    def backward(self, x, y): pass\n"
    )
    assert found.functions == {
        "sigmoid": "sigmoid", "feed_forward": "forward", "back_propagate": "backward", "initialize": "__init__",
    }  # fmt: skip
    assert found.network_class == "Network"


def test_a_notebook_is_its_code_cells_without_magics():
    text = notebook(
        "%matplotlib inline\nimport numpy as np\n!pip install x", "def sigmoid(z):\n    return z", "%%bash\nls"
    )
    found = parse(text, "mine.ipynb")
    assert found.functions == {"sigmoid": "sigmoid"}
    assert str(found.place(found.lines["sigmoid"])) == "cell 2, line 1"
    assert "ls" not in found.text


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "no Python file"),
        ("a.py", b"def f(:", "not Python .line 1"),
        ("a.py", b"\xff\xfe\xff", "can't be decoded"),
        ("a.py", b"x = " + b"(" * 100_000, "not Python"),
        ("a.py", b"a\x00b", "not Python"),
        ("a.ipynb", b"{}", "no notebook"),
        ("a.ipynb", b"[" * 100_000, "no notebook"),
        ("a.ipynb", b'{"cells": [5]}', "no notebook"),
    ],
)
def test_what_is_no_python_gets_a_sentence(name, content, message):
    with pytest.raises(AssignmentError, match=message):
        parse_submission(name, content)


def test_a_file_that_is_gone_or_too_large_gets_a_sentence(tmp_path):
    with pytest.raises(AssignmentError, match="can't be read"):
        read_submission(tmp_path / "gone.py")
    (tmp_path / "big.py").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(AssignmentError, match="expected at most"):
        read_submission(tmp_path / "big.py")


def test_the_innermost_function_around_a_line_is_known():
    found = parse(
        "a = 1\n\ndef outer():\n    def inner():\n        return 2\n    return inner\nf = (\n    lambda: 3\n)\n"
    )
    around = {line: found.function_around(line) for line in (1, 3, 4, 5, 6, 8)}
    assert around == {1: (1, 6), 3: (3, 6), 4: (4, 5), 5: (4, 5), 6: (3, 6), 8: (8, 8)}


@given(st.text(max_size=200), st.sampled_from(["a.py", "a.ipynb"]))
def test_any_text_is_a_submission_or_a_sentence(text, name):
    try:
        parse_submission(name, text.encode("utf-8", "surrogatepass"))
    except AssignmentError:
        return


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("read", [read_content, read_submission])
def test_a_pipe_is_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "a.py")
    found = []

    def ask():
        with pytest.raises(AssignmentError) as caught:
            read(tmp_path / "a.py")
        found.append(str(caught.value))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(5)
    assert found == ["a.py can't be read (it is no plain file): use another file."]


def test_another_thread_that_parses_at_the_same_time_disturbs_nobody(monkeypatch):
    """Some versions of Python raise SystemError then (python/cpython#106905)."""
    original, failures = ast.parse, iter(range(3))

    def parse_badly(text):
        if next(failures, None) is not None:
            raise SystemError("AST constructor recursion depth mismatch (before=21, after=59)")
        return original(text)

    monkeypatch.setattr(ast, "parse", parse_badly)
    assert set(parse(SOLUTION).functions) == set(STEPS)
