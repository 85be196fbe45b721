"""Submissions with the same code after renaming: a hint to look, no verdict.

Two texts are compared by what their syntax trees have in common, function by function: windows over the nodes in the
order of the text, without names that a person chose, comments and annotations. It is how MOSS compares programs,
S. Schleimer, D. S. Wilkerson and A. Aiken, "Winnowing: Local Algorithms for Document Fingerprinting", SIGMOD 2003,
with all windows kept, since the texts are short.
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mnist_core.assignment.contract import LEVELS
from mnist_core.assignment.roster import Entry
from mnist_core.assignment.source import parse, read_submission
from mnist_core.assignment.starter import solution, starter_file
from mnist_core.errors import AssignmentError
from mnist_core.untrusted import UntrustedText

WINDOW = 12
"""Nodes of the syntax tree in a row that are compared."""
ALIKE = 0.8
FEWEST = 60
"""Windows that a submission has at least, for a comparison to mean something."""

_SKIPPED = (ast.expr_context, ast.arguments, ast.arg, ast.alias)


@dataclass(frozen=True)
class Pair:
    """Two submissions that are alike."""

    first: UntrustedText
    second: UntrustedText
    similarity: float
    """Share of the windows of the smaller one that the other one has, too; 0 ... 1."""


def similar_entries(entries: Iterable[Entry]) -> list[Pair]:
    """Compare the files of a roster; what can't be read is left out, since its row says so."""
    texts = []
    for entry in entries:
        try:
            if entry.path:
                texts.append((entry.student, read_submission(entry.path).text))
        except AssignmentError:
            continue
    return similar_pairs(texts)


def similar_pairs(submissions: Sequence[tuple[UntrustedText, str]]) -> list[Pair]:
    """Compare all pairs of texts, the most similar first; what everybody is given is left out.

    Parameters
    ----------
    submissions : sequence of (UntrustedText, str)
        Name and code.
    """
    given = _given()
    windows = [(name, fingerprint(text) - given) for name, text in submissions]
    usable = [(name, found) for name, found in windows if len(found) >= FEWEST]
    pairs = [
        Pair(a, b, len(one & other) / min(len(one), len(other))) for (a, one), (b, other) in combinations(usable, 2)
    ]
    return sorted((pair for pair in pairs if pair.similarity >= ALIKE), key=lambda pair: -pair.similarity)


def _given() -> set[tuple[str, ...]]:
    """What the starter files hold, and the code that hints show."""
    return fingerprint(solution()).union(*(fingerprint(starter_file(level)) for level in LEVELS))


def fingerprint(text: str) -> set[tuple[str, ...]]:
    """All windows over the syntax tree of each function; empty if the text is not Python."""
    try:
        tree = parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    functions = (item for item in ast.walk(tree) if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef))
    return {
        tuple(words[start : start + WINDOW])
        for words in (list(_words(function)) for function in functions)
        for start in range(max(1, len(words) - WINDOW + 1))
    }


def _words(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """The nodes of a function's body in the order of the text, each as a word."""
    waiting: list[ast.AST] = list(reversed(function.body))
    while waiting:  # not by recursion: a long sum is a deep tree
        node = waiting.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
            continue
        if isinstance(node, ast.AnnAssign):
            node = ast.Assign([node.target], node.value) if node.value else node.target
        if isinstance(node, _SKIPPED):
            continue
        yield _word(node)
        waiting += reversed(list(ast.iter_child_nodes(node)))


def _word(node: ast.AST) -> str:
    """Kind of a node, with the number or the name of NumPy that it holds; no name that a person chose."""
    kind = type(node).__name__
    if isinstance(node, ast.Constant) and not isinstance(node.value, str):
        return f"{kind} {repr(node.value)[:20]}"
    if isinstance(node, ast.Attribute) and (hasattr(np, node.attr) or hasattr(np.ndarray, node.attr)):
        return f"{kind} {node.attr}"
    return kind
