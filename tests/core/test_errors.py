"""What the messages of all rooms share."""

import ast

import pytest

from mnist_core.errors import LONGEST_MESSAGE, ModelError, counted, did_you_mean, reason_of, times
from mnist_core.jobs.job import PROJECT


@pytest.mark.parametrize(
    ("shape", "text"), [((28, 28), "28x28"), ((60000, 28, 28), "60000x28x28"), ((7,), "7"), ((), "a single value")]
)
def test_sizes_are_written_one_way(shape, text):
    assert times(shape) == text


def test_a_message_that_quotes_very_much_keeps_its_beginning_and_its_advice():
    error = ModelError(f"model.npz is damaged ({'x' * 100_000}): copy it again.")
    assert len(str(error)) <= LONGEST_MESSAGE
    assert str(error).startswith("model.npz is damaged (xxx")
    assert str(error).endswith("xxx): copy it again.")


SOURCES = [path for folder in ("mnist_core", "pages") for path in sorted((PROJECT / folder).rglob("*.py"))]
SYSTEM_ERRORS = {"OSError", "FileNotFoundError", "PermissionError", "IsADirectoryError", "NotADirectoryError"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_sentence_shows_the_number_of_an_error_of_the_system(path):
    """``f"({error})"`` of an OSError is "[Errno 2] No such file or directory: '/x'": write ``reason_of(error)``."""
    for handler in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(handler, ast.ExceptHandler) or not handler.type:
            continue
        if SYSTEM_ERRORS & {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}:
            shown = [node.value for node in ast.walk(handler) if isinstance(node, ast.FormattedValue)]
            lines = [node.lineno for node in shown if isinstance(node, ast.Name) and node.id == handler.name]
            assert lines == [], f"{path.name}: line {lines}"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(13, "Permission denied", "/secret"), "Permission denied"),
        (OSError("disk full."), "disk full"),
        (OSError(), "OSError"),
        (ValueError("it is\x1b[2J odd."), "it is[2J odd"),
        (KeyError(), "KeyError"),
    ],
)
def test_a_reason_is_a_clause_and_never_empty(error, reason):
    assert reason_of(error) == reason
    assert len(reason_of(ValueError("x" * 1000))) < 310


def test_every_room_asks_for_the_reason_in_one_way():
    asking = [path.name for path in SOURCES if ".strerror" in path.read_text(encoding="utf-8")]
    assert asking == ["errors.py"]


def test_a_mistyped_word_leads_to_a_similar_one():
    known = ("reference", "fast", "best")
    assert did_you_mean("FAST", known) == " Did you mean fast?"
    assert did_you_mean(known[0][:7], known) == " Did you mean reference?"
    assert did_you_mean("x" * 10_000, known) == did_you_mean("", known) == did_you_mean("best", ()) == ""


def test_one_of_something_is_no_plural():
    assert [counted(count, "epoch") for count in (0, 1, 1_200)] == ["0 epochs", "1 epoch", "1,200 epochs"]
