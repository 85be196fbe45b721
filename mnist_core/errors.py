"""The errors of this package: each message says what was found, what was expected and what to do.

Whoever shows one to a person (a page, the command line) shows ``str(error)`` and nothing else.
"""

import errno
from collections.abc import Iterable
from difflib import get_close_matches

from mnist_core.untrusted import UntrustedText

LONGEST_MESSAGE = 8000
"""Characters; a damaged file may make a library quote thousands of them."""

LONGEST_REASON = 300


class MnistError(Exception):
    """Base of all errors that are meant to be read by a person; the middle of a very long message is left out."""

    def __init__(self, message: str) -> None:
        if len(message) > LONGEST_MESSAGE:
            half = LONGEST_MESSAGE // 2 - 2
            message = f"{message[:half]} … {message[-half:]}"
        super().__init__(message)


class IdxError(MnistError, ValueError):
    """A file is not a well-formed IDX file, or an array cannot be written as one."""


class DatasetError(MnistError):
    """A data set is missing, incomplete or inconsistent."""


class DownloadError(DatasetError):
    """The data set could not be fetched from any mirror."""


class CorrectionsError(DatasetError):
    """A file of corrected labels can't be read or written, or belongs to other images."""


class PictureError(MnistError, ValueError):
    """A picture can't be read, or there is no digit in it."""


class ConfigError(MnistError, ValueError):
    """A setting has a wrong type or lies outside its range."""


class RunError(MnistError):
    """A run folder is missing, damaged, or in a state that does not allow what was asked."""


class ModelError(MnistError, ValueError):
    """A model file can't be written, can't be read, or does not fit the data."""


class MissingPackageError(ModelError):
    """A model file needs a package that is not installed."""


class EvaluationError(MnistError, ValueError):
    """A network can't be measured: its output is not a number, or its predictions don't fit the labels."""


class TrainingError(MnistError):
    """Training cannot continue, for example because the loss is no longer a number."""


class AssignmentError(MnistError):
    """A learner's file can't be read, or can't be run."""


ADVICE = {
    errno.ENOSPC: "free some space on its disk",
    errno.EDQUOT: "delete files that you no longer need, since your quota on its disk is used up",
    errno.EROFS: "make its disk writable, which is mounted read-only",
    errno.EACCES: "make the folder writable",
    errno.EPERM: "make the folder writable",
    errno.ENOENT: "check that the folder still exists",
    errno.ENOTDIR: "move away the file that is in the place of a folder",
    errno.EISDIR: "move away the folder that is in the place of a file",
    errno.EFBIG: "raise the limit on the size of a file (ulimit -f), or use another disk",
    errno.ENAMETOOLONG: "choose a shorter path",
    errno.EIO: "check its disk, which reports a fault",
    errno.EMFILE: "end other programs, which have too many files open",
    errno.ENFILE: "end other programs, which have too many files open",
}
"""What to do about an error of the operating system when a folder is written, by its cause."""


def advice_on(error: OSError) -> str:
    """Say what to do when a folder can't be written: a clause that follows a colon."""
    return ADVICE.get(error.errno or 0, "check the folder and its disk")


def reason_of(error: Exception) -> str:
    """Why a file can't be used, as a clause: short, and without the path and the number that the system adds."""
    known = error.strerror if isinstance(error, OSError) else None
    reason = UntrustedText((known or str(error) or type(error).__name__).rstrip(".")).plain
    return reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]}…"


def sentence_of(error: BaseException) -> str:
    """Say what failed; an error of the disk that no function gave a sentence gets one here."""
    if not isinstance(error, OSError):
        return str(error)
    return f"Can't use {error.filename or 'a file'} ({reason_of(error)}): {advice_on(error)}, then try again."


def times(shape: tuple[int, ...]) -> str:
    """Write the shape of an array or an image for a message.

    Parameters
    ----------
    shape : tuple of int

    Returns
    -------
    str
        "28x28" for (28, 28), "60000x28x28" for (60000, 28, 28), "a single value" for ().
    """
    return "x".join(map(str, shape)) or "a single value"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Write a number and its noun: "1 epoch", "2 epochs"; "2 classes" with its ``plural``."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Guess what a mistyped word means, for the end of a message.

    Parameters
    ----------
    word : str
    known : iterable of str
        The words that exist.

    Returns
    -------
    str
        " Did you mean --epochs?" for "--epoch"; "" if no known word is similar.
    """
    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_lower, 1)
    return f" Did you mean {by_lower[close[0]]}?" if close else ""
