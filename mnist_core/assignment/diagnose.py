"""Find the mistake that explains a result: compute what each one of the catalogue gives, and compare."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from mnist_core.assignment.cases import Case
from mnist_core.assignment.catalogue.table import mistakes_of
from mnist_core.assignment.compare import as_array
from mnist_core.assignment.convention import Misfit, leaves
from mnist_core.assignment.finding import MAX_SHOWN
from mnist_core.assignment.learner import CallFailed
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
                if explains(partial(candidate.function, **parts), wanted, agree):
                    return candidate
    return None


def explains(
    function: Callable[..., Any], tried: Iterable[tuple[Case, Any]], agree: Callable[[Case, Any, Any], bool]
) -> bool:
    """Whether a function gives the results of all cases; one that can't be computed on these shapes fits none."""
    try:
        with np.errstate(all="ignore"):
            return all(agree(case, value, function(*case.args)) for case, value in tried)
    except (ValueError, IndexError, TypeError, ZeroDivisionError):
        return False


def usable(function: Callable[..., Any]) -> Callable[..., Any]:
    """A learner's function as a part of the reference: it returns numbers or raises ValueError, and is called once."""
    known: dict[bytes, Any] = {}

    def call(*args: Any) -> Any:
        arrays = [array for _, array in leaves(args) if isinstance(array, np.ndarray)]
        key = b"".join(array.tobytes() + str(array.shape).encode() for array in arrays)
        if key not in known:
            try:
                known[key] = as_array(function(*args))
            except (CallFailed, Misfit):
                known[key] = None
        if known[key] is None or known[key].size > MAX_SHOWN:
            raise ValueError("no numbers")
        return known[key]

    return call
