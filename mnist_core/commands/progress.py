"""A progress bar on a terminal while data are read."""

from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from mnist_core.data.formats.source import Progress


@contextmanager
def reading() -> Iterator[Progress]:
    """Show how much is read: ``with reading() as progress: load_dataset("full", path, progress)``."""
    with tqdm(total=1.0, leave=False, disable=None, bar_format="{desc} {percentage:3.0f}%|{bar}|") as bar:

        def show(share: float, what: str) -> None:
            bar.n = min(max(share, 0.0), 1.0)
            bar.set_description(what, refresh=False)
            bar.refresh()

        yield show
