"""Find the mistake that explains a result: compute what each one of the catalogue gives, and compare."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from mnist_core.assignment.cases import Case
from mnist_core.assignment.catalogue import mistakes_of
from mnist_core.assignment.reference import FUNCTIONS


@dataclass(frozen=True)
class Candidate:
    """A mistake, or two that are made together."""

    ids: tuple[str, ...]
    function: Callable[..., Any]


def candidates(step: str) -> Iterator[Candidate]:
    """All mistakes of a step, then all pairs that combine."""
    mistakes = [mistake for mistake in mistakes_of(step) if mistake.computes]
    for mistake in mistakes:
        for function in mistake.functions:
            yield Candidate((mistake.id,), function)
    for first, second in combinations(mistakes, 2):
        for parts in first.combined_with(second):
            yield Candidate((first.id, second.id), partial(FUNCTIONS[step], **parts))


def name_mistake(
    found: Iterator[Candidate],
    cases: list[Case],
    results: list[Any],
    agree: Callable[[Case, Any, Any], bool],
    own: dict[str, Any],
    right: Callable[..., Any],
) -> Candidate | None:
    """Find the first candidate that explains the results of all cases, with the learner's own parts if need be.

    If there is none, but usual inputs have wrong results already, those of extreme inputs may differ: one mistake hides
    how another one would have shown there.
    """
    every = list(zip(cases, results, strict=True))
    usual = [(case, value) for case, value in every if not case.extreme]
    possible = list(found)
    for wanted in (every, usual):
        if all(agree(case, value, right(*case.args)) for case, value in wanted):
            continue
        for candidate in possible:
            for parts in ({}, own) if own else ({},):
                if all(_explains(candidate, parts, case, value, agree) for case, value in wanted):
                    return candidate
    return None


def _explains(
    candidate: Candidate, parts: dict[str, Any], case: Case, value: Any, agree: Callable[[Case, Any, Any], bool]
) -> bool:
    try:
        with np.errstate(all="ignore"):
            return agree(case, value, candidate.function(*case.args, **parts))
    except (ValueError, IndexError, TypeError, ZeroDivisionError):  # the mistake can't be made on these shapes
        return False
