"""NumPy's .npz, with Keras' names (x_train, y_train, x_test, y_test) or others, and .npy, one array a file."""

import io
from collections.abc import Sequence

import numpy as np

from mnist_core.data.formats.arrays import pair
from mnist_core.data.formats.files import File
from mnist_core.data.formats.kinds import REFUSED
from mnist_core.data.formats.reading import ALWAYS, FETCH_AGAIN, MAX_RATIO, Reading
from mnist_core.data.formats.values import Contents
from mnist_core.data.idx import MAX_BYTES
from mnist_core.data.npz import NpzDamageError, NpzError, NpzPickleError, check_array, read_npz
from mnist_core.errors import DatasetError

MAX_ARRAYS = 100

NPY_MAGIC = b"\x93NUMPY"


def read(files: Sequence[File], reading: Reading) -> Contents:
    """Read the arrays of all files, and find images and labels among them."""
    arrays: dict[str, np.ndarray] = {}
    for file in files:
        for name, array in read_arrays(file, reading).items():
            arrays[f"{file.name}/{name}" if name else file.name] = array
    return Contents(*pair(arrays, reading.notes))


def read_arrays(file: File, reading: Reading) -> dict[str, np.ndarray]:
    """Read the arrays of one file by name; of an .npy file, the one without a name.

    Raises
    ------
    DatasetError
        If the file is damaged, too large, or holds a pickle.
    """
    content = reading.whole(file)
    try:
        if content.startswith(NPY_MAGIC):
            stream = io.BytesIO(content)
            check_array(stream, len(content), file.name, "fiubUS")
            stream.seek(0)
            return {"": np.load(stream, allow_pickle=False)}
        most = min(2 * MAX_BYTES, max(MAX_RATIO * len(content), ALWAYS))
        return read_npz(content, most, kinds="fiubUS", max_arrays=MAX_ARRAYS, texts=True)
    except NpzPickleError as error:
        advice = REFUSED["pickle"].advice
        raise DatasetError(f"{file.name}: found arrays of Python objects, which are a pickle. {advice}") from error
    except NpzDamageError as error:
        raise DatasetError(f"{file.name}: {error}, but expected arrays of numbers. {FETCH_AGAIN}") from error
    except NpzError as error:
        raise DatasetError(f"{file.name}: {error}. Save its images and labels alone with numpy.savez.") from error
    except MemoryError:
        raise
    except Exception as error:  # a damaged header raises nearly everything
        raise DatasetError(f"{file.name}: found a damaged array ({error}). {FETCH_AGAIN}") from error
