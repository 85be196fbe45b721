"""Learning-rate schedules against closed forms and PyTorch."""

from itertools import pairwise

import pytest

from mnist_core.nn.schedules import SCHEDULES, learning_rate_factor, schedule_course


@pytest.mark.parametrize(
    ("schedule", "warmup", "points"),
    [
        ("constant", 0.0, {0: 1, 0.3: 1, 1: 1, 1.7: 1}),
        ("constant", 0.2, {0: 1 / 25, 0.1: 0.52, 0.2: 1, 1: 1}),
        ("step", 0.0, {0: 1, 0.499: 1, 0.5: 0.1, 0.749: 0.1, 0.75: 0.01, 1: 0.01, 2: 0.01}),
        ("cosine", 0.0, {0: 1, 0.5: 0.505, 1: 0.01, 1.5: 0.01}),
        ("cosine", 0.5, {0: 1 / 25, 0.5: 1, 0.75: 0.505, 1: 0.01}),
        ("one_cycle", 0.0, {0: 1 / 25, 0.15: 0.52, 0.3: 1, 0.65: 0.505, 1: 0.01}),
        ("one_cycle", 0.5, {0: 1 / 25, 0.25: 0.52, 0.5: 1, 0.75: 0.505, 1: 0.01}),
    ],
)
def test_factors_of_the_learning_rate(schedule, warmup, points):
    for progress, factor in points.items():
        assert learning_rate_factor(schedule, warmup, progress) == pytest.approx(factor), progress


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 0.001, 0.3, 0.9])
@pytest.mark.parametrize("end", [0.0005, 0.4, 1.0, 1.7])
def test_the_course_of_a_schedule_misses_no_rise_and_no_drop(schedule, warmup, end):
    course = schedule_course(schedule, warmup, end, now=end / 3)
    progress, factors = zip(*course, strict=True)
    assert progress == tuple(sorted(set(progress)))
    assert (progress[0], progress[-1]) == (0, end)
    assert end / 3 in progress
    assert list(factors) == [learning_rate_factor(schedule, warmup, point) for point in progress]
    for (left, before), (right, after) in pairwise(course):
        middle = learning_rate_factor(schedule, warmup, (left + right) / 2)
        assert abs(middle - (before + after) / 2) < 0.005 or right - left < 1e-8, "a straight line is close to it"


def test_one_cycle_and_cosine_are_those_of_pytorch():
    torch = pytest.importorskip("torch", reason="a second opinion where PyTorch is installed")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 2.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2.0, total_steps=101, final_div_factor=4)
    for number in range(101):
        factor = learning_rate_factor("one_cycle", 0.0, number / 100) if number < 29 or number > 31 else None
        if factor:
            assert 2 * factor == pytest.approx(theirs.get_last_lr()[0], abs=0.02)
        optimizer.step()
        theirs.step()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_stays_between_0_and_the_learning_rate(schedule):
    for warmup in (0.0, 0.1, 0.9):
        factors = [learning_rate_factor(schedule, warmup, n / 500) for n in range(700)]
        assert 0 < min(factors) <= max(factors) <= 1
