"""What a setting is: its allowed values, and how people, the command line and the address of a page write them.

A field of :class:`mnist_core.training.config.TrainingConfig` carries one :class:`Setting` as ``metadata["setting"]``.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, Field, dataclass, field, replace
from numbers import Integral, Real
from typing import Any, Self, TypeVar

from mnist_core.errors import ConfigError

T = TypeVar("T")
NO_LAYERS = "none"
"""How a network without hidden layers is written."""


@dataclass(frozen=True)
class Setting(ABC):
    """One setting of a training run.

    Parameters
    ----------
    label : str
        Name for people, such as "Learning rate".
    explanation : str
        One sentence.
    url : str
        Name in the address; the field's own name if empty.
    group : str
        Settings of one group are shown together; those without a group come first, always in view.
    applies_to : tuple of (str, tuple of str), optional
        A field and the values of it that this setting has an effect with.
    name : str
        Name of the field; :meth:`of_field` fills it in, as it does ``default``.
    default : object
    """

    label: str
    explanation: str
    _: KW_ONLY
    url: str = ""
    group: str = ""
    applies_to: tuple[str, tuple[str, ...]] | None = None
    name: str = ""
    default: Any = None

    def of_field(self, item: "Field[Any]") -> Self:
        """Take name and default from the field that carries this setting."""
        return replace(self, name=item.name, default=item.default, url=self.url or item.name)

    @property
    def option(self) -> str:
        """Name on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def title(self) -> str:
        """Label with the unit, if there is one."""
        return self.label

    @property
    def help(self) -> str:
        """Explanation of the setting and of each value that has a name."""
        return self.explanation

    def explain(self, value: Any) -> str:
        """Explanation of the setting and of its present value."""
        return self.explanation

    @property
    @abstractmethod
    def argument(self) -> dict[str, Any]:
        """Arguments of ``ArgumentParser.add_argument`` that read a value."""

    @abstractmethod
    def check(self, value: object) -> Any:
        """Return a valid value in its own type; raise :class:`ConfigError` for any other."""

    def parse(self, text: str) -> Any:
        """Read a value as :meth:`to_text` writes it; raise :class:`ConfigError` if it is not valid."""
        return self.check(text)

    def to_text(self, value: Any) -> str:
        """Write a value for the address."""
        return str(value)

    def to_arguments(self, value: Any) -> list[str]:
        """Write the option and its value for the command line."""
        return [self.option, self.to_text(value)]

    def display(self, value: Any) -> str:
        """Write a value for people."""
        return self.to_text(value)

    def describe(self, value: Any) -> str:
        """Name setting and value in a few words for the middle of a sentence."""
        label = self.label if self.label[:2].isupper() else self.label[:1].lower() + self.label[1:]
        return f"{label} {self.display(value)}"


@dataclass(frozen=True)
class Number(Setting):
    """A number from ``low`` to ``high``, both included; a whole number if ``low`` is an int.

    Parameters
    ----------
    low, high : int or float
    unit : str
        What is counted or measured, such as "images".
    logarithmic : bool
        Whether equal steps are equal factors.
    usual : tuple of (low, high)
        Range of a slider.
    step : float, optional
        Step of a slider.
    stops : tuple of numbers
        The only values of a slider, in place of ``usual``.
    """

    _: KW_ONLY
    low: float
    high: float
    unit: str = ""
    logarithmic: bool = False
    usual: tuple[float, float] | None = None
    step: float | None = None
    stops: tuple[float, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether values are whole numbers."""
        return isinstance(self.low, int)

    @property
    def title(self) -> str:
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @property
    def argument(self) -> dict[str, Any]:
        return {"type": int if self.whole else float}

    def check(self, value: object) -> int | float:
        return _check_number(self.name, value, self.low, self.high)

    def parse(self, text: str) -> int | float:
        return self.check(_converted(text, int if self.whole else float))

    def to_text(self, value: float) -> str:
        return f"{value:.10g}"

    def display(self, value: float) -> str:
        return f"{value}" if self.whole else f"{value:g}"

    def describe(self, value: float) -> str:
        return f"{super().describe(value)} {self.unit}".rstrip()


@dataclass(frozen=True)
class Choice(Setting):
    """One of a few names.

    Parameters
    ----------
    table : mapping of str to object
        What each name stands for: a record with a ``label`` for people and an ``explanation``.
    """

    _: KW_ONLY
    table: Mapping[str, Any]

    @property
    def argument(self) -> dict[str, Any]:
        return {"choices": tuple(self.table)}

    def check(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.table:
            raise ConfigError(f"{self.name} is {value!r}, expected one of {', '.join(self.table)}.")
        return value

    def display(self, value: str) -> str:
        label: str = self.table[value].label
        return label

    def describe(self, value: str) -> str:
        return self.display(value)

    def explain(self, value: str) -> str:
        return f"{self.explanation} {self.display(value)}: {self.table[value].explanation}"

    @property
    def help(self) -> str:
        values = [f"{name}: {record.explanation}" for name, record in self.table.items()]
        return " ".join([self.explanation, *values])


@dataclass(frozen=True)
class Layers(Setting):
    """Sizes of the hidden layers: at most ``most`` whole numbers from ``low`` to ``high``.

    Parameters
    ----------
    low, high : int
        Range of the units of one layer.
    most : int
        Largest number of layers.
    usual, usual_depth : tuple of (low, high)
        Ranges of the sliders of the units and of the number of layers.
    """

    _: KW_ONLY
    low: int
    high: int
    most: int
    usual: tuple[int, int]
    usual_depth: tuple[int, int]

    @property
    def argument(self) -> dict[str, Any]:
        return {"type": int, "nargs": "*", "metavar": "UNITS"}

    def check(self, value: object) -> tuple[int, ...]:
        if not isinstance(value, list | tuple) or len(value) > self.most:
            raise ConfigError(f"{self.name} is {value!r}, expected a list of at most {self.most} layer sizes.")
        return tuple(int(_check_number(self.name, units, self.low, self.high)) for units in value)

    def parse(self, text: str) -> tuple[int, ...]:
        return self.check(
            [] if text == NO_LAYERS else _converted(text, lambda joined: list(map(int, joined.split("-"))))
        )

    def to_text(self, value: tuple[int, ...]) -> str:
        return "-".join(map(str, value)) or NO_LAYERS

    def to_arguments(self, value: tuple[int, ...]) -> list[str]:
        return [self.option, *map(str, value)]


def _converted(text: str, convert: Callable[[str], Any]) -> Any:
    """Convert a text; return it as it is if that fails, for a check to name it."""
    try:
        return convert(text)
    except ValueError:
        return text


def _check_number(name: str, value: Any, low: float, high: float) -> int | float:
    whole = isinstance(low, int)
    expected = f"{'a whole number' if whole else 'a number'} from {low:,} to {high:,}"
    is_number = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
    if not is_number:
        raise ConfigError(f"{name} is {value!r}, expected {expected}.")
    if not low <= value <= high:  # false for NaN, too
        found = "a number of more than 30 digits" if 1e30 < abs(value) < math.inf else f"{value:,}"
        raise ConfigError(f"{name} is {found}, expected {expected}.")
    return int(value) if whole else float(value)


def default(value: T, setting: Setting) -> T:
    """Declare a dataclass field: its default and its setting."""
    return field(default=value, metadata={"setting": setting})
