"""Which class a label is, and what the classes are called."""

from mnist_core.data.fitting import MAX_CLASSES
from mnist_core.data.formats.source import PREPARED, Source
from mnist_core.errors import DatasetError, counted


def first_label(low: int, high: int, source: Source) -> int:
    """Return the label that becomes class 0.

    It is 0 for labels from 0, and for those from 2 or more, of which lower ones may just have no images; 1 for those
    from 1, as EMNIST's letters have; and the lowest one for labels too high to be classes otherwise.

    Parameters
    ----------
    low, high : int
        The lowest and the highest label.
    source : Source
        If it has names, the label that they begin with decides; if it was prepared before, the labels are classes.
    """
    if source.format == PREPARED:
        return 0
    if source.class_names is not None:
        return _first_named(source, low, high)
    if low == 1 or (high >= MAX_CLASSES > high - low and low > 0):
        return low
    return 0


def _first_named(source: Source, low: int, high: int) -> int:
    """Return the label that the names begin with: if they are too few otherwise, the lowest one."""
    named = len(source.class_names or ())
    too_few = named <= high - source.first_label
    return low if too_few and named > high - low and low > source.first_label else source.first_label


def names_of(source: Source, given: tuple[str, ...] | None, first: int, low: int, high: int) -> tuple[str, ...] | None:
    """Return a name for each class, or None if they are the labels themselves, from 0 on.

    Parameters
    ----------
    source : Source
    given : tuple of str or None
        Names from class 0 on, which go before those of the source.
    first, low, high : int
        The label that is class 0, the lowest one and the highest one.

    Raises
    ------
    DatasetError
        If there are fewer names than classes.
    """
    classes = high - first + 1
    names = given
    if names is None and source.class_names is not None:
        skipped = first - _first_named(source, low, high)
        names = source.class_names[skipped:] if skipped >= 0 else None
    if names is not None and len(names) < classes:
        raise DatasetError(
            f"{source.path}: found {counted(len(names), 'class name')}, but labels from {first} to {high}, which are "
            f"{classes} classes; expected a name for each. Add the missing names."
        )
    if names is None and first and classes <= MAX_CLASSES:
        return tuple(map(str, range(first, high + 1)))
    return names
