"""The errors of this package: each message says what was found, what was expected and what to do.

Whoever shows one to a person (a page, the command line) shows ``str(error)`` and nothing else.
"""


class MnistError(Exception):
    """Base of all errors that are meant to be read by a person."""


class IdxError(MnistError, ValueError):
    """A file is not a well-formed IDX file, or an array cannot be written as one."""


class DatasetError(MnistError):
    """A data set is missing, incomplete or inconsistent."""


class DownloadError(DatasetError):
    """The data set could not be fetched from any mirror."""


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
