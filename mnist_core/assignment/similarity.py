"""Submissions with the same code after renaming: a hint to look, no verdict."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from mnist_core.assignment.contract import STEPS
from mnist_core.untrusted import UntrustedText

WINDOW = 12
"""Nodes of the syntax tree in a row that are compared."""
ALIKE = 0.8
FEWEST = 30
"""Windows that a submission has at least, for a comparison to mean something."""


@dataclass(frozen=True)
class Pair:
    """Two submissions that are alike."""

    first: UntrustedText
    second: UntrustedText
    similarity: float
    """Share of the windows of the smaller one that the other one has, too; 0 ... 1."""


def similar_pairs(submissions: Sequence[tuple[UntrustedText, str]]) -> list[Pair]:
    """Compare all pairs of texts, the most similar first; what the starter file gives is left out.

    Parameters
    ----------
    submissions : sequence of (UntrustedText, str)
        Name and code.
    """
    given = fingerprint("\n".join(step.source for step in STEPS.values()))
    windows = [(name, fingerprint(text) - given) for name, text in submissions]
    usable = [(name, found) for name, found in windows if len(found) >= FEWEST]
    pairs = [
        Pair(a, b, len(one & other) / min(len(one), len(other))) for (a, one), (b, other) in combinations(usable, 2)
    ]
    return sorted((pair for pair in pairs if pair.similarity >= ALIKE), key=lambda pair: -pair.similarity)


def fingerprint(text: str) -> set[tuple[str, ...]]:
    """All windows over the kinds of nodes of the syntax tree, function by function; names and comments don't count."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {
        tuple(kinds[start : start + WINDOW])
        for kinds in (_kinds(function) for function in functions)
        for start in range(max(1, len(kinds) - WINDOW + 1))
    }


def _kinds(node: ast.AST) -> list[str]:
    """Nodes in the order of the text: their kind, the attribute or constant, and no name that a person chose."""
    kinds = []
    for item in ast.walk(node):
        if isinstance(item, ast.expr_context | ast.arguments):
            continue
        detail = (
            item.attr
            if isinstance(item, ast.Attribute)
            else repr(item.value)[:20]
            if isinstance(item, ast.Constant)
            else ""
        )
        is_text = isinstance(item, ast.Constant) and isinstance(item.value, str)
        kinds.append(type(item).__name__ + ("" if is_text else detail))
    return kinds
