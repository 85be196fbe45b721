"""Which data a run was trained on."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, ClassVar

from mnist_core.data.checksums import same_content
from mnist_core.data.classes import LONGEST_NAME, Classes
from mnist_core.data.dataset import FOLDER_VARIABLE, FORMER_SAMPLE, Dataset, load_dataset
from mnist_core.data.published.catalogue import NamedSet, known_content
from mnist_core.errors import DatasetError
from mnist_core.runs.schema import Checksums, ClassNames, FolderPath, shown
from mnist_core.untrusted import UntrustedText


@dataclass(frozen=True)
class DatasetReference:
    """Which data a run was trained on: enough to load it again, and to notice if it is no longer the same.

    Parameters
    ----------
    name, source, data_dir, checksums
        As in :class:`Dataset`.
    class_names : tuple of UntrustedText
        Its ``given_names``, which may be cut; empty if nobody gave names, or if an older version wrote the run.
    """

    MAX_NAME: ClassVar[int] = 200
    SOURCES: ClassVar[tuple[str, ...]] = ("full", "sample")

    name: UntrustedText
    source: str
    data_dir: FolderPath | None
    checksums: Checksums = field(repr=False)
    class_names: ClassNames = ()

    def __post_init__(self) -> None:
        if len(self.name.plain) > self.MAX_NAME:
            raise ValueError(f"name is {shown(self.name.plain)}: expected at most {self.MAX_NAME} characters")
        if self.source not in self.SOURCES:
            raise ValueError(f"source is {shown(self.source)}: expected one of {', '.join(self.SOURCES)}")
        if any(len(given.plain) > LONGEST_NAME for given in self.class_names):
            raise ValueError(f"class_names: expected at most {LONGEST_NAME} characters each")

    @classmethod
    def of(cls, dataset: Dataset) -> "DatasetReference":
        """Refer to a loaded data set."""
        name = UntrustedText(dataset.name.plain[: cls.MAX_NAME])
        given = tuple(UntrustedText(given.plain[:LONGEST_NAME]) for given in dataset.given_names)
        return cls(name, dataset.source, dataset.data_dir, dataset.checksums, given)

    def record(self) -> dict[str, Any]:
        """The fields for ``config.json``: without names of classes if there are none, as older versions expect."""
        return {name: value for name, value in vars(self).items() if value or name != "class_names"}

    def load(
        self,
        loader: Callable[[str, str | None], Dataset] = load_dataset,
        elsewhere: Iterable[str | None] = (None,),
    ) -> Dataset:
        """Load the data set again, from its folder or, if that is gone or holds other data, from another one.

        A published data set is also looked for where it would be fetched to.

        Parameters
        ----------
        loader : callable
            Returns the data set of a source and a folder, as :func:`load_dataset` does.
        elsewhere : iterable of str or None
            Further folders to look in; None is the default one.

        Raises
        ------
        DatasetError
            If none of them holds what the run was created with.
        """
        try:
            return self.check(loader(self.source, self.data_dir))
        except DatasetError as error:
            known = known_content(self.checksums)
            others = [*elsewhere, *_places(known)] if self.source == "full" else []
            for folder in dict.fromkeys(others):
                if folder != self.data_dir:
                    with suppress(DatasetError):
                        return self.check(loader(self.source, folder))
            if self.data_dir is None:
                raise
            fetch = f", or fetch {known.title} again with `mnist download {known.name}`" if known else ""
            raise DatasetError(
                f"{error} If they moved, choose their new folder, or let the environment variable {FOLDER_VARIABLE} "
                f"name it{fetch}."
            ) from error

    def has_content(self, checksums: Mapping[str, str]) -> bool:
        """Tell whether recorded checksums are of the data referred to."""
        return same_content(checksums, self.checksums)

    def shape(self) -> tuple[tuple[int, int], int]:
        """Height and width of the images, and number of classes; the data are loaded once in a process.

        Raises
        ------
        DatasetError
            As :meth:`load` does.
        """
        shape, names = self._shape_and_names()
        return shape, len(names)

    def classes(self, count: int) -> Classes:
        """The classes that a network with ``count`` outputs tells apart, under the names that its run knows.

        Without recorded names, they are those of the data, which are loaded once in a process; without these, numbers.
        """
        names = self.class_names
        if not names:
            with suppress(DatasetError):
                _, names = self._shape_and_names()
        return Classes.of(names, count)

    def _shape_and_names(self) -> tuple[tuple[int, int], tuple[UntrustedText, ...]]:
        checksums = tuple(sorted(self.checksums.items()))
        return _shape_and_names(self.name, self.source, self.data_dir, checksums, self.class_names)

    def check(self, dataset: Dataset) -> Dataset:
        """Return ``dataset``, or raise DatasetError if its files are not those referred to."""
        if FORMER_SAMPLE in self.checksums:
            raise DatasetError(
                "This run was trained on the former sample of 5,000 images, which this version no longer has: "
                "its recorded scores stay; start a new run to evaluate."
            )
        if not dataset.has_content(self.checksums):
            older = any(name.endswith(".gz") for name in self.checksums)  # checksums of files, not of content
            raise DatasetError(
                f"The files of the data set {self.name.plain} ({self.data_dir or self.source}) are not those that this "
                "run was created with: put the original files back"
                f"{', compressed as they were' if older else ''}, or start a new run."
            )
        if self.class_names and self.class_names != dataset.given_names:
            return _named(dataset, self.class_names)
        return dataset


def _places(known: NamedSet | None) -> list[str]:
    """Folder that a published data set is in, if it is here."""
    from mnist_core.data.published.named import find_named  # which loads what fetches, too

    found = find_named(known) if known else None
    return [str(found)] if found else []


@lru_cache(maxsize=2)
def _named(dataset: Dataset, names: tuple[UntrustedText, ...]) -> Dataset:
    """Name the classes; the same data set gives the same one again."""
    return replace(dataset, given_names=names)


@lru_cache(maxsize=64)
def _shape_and_names(
    name: UntrustedText,
    source: str,
    data_dir: str | None,
    checksums: tuple[tuple[str, str], ...],
    class_names: tuple[UntrustedText, ...],
) -> tuple[tuple[int, int], tuple[UntrustedText, ...]]:
    dataset = DatasetReference(name, source, data_dir, dict(checksums), class_names).load()
    return dataset.image_shape, dataset.class_names
