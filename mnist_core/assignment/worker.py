"""The training process of runs with other code than ours, ``python -m mnist_core.assignment.worker RUN_FOLDER``."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from mnist_core.assignment.catalogue.table import MISTAKES
from mnist_core.assignment.convention import Misfit
from mnist_core.assignment.learner import CallFailed, Learner
from mnist_core.assignment.own_runs import NO_CODE
from mnist_core.assignment.sandbox import Limits, Sandbox
from mnist_core.assignment.source import read_submission
from mnist_core.assignment.training import (
    Implementation,
    LearnersOwn,
    OwnGradient,
    OwnUpdate,
    WithMistake,
    first_parameters,
    is_unwritten,
)
from mnist_core.errors import AssignmentError
from mnist_core.jobs.job import run_job
from mnist_core.jobs.start import OWN_CODE
from mnist_core.jobs.worker import work
from mnist_core.nn.network import Network
from mnist_core.runs.implementation import code_of, read_implementation
from mnist_core.runs.run import Run
from mnist_core.training.state import TrainingState

DAY = 24 * 3600
LIMITS = Limits(cpu_seconds=DAY, call_seconds=60.0, total_seconds=None)
"""Of a whole training; a call may be one of all images at once, in loops."""


@contextmanager
def own_code(run: Run, network: Network, state: TrainingState, on_wait: Callable[[], None]) -> Iterator[OwnGradient]:
    """Begin to compute gradients and updates with the code of a run.

    Raises
    ------
    AssignmentError
        If the code is gone, or fails.
    """
    implementation = read_implementation(run.path)
    if implementation and implementation.mistake is not None:
        if implementation.mistake not in MISTAKES:
            raise AssignmentError(f"This version knows no mistake {implementation.mistake!r}: choose another run.")
        yield _attach(network, state, WithMistake(MISTAKES[implementation.mistake]))
        return
    path = code_of(run.path)
    if path is None:
        raise AssignmentError(NO_CODE)
    with Sandbox(read_submission(path), LIMITS, on_wait) as sandbox:
        learner = Learner(sandbox)
        try:
            learner.recognize()
        except (CallFailed, Misfit) as error:
            if not is_unwritten(error):
                raise AssignmentError(f"The file fails before training: {error} Check it first.") from error
        if state.epoch == 0:
            first_parameters(network, learner, run.config)
        yield _attach(network, state, LearnersOwn(learner))


def _attach(network: Network, state: TrainingState, implementation: Implementation) -> OwnGradient:
    gradient = OwnGradient(network, implementation)
    update = OwnUpdate(network.num_parameters, network.num_weights, network.dtype).attach(gradient)
    update.steps = state.optimizer.steps
    state.optimizer = update
    return gradient


if __name__ == "__main__":
    sys.exit(run_job(OWN_CODE, partial(work, trainer=own_code), pid=os.getpid()))
