"""Ctrl-C and SIGTERM: who answers them, and how a process ends by one.

Imports only what Python has loaded already or loads in no time, since the first moments are answered here, too.
"""

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn, TypeAlias

    Handler: TypeAlias = Callable[[int, FrameType | None], object]

SIGNALS = (signal.SIGINT, signal.SIGTERM)

EXIT_CODES = {128 + number: number for number in SIGNALS}
"""The signal by the exit code that tells a shell of it."""


class Interrupted(KeyboardInterrupt):
    """A signal asks a command to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    def __str__(self) -> str:
        return "interrupted by Ctrl-C" if self.number == signal.SIGINT else "ended by SIGTERM"


class Request:
    """Handler that remembers a signal, for a loop to end when it suits; a second one ends the process at once."""

    number: "int | None" = None

    def __call__(self, number: int, frame: "FrameType | None") -> None:
        if self.number is not None:
            end_at_once(number)
        self.number = number

    def __bool__(self) -> bool:
        return self.number is not None


class answered_by:
    """Let ``handler`` answer within a ``with`` block."""

    def __init__(self, handler: "Handler") -> None:
        self.handler = handler

    def __enter__(self) -> None:
        self.former = {number: signal.getsignal(number) for number in SIGNALS}
        answer_with(self.handler)

    def __exit__(self, *_: object) -> None:
        for number, handler in self.former.items():
            answer_with(handler, number)


def answer_with(handler: "Handler | int | None", *numbers: int) -> None:
    """Let ``handler`` answer from now on; a signal that the parent has this process ignore stays ignored."""
    for number in numbers or SIGNALS:
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            try:
                signal.signal(number, handler)
            except ValueError:  # only the main thread answers signals
                return


def interrupt(number: int, frame: "FrameType | None") -> "NoReturn":
    """Handler that raises :class:`Interrupted`, so that temporary files are removed on the way out."""
    raise Interrupted(number)


def end_at_once(number: int, frame: "FrameType | None" = None) -> "NoReturn":
    """Handler for times in which there is nothing to save."""
    end_at_terminal(number)
    os._exit(128 + number)


def end_at_terminal(number: int) -> None:
    """End this process by a signal if it runs at a terminal.

    A shell reports that as 128 + number, as it does an exit code, but only a command that Ctrl-C itself ended ends the
    loop around it.
    """
    if sys.platform != "win32" and any(map(os.isatty, range(3))):
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
