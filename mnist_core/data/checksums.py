"""Whether two data sets have the same content, however their files are named and compressed."""

import hashlib
from collections.abc import Mapping

import numpy as np

from mnist_core.data.idx import idx_header, idx_values

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"

TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"

FILE_NAMES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)

MNIST_SHA256 = {
    f"{TRAIN_IMAGES}.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    f"{TRAIN_LABELS}.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    f"{TEST_IMAGES}.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    f"{TEST_LABELS}.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

_UNPACKED = {MNIST_SHA256[f"{name}.gz"]: MNIST_SHA256[name] for name in FILE_NAMES}


def content_checksum(array: np.ndarray) -> str:
    """SHA-256 (hexadecimal) of an array as an unpacked IDX file: the same however the file is named or compressed.

    Parameters
    ----------
    array : ndarray
        Of a dtype that IDX has.
    """
    digest = hashlib.sha256(idx_header(array))
    digest.update(idx_values(array).reshape(-1).data)
    return digest.hexdigest()


def same_content(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Tell whether two records of checksums, by file name, are of the same content.

    Older runs recorded the files as they were: their names, and SHA-256 of their bytes, compressed or not. Those of
    the published MNIST and those of unpacked files can still be compared with checksums of content.
    """
    return _canonical(one) == _canonical(other)


def _canonical(checksums: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removesuffix(".gz").replace(".idx", "-idx"): _UNPACKED.get(checksum, checksum)
        for name, checksum in checksums.items()
    }
