"""Learning-rate schedules: how the learning rate changes during training."""

import math
from collections.abc import Callable
from dataclasses import dataclass

FIRST_FACTOR, LAST_FACTOR = 1 / 25, 1 / 100
"""Learning-rate factors at the start of a warm-up, and at the end of cosine and one-cycle."""

ONE_CYCLE_WARMUP = 0.3
"""Fraction of the training in which the rate of one-cycle rises, unless a warm-up is set."""

DROPS = (0.5, 0.75)
"""Progress at which the step schedule drops to a tenth."""

COURSE_POINTS = 300
BESIDE = 1e-9


@dataclass(frozen=True)
class Schedule:
    """How the learning rate changes after the warm-up."""

    label: str
    """Its name for people."""
    explanation: str
    """One sentence."""
    factor: Callable[[float], float]
    """The learning-rate factor at a progress of 0 to 1 after the warm-up."""


def constant(progress: float) -> float:
    """Always 1."""
    return 1.0


def step(progress: float) -> float:
    """A tenth from the middle of the training on, a hundredth in its last quarter."""
    return 1.0 if progress < DROPS[0] else 0.1 if progress < DROPS[1] else 0.01


def cosine(progress: float) -> float:
    """Half a cosine from 1 down to :data:`LAST_FACTOR` (I. Loshchilov, F. Hutter, 2017)."""
    return LAST_FACTOR + (1 - LAST_FACTOR) * (1 + math.cos(math.pi * progress)) / 2


SCHEDULES: dict[str, Schedule] = {
    "constant": Schedule("constant", "The learning rate stays the same.", constant),
    "step": Schedule(
        "step", "The learning rate drops to a tenth halfway, and to a hundredth for the last quarter.", step
    ),
    "cosine": Schedule("cosine", "The learning rate falls along half a cosine to a hundredth.", cosine),
    "one_cycle": Schedule("one-cycle", "The learning rate rises once and falls along a cosine to a hundredth.", cosine),
}
"""Schedules by name."""


def learning_rate_factor(schedule: str, warmup: float, progress: float) -> float:
    """Factor by which a schedule multiplies the learning rate at a point of the training.

    During the warm-up it rises from :data:`FIRST_FACTOR` to 1: along half a cosine in one-cycle (L. Smith, 2018),
    otherwise linearly.

    Parameters
    ----------
    schedule : str
        A key of :data:`SCHEDULES`.
    warmup : float
        Fraction of the training that the rise takes; if 0, one-cycle uses :data:`ONE_CYCLE_WARMUP`.
    progress : float
        Fraction of the steps taken so far; from 1 on, the schedule stays at its end.
    """
    warmup, one_cycle = _rise(schedule, warmup), schedule == "one_cycle"
    if progress < warmup:
        rise = progress / warmup
        rise = (1 - math.cos(math.pi * rise)) / 2 if one_cycle else rise
        return FIRST_FACTOR + (1 - FIRST_FACTOR) * rise
    return SCHEDULES[schedule].factor(min((progress - warmup) / (1 - warmup), 1.0))


def _rise(schedule: str, warmup: float) -> float:
    """Fraction of the training that the warm-up takes."""
    return warmup or (ONE_CYCLE_WARMUP if schedule == "one_cycle" else 0.0)


def schedule_course(schedule: str, warmup: float, end: float, now: float = 0.0) -> list[tuple[float, float]]:
    """Follow a schedule from the start to a progress, so closely that its rises, bends and drops are seen.

    Parameters
    ----------
    schedule, warmup
        As in :func:`learning_rate_factor`.
    end : float
        Progress up to which to follow it, above 0; 1 is the whole training.
    now : float
        A progress that is one of the points.

    Returns
    -------
    list of (progress, learning-rate factor), in the order of progress
        Just before and after each drop, there is a point.
    """
    warmup = _rise(schedule, warmup)
    corners = [0.0, warmup, *(warmup + (1 - warmup) * progress for progress in DROPS), 1.0, now, end]
    beside = [max(corner + side, 0.0) for corner in corners for side in (-BESIDE, BESIDE)]  # products are rounded
    even = [end * number / COURSE_POINTS for number in range(COURSE_POINTS + 1)]
    rise = [warmup * number / COURSE_POINTS for number in range(COURSE_POINTS + 1)]
    points = sorted({point for point in (*corners, *beside, *even, *rise) if point <= end})
    return [(point, learning_rate_factor(schedule, warmup, point)) for point in points]
