"""What a function does besides returning a value: to its arguments, to results that it returned before."""

from mnist_core.assignment.cases import Case
from mnist_core.assignment.catalogue import MISTAKES
from mnist_core.assignment.finding import Finding
from mnist_core.assignment.learner import Learner

MAY_CHANGE = {"update": {0}, "train": {2}}
"""Arguments that a step may change in place, by position."""


def finding_of(step: str, mistake: str, **details: object) -> Finding:
    """A finding of a mistake of the catalogue that no value shows."""
    record = MISTAKES[mistake]
    return Finding(
        step, "wrong", mistake, record.sentence, record.effect, record.hint, record.formula, record.code,
        **details,  # type: ignore[arg-type]
    )  # fmt: skip


def odd_behaviour(step: str, learner: Learner, case: Case) -> Finding | None:
    """Look at what the last call did besides returning."""
    reply = learner.last
    if reply.kept_changed:
        return finding_of(step, "gradients-reused", where=case.about)
    changed = set(reply.changed) - MAY_CHANGE.get(step, set())
    if step == "back_propagate" and (2 in changed or learner.parameters_moved(case.args[2])):
        return finding_of(step, "parameters-changed", where=case.about)
    if changed:
        return finding_of(step, "input-changed", where=case.about)
    return None
