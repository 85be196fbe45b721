"""Find the mistake that explains a result: compute what each one of the catalogue gives, and compare."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from mnist_core.assignment.cases import Case
from mnist_core.assignment.catalogue import mistakes_of


@dataclass(frozen=True)
class Candidate:
    """A mistake, or two that are made together."""

    ids: tuple[str, ...]
    function: Callable[..., Any]


def candidates(step: str) -> Iterator[Candidate]:
    """All mistakes of a step, then all pairs that combine."""
    mistakes = [mistake for mistake in mistakes_of(step) if mistake.computes]
    for mistake in mistakes:
        yield Candidate((mistake.id,), mistake.function)
    for first, second in combinations(mistakes, 2):
        if first.combines(second):
            yield Candidate((first.id, second.id), first.combined(second))


def name_mistake(
    found: Iterator[Candidate],
    cases: list[Case],
    results: list[Any],
    agree: Callable[[Any, Any], bool],
    own: dict[str, Any],
) -> Candidate | None:
    """Find the first candidate that explains the results of all cases, with the learner's own parts if need be."""
    for candidate in found:
        for parts in ({}, own) if own else ({},):
            if all(_explains(candidate, parts, case, value, agree) for case, value in zip(cases, results, strict=True)):
                return candidate
    return None


def _explains(
    candidate: Candidate, parts: dict[str, Any], case: Case, value: Any, agree: Callable[[Any, Any], bool]
) -> bool:
    try:
        with np.errstate(all="ignore"):
            return agree(value, candidate.function(*case.args, **parts))
    except (ValueError, IndexError, TypeError, ZeroDivisionError):  # the mistake can't be made on these shapes
        return False
