"""Every mistake of the catalogue differs from what is right, and is told from all others."""

from functools import partial

import numpy as np
import pytest

from mnist_core.assignment.cases import Case, cases_of, write_idx_files
from mnist_core.assignment.catalogue.table import MISTAKES
from mnist_core.assignment.check import agrees
from mnist_core.assignment.compare import TOLERANCE
from mnist_core.assignment.contract import STEPS
from mnist_core.assignment.diagnose import candidates, name_mistake
from mnist_core.assignment.reference import FUNCTIONS

COMPUTING = [mistake for mistake in MISTAKES.values() if mistake.computes and mistake.id != "idx-little-endian"]


def cases_for(step, folder, seed=0):
    if step == "read_idx":
        return [Case(path.name, (path,)) for path in write_idx_files(folder, seed)]
    return cases_of(step, seed)


@pytest.mark.parametrize("seed", [0, 4242])
@pytest.mark.parametrize(
    ("mistake", "function"),
    [pytest.param(one, function, id=f"{one.id}-{k}") for one in COMPUTING for k, function in enumerate(one.functions)],
)
def test_a_mistake_is_told_from_what_is_right_and_from_all_others(mistake, function, seed, tmp_path):
    cases = cases_for(mistake.step, tmp_path, seed)
    agree = partial(agrees, mistake.step, TOLERANCE)
    with np.errstate(all="ignore"):
        results = [function(*case.args) for case in cases]
    right = [FUNCTIONS[mistake.step](*case.args) for case in cases]
    assert not all(map(agree, cases, results, right))
    named = name_mistake(candidates(mistake.step), cases, results, agree, {}, FUNCTIONS[mistake.step])
    assert named is not None
    assert named.ids == (mistake.id,)


def test_two_mistakes_at_once_are_both_named(tmp_path):
    first, second = MISTAKES["derivative-forgotten"], MISTAKES["bias-gradient-number"]
    cases = cases_for("back_propagate", tmp_path)
    right = FUNCTIONS["back_propagate"]
    results = [right(*case.args, **first.parts, **second.parts) for case in cases]
    agree = partial(agrees, "back_propagate", TOLERANCE)
    named = name_mistake(candidates("back_propagate"), cases, results, agree, {}, right)
    assert set(named.ids) == {first.id, second.id}


def test_every_mistake_is_explained_and_belongs_to_a_step():
    for mistake in MISTAKES.values():
        assert mistake.step in STEPS
        for text in (mistake.sentence, mistake.effect, mistake.hint):
            assert text[0].isupper() or text[0] in "`z1ad", (mistake.id, text)
            assert text.rstrip()[-1] in ".?:", (mistake.id, text)
        assert not (mistake.parts and mistake.wrong)
