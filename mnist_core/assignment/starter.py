"""The file that a learner begins with: it documents itself."""

from mnist_core.assignment.contract import LEVELS, STEPS, Step
from mnist_core.errors import ConfigError

_HEAD = '''"""My neural network on MNIST, in NumPy. Level {level}: {about}.

Write the functions that raise NotImplementedError, from top to bottom, and check after each one:

    mnist check {name} --watch

Images are the rows of x, shape (N, pixels). parameters is a list of (W, b), a pair a layer: W of shape (in, out),
b of shape (out,). Hidden layers have sigmoid, the last one softmax; the loss is the mean cross-entropy.
You may choose another way: W as (out, in), images as columns, b as (1, out), a dict {{"W1": ..., "b1": ...}},
a class with these methods. Stay with it throughout the file.
Functions with other names are found through NAMES = {{"back_propagate": "backward"}}.
"""

import numpy as np
'''


def starter_file(level: int = 1, name: str = "my_network.py") -> str:
    """Write a starter file.

    Parameters
    ----------
    level : {1, 2, 3}
        See :data:`LEVELS`.
    name : str
        Of the file, for its own instructions.

    Raises
    ------
    ConfigError
        If there is no such level.
    """
    if level not in LEVELS:
        raise ConfigError(f"Found level {level}, expected one of {', '.join(map(str, LEVELS))}.")
    parts = [_HEAD.format(level=level, about=LEVELS[level], name=name)]
    parts += [step.source if step.level > level else _to_write(step, level) for step in STEPS.values()]
    return "\n\n".join(parts)


def solution() -> str:
    """The same file with every function written, and correct."""
    return "\n\n".join(["import numpy as np\n", *(step.source for step in STEPS.values())])


def _to_write(step: Step, level: int) -> str:
    lines = [f"def {step.name}({step.signature}):"]
    if level < 3:
        lines += [f'    """{step.about}', "", f"    {step.formula}", '    """']
    return "\n".join([*lines, f'    raise NotImplementedError("write {step.name}")', ""])
