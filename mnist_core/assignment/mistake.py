"""One mistake that people make: how it computes, and how it is explained."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import product
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
    variants: tuple[Mapping[str, Any], ...] = ()
    """Other parts that are the same mistake, such as the same sum as a number and as an array."""
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

    @property
    def functions(self) -> list[Callable[..., Any]]:
        """The step with this mistake, in all variants."""
        return [self.function, *(partial(FUNCTIONS[self.step], **parts) for parts in self.variants)]

    def combined_with(self, other: "Mistake") -> Iterator[dict[str, Any]]:
        """The parts of both mistakes, in all variants; none if they can't be made at once."""
        if not self.parts or not other.parts or self.step != other.step:
            return
        for first, second in product((self.parts, *self.variants), (other.parts, *other.variants)):
            if not first.keys() & second:
                yield {**first, **second}
