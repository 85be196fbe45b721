"""The mistakes that people make, one record each, a file for each part of the recipe."""

from mnist_core.assignment.catalogue import activations, back_propagation, data, forward, loss, scores, updates
from mnist_core.assignment.mistake import Mistake

MISTAKES: dict[str, Mistake] = {
    mistake.id: mistake
    for room in (data, activations, forward, loss, back_propagation, updates, scores)
    for mistake in room.MISTAKES
}
"""All mistakes by id, in the order of the steps."""


def mistakes_of(step: str) -> list[Mistake]:
    """Mistakes that can be made in a step."""
    return [mistake for mistake in MISTAKES.values() if mistake.step == step]
