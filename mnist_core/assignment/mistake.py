"""One mistake that people make: how it computes, and how it is explained."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mnist_core.assignment.reference import FUNCTIONS


@dataclass(frozen=True)
class Mistake:
    """A record of the catalogue.

    Either ``parts`` or ``wrong`` says what it computes, from the inputs of the reference. A mistake without both is one
    of behaviour: of what a function does to its arguments or to the rest of the program, see
    :mod:`mnist_core.assignment.behaviour`.
    """

    id: str
    """Such as ``softmax-over-batch``; unique, and stable: grading tables and tests name it."""
    step: str
    """The step of the contract that it is made in."""
    sentence: str
    """What the code does, as a finding: "Softmax sums over the batch, not over the classes of each image."."""
    effect: str
    """What it does to training."""
    hint: str
    """Where to look, without the solution."""
    parts: Mapping[str, Any] = field(default_factory=dict)
    """Parts of the reference that are written wrongly; mistakes of different parts combine."""
    wrong: Callable[..., Any] | None = None
    """The whole step written wrongly, where no part of the reference says it."""
    formula: str = ""
    """That of the step, unless another one helps more."""
    code: str = ""
    """The correct lines; those of the step, unless others help more."""

    @property
    def computes(self) -> bool:
        """Whether it shows in the value that the step returns."""
        return bool(self.parts or self.wrong)

    @property
    def function(self) -> Callable[..., Any]:
        """The step with this mistake, called like the reference."""
        return self.wrong or partial(FUNCTIONS[self.step], **self.parts)

    def combines(self, other: "Mistake") -> bool:
        """Whether both can be made at once."""
        return bool(self.parts and other.parts and self.step == other.step and not self.parts.keys() & other.parts)

    def combined(self, other: "Mistake") -> Callable[..., Any]:
        """The step with both mistakes."""
        return partial(FUNCTIONS[self.step], **self.parts, **other.parts)
