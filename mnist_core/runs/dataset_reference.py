"""Which data a run was trained on."""

from dataclasses import dataclass, field
from functools import lru_cache

from mnist_core.data.dataset import FORMER_SAMPLE, Dataset, load_dataset
from mnist_core.errors import DatasetError
from mnist_core.untrusted import UntrustedText


@dataclass(frozen=True)
class DatasetReference:
    """Which data a run was trained on: enough to load it again, and to notice if it is no longer the same."""

    name: UntrustedText
    source: str
    data_dir: str | None
    checksums: dict[str, str] = field(repr=False)

    @classmethod
    def of(cls, dataset: Dataset) -> "DatasetReference":
        """Refer to a loaded data set."""
        return cls(dataset.name, dataset.source, dataset.data_dir, dataset.checksums)

    def load(self) -> Dataset:
        """Load the data set again.

        Raises
        ------
        DatasetError
            If it is gone, or its files are not the same as when the run was created.
        """
        return self.check(load_dataset(self.source, self.data_dir))

    def shape(self) -> tuple[tuple[int, int], int]:
        """Height and width of the images, and number of classes; the data are loaded once in a process.

        Raises
        ------
        DatasetError
            As :meth:`load` does.
        """
        return _shape(self.name, self.source, self.data_dir, tuple(sorted(self.checksums.items())))

    def check(self, dataset: Dataset) -> Dataset:
        """Return ``dataset``, or raise DatasetError if its files are not those referred to."""
        if FORMER_SAMPLE in self.checksums:
            raise DatasetError(
                "This run was trained on the former sample of 5,000 images, which this version no longer has: "
                "its recorded scores stay; start a new run to evaluate."
            )
        if dataset.checksums != self.checksums:
            raise DatasetError(
                f"The files of the data set {self.name.plain} ({self.data_dir or self.source}) are not those that this "
                "run was created with: put the original files back, or start a new run."
            )
        return dataset


@lru_cache(maxsize=64)
def _shape(
    name: UntrustedText, source: str, data_dir: str | None, checksums: tuple[tuple[str, str], ...]
) -> tuple[tuple[int, int], int]:
    dataset = DatasetReference(name, source, data_dir, dict(checksums)).load()
    return dataset.image_shape, dataset.num_classes
