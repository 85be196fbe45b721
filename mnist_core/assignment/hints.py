"""How much help learners get at most, where a teacher limits it."""

import os

from mnist_core.errors import ConfigError

VARIABLE = "MNIST_HINTS"
MOST_HINTS = 3
"""0 the result alone, 1 a hint, 2 the formula, 3 the code."""


def allowed_hints() -> int:
    """Level of help that the environment variable ``MNIST_HINTS`` allows, 0 ... 3; all of it by default.

    Raises
    ------
    ConfigError
        If it is something else.
    """
    text = os.environ.get(VARIABLE) or str(MOST_HINTS)
    if text not in map(str, range(MOST_HINTS + 1)):
        raise ConfigError(f"{VARIABLE} is {text[:40]!r}, expected 0 to {MOST_HINTS}: change or unset it.")
    return int(text)
