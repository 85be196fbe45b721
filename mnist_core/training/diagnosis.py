"""Why a network does not learn, read from what its training recorded: what is seen, what it means, what to try.

Each rule looks for one flaw, and each of its thresholds has a name. ``benchmarks/diagnosis.py`` measures on seeded runs
how often they are right.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from mnist_core.training.config import LOOP_SETTINGS, TrainingConfig
from mnist_core.training.evidence import HELD, Diagnosis, Evidence
from mnist_core.training.fit_rules import guessing, missing_classes, other_source, overfitting, underfitting, unscaled
from mnist_core.training.layer_rules import dead, decayed, exploding, initial_weights, saturated, symmetric, vanishing
from mnist_core.training.step_rules import diverging, falling, far_off, few_updates, oscillating, unmoved


def diagnose(evidence: Evidence) -> list[Diagnosis]:
    """Find what keeps a run from learning, the most likely cause first; an empty list for a healthy run.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    list of Diagnosis
        At most three. If the test accuracy is no better than guessing, the first one says so.
    """
    with np.errstate(all="ignore"):
        found = [diagnosis for rule in RULES for diagnosis in rule(evidence)][:3]
    if evidence.doubt and found:
        found[0] = replace(found[0], seen=f"{evidence.doubt} {found[0].seen}".rstrip())
    found = [_without_idle_change(diagnosis, evidence.config) for diagnosis in found]
    return [_for_own_code(diagnosis) for diagnosis in found] if evidence.own_code else found


def diagnose_live(evidence: Evidence) -> list[Diagnosis]:
    """Find what keeps a running run from learning; only what has held for :data:`HELD` epochs."""
    done = len(evidence.metrics)
    if done < HELD:
        return []
    before = [
        {diagnosis.cause for diagnosis in diagnose(evidence.until(epochs))} for epochs in range(done - HELD + 1, done)
    ]
    now = diagnose(replace(evidence, running=True))
    return [diagnosis for diagnosis in now if all(diagnosis.cause in causes for causes in before)]


def _without_idle_change(diagnosis: Diagnosis, config: TrainingConfig) -> Diagnosis:
    changes = any(getattr(config, name) != value for name, value in diagnosis.change.items())
    return diagnosis if changes else replace(diagnosis, change={})


def _for_own_code(diagnosis: Diagnosis) -> Diagnosis:
    change = diagnosis.change if set(diagnosis.change) <= LOOP_SETTINGS else {}
    return replace(diagnosis, advice=f"Check the code first. {diagnosis.advice}", change=change)


Rule = Callable[[Evidence], Iterator[Diagnosis]]


def _first_of(*rules: Rule) -> Rule:
    """The first rule that finds something: what follows from it is no further cause."""

    def find(evidence: Evidence) -> Iterator[Diagnosis]:
        for rule in rules:
            if found := list(rule(evidence)):
                yield from found
                return

    return find


RULES: tuple[Rule, ...] = (
    missing_classes,
    other_source,
    _first_of(
        unscaled, initial_weights, symmetric, exploding, decayed, diverging, oscillating, dead, saturated,
        vanishing, unmoved, few_updates, falling, far_off, guessing, underfitting, overfitting,
    ),
)  # fmt: skip
"""In the order in which findings are shown. What keeps the network from learning is named before what follows."""
