"""What a function does besides returning a value: to its arguments, to results that it returned before."""

from typing import Any

import numpy as np

from mnist_core.assignment.cases import Case
from mnist_core.assignment.catalogue.table import MISTAKES
from mnist_core.assignment.compare import SINGLE_TOLERANCE, same
from mnist_core.assignment.finding import Finding
from mnist_core.assignment.learner import Learner
from mnist_core.assignment.reference import FUNCTIONS, Parameters

MAY_CHANGE = {"update": {0}, "train": {2}}
"""Arguments that a step may change in place, by position."""


def finding_of(step: str, mistake: str, **details: object) -> Finding:
    """A finding of a mistake of the catalogue that no value shows."""
    record = MISTAKES[mistake]
    return Finding(
        step, "wrong", mistake, record.sentence, record.effect, record.hint, record.formula, record.code,
        **details,  # type: ignore[arg-type]
    )  # fmt: skip


def odd_behaviour(step: str, learner: Learner, case: Case, value: Any) -> Finding | None:
    """Look at what the last call did besides returning its value."""
    reply = learner.last
    if reply.kept_changed:
        return finding_of(step, "gradients-reused", where=case.about)
    if step == "one_hot" and isinstance(value, np.ndarray) and value.dtype.kind in ("b", "u"):
        return finding_of(step, "one-hot-dtype", where=case.about)
    changed = set(reply.changed) - MAY_CHANGE.get(step, set())
    if step == "back_propagate" and (2 in changed or learner.parameters_moved(case.args[2])):
        carried = _last_layer_alone(value[1], FUNCTIONS[step](*case.args)[1])
        return finding_of(step, "carried-through-updated" if carried else "parameters-changed", where=case.about)
    if changed:
        return finding_of(step, "input-changed", where=case.about)
    return None


def _last_layer_alone(gradients: Parameters, expected: Parameters) -> bool:
    """Whether the gradient is correct in the last layer and wrong below: what a delta does that meets moved weights."""
    correct = [
        all(same(a, b, SINGLE_TOLERANCE) for a, b in zip(pair, other, strict=True))
        for pair, other in zip(gradients, expected, strict=True)
    ]
    return correct[-1] and not all(correct)
