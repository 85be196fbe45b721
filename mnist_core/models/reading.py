"""Read a model file from elsewhere: npz or safetensors, never a pickle."""

import json
import math
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mnist_core.data.dataset import Dataset
from mnist_core.data.npz import CLASS_NAMES, PICKLE_SUFFIXES, NpzDamageError, NpzError, NpzPickleError, read_npz
from mnist_core.errors import ConfigError, MissingPackageError, ModelError, times
from mnist_core.models.checksum import checksum
from mnist_core.models.optional import install_hint
from mnist_core.nn.network import Network
from mnist_core.training.config import MAX_HIDDEN_LAYERS

MAX_BYTES = 100_000_000
"""Largest model file that is read, compressed and uncompressed."""

MAX_HEADER_BYTES = 65_536

MAX_ARRAYS = 2 * (MAX_HIDDEN_LAYERS + 1) + 2

EXPORT_ONE = "expected W1, b1, W2, b2, ... and the activation, as this project exports them. Export the model again."


def read_model(source: bytes | os.PathLike[str] | str, name: str | None = None) -> Network:
    """Read a network from a ``.npz`` or ``.safetensors`` file as :func:`export` writes them.

    The content decides the format. Sizes are read from the headers and checked before any array is made.

    Parameters
    ----------
    source : bytes or path
        Content of the file, or the file.
    name : str, optional
        Name of the file for messages.

    Returns
    -------
    Network

    Raises
    ------
    ModelError
        If it is a pickle, something else, damaged, above :data:`MAX_BYTES`, holds a number that is not finite, or
        its arrays are not those of a network.
    MissingPackageError
        If it is a safetensors file, and the package is not installed.
    OSError
        If the path can't be read.
    """
    if not isinstance(source, bytes):
        name = name or Path(source).name
        _check_size(name, Path(source).stat().st_size)
        source = Path(source).read_bytes()
    name = name or "The file"
    _check_size(name, len(source))
    if source[:1] == b"\x80" or name.lower().endswith(PICKLE_SUFFIXES):
        raise _pickle_error(name)
    if source[:4] == b"PK\x03\x04":
        read = _read_npz
    elif source[8:9] == b"{":
        read = _read_safetensors
    else:
        found = f"it begins with {source[:8]!r}" if source else "it is empty"
        raise ModelError(f"{name} is neither an .npz nor a .safetensors file ({found}): {EXPORT_ONE}")
    try:
        return _to_network(name, read(name, source))
    except ModelError:
        raise
    except Exception as error:  # a damaged file raises nearly everything
        raise ModelError(f"{name} is damaged ({error}): copy or export it again.") from error


def check_fits(network: Network, dataset: Dataset, name: str = "The network") -> None:
    """Check that a network reads images of the size of a data set, and knows all its classes.

    Raises
    ------
    ModelError
        Says what differs.
    """
    pixels, classes = network.layer_sizes[0], network.layer_sizes[-1]
    if pixels != math.prod(dataset.image_shape) or classes < dataset.num_classes:
        raise ModelError(
            f"{name} reads {pixels:,} pixels and tells {classes} classes apart; the images of {dataset.name.plain} "
            f"have {times(dataset.image_shape)} = {math.prod(dataset.image_shape):,} pixels and {dataset.num_classes} "
            "classes: choose the data set that it was trained on."
        )


def _read_npz(name: str, data: bytes) -> dict[str, np.ndarray]:
    try:
        arrays = read_npz(data, MAX_BYTES, "fU", MAX_ARRAYS)
        arrays.pop(CLASS_NAMES, None)  # a run names the classes as its data do
        return arrays
    except NpzPickleError as error:
        raise _pickle_error(name) from error
    except NpzDamageError as error:
        raise ModelError(f"{name} {error}: copy or export it again.") from error
    except NpzError as error:
        raise ModelError(f"{name} {error}: {EXPORT_ONE}") from error


def _read_safetensors(name: str, data: bytes) -> dict[str, np.ndarray]:
    try:
        from safetensors.numpy import load
    except ImportError as error:
        raise MissingPackageError(install_hint("safetensors")) from error
    length = int.from_bytes(data[:8], "little")
    if length > MAX_HEADER_BYTES:
        raise ModelError(
            f"{name} has a header of {length:,} bytes, expected at most {MAX_HEADER_BYTES:,}: it is damaged, or not a "
            "model of this project. Export the model again."
        )
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    if len(header) > MAX_ARRAYS or "activation" not in metadata:
        found = f"tensors {_some(header)} and metadata {_some(metadata)}"
        raise ModelError(f"{name} is no model of this project (found {found}): {EXPORT_ONE}")
    arrays = {**load(data), "activation": np.array(str(metadata["activation"])[:100])}
    if metadata.get("sha256", checksum(arrays)) != checksum(arrays):  # older versions wrote none
        raise ModelError(f"{name} is damaged (its SHA-256 differs from the one in it): copy or export it again.")
    return arrays


def _to_network(name: str, arrays: dict[str, np.ndarray]) -> Network:
    native = {key: array.astype(array.dtype.newbyteorder("="), copy=False) for key, array in arrays.items()}
    try:
        network = Network.from_arrays(native)
    except ConfigError as error:
        raise ModelError(
            f"{name} is no model of this project ({str(error)[:300].rstrip('.')}). Export the model again."
        ) from error
    if not np.isfinite(network.parameters).all():
        raise ModelError(
            f"{name} holds weights or biases that are not finite (NaN or infinite): its training went wrong. "
            "Train with a smaller learning rate, and export that."
        )
    return network


def _check_size(name: str, size: int) -> None:
    if size > MAX_BYTES:
        raise ModelError(
            f"{name} holds {size:,} bytes, expected at most {MAX_BYTES:,}: a 784-128-64-10 network has half a million. "
            "Export a smaller network."
        )


def _pickle_error(name: str) -> ModelError:
    return ModelError(
        f"{name} is a pickle (.pkl, .pt), and reading one runs code of whoever wrote it, so it is refused: "
        "save the arrays as .npz or .safetensors where you trust it."
    )


def _some(names: Iterable[str]) -> str:
    """The first few of some names."""
    return ", ".join(str(name)[:40] for name in list(names)[:4]) + (", ..." if len(list(names)) > 4 else "") or "none"
