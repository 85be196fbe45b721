"""Models as files: a trained network written for other programs, and read again.

npz           the arrays W1, b1, W2, b2, ... and activation, as in ``model.npz`` of a run
safetensors   the same arrays, with the activation and a checksum in the metadata: an 8-byte length, a JSON header, the
              bytes
onnx          a graph from raw images to probabilities, for ONNX Runtime in any language
python        one file of source text with the parameters in it, which needs NumPy alone

Each holds the names of the classes as well, if they have any but their numbers.

No format is read that could run code: a pickle (.pkl, .pt) is refused.
"""

import io
import json
import math
import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from mnist_core.data.classes import Classes
from mnist_core.data.npz import CLASS_NAMES
from mnist_core.errors import MissingPackageError, ModelError, times
from mnist_core.models.checksum import checksum
from mnist_core.models.onnx import to_onnx
from mnist_core.models.optional import install_hint
from mnist_core.models.python_file import to_python
from mnist_core.nn.network import Network


def to_npz(network: Network, image_shape: tuple[int, int], class_names: Sequence[str] = ()) -> bytes:
    """Write the arrays of :meth:`Network.to_arrays`, and any names of classes; see :data:`FORMATS`."""
    file = io.BytesIO()
    arrays: dict[str, Any] = {**network.to_arrays(), **({CLASS_NAMES: np.array(class_names)} if class_names else {})}
    np.savez(file, **arrays)
    return file.getvalue()


def to_safetensors(network: Network, image_shape: tuple[int, int], class_names: Sequence[str] = ()) -> bytes:
    """Write weights and biases as tensors, activation and names of classes as metadata; see :data:`FORMATS`."""
    try:
        from safetensors.numpy import save
    except ImportError as error:
        raise MissingPackageError(install_hint("safetensors")) from error
    arrays = network.to_arrays()
    metadata = {"sha256": checksum(arrays), "activation": str(arrays.pop("activation"))}
    metadata |= {CLASS_NAMES: json.dumps(class_names)} if class_names else {}
    return save(arrays, metadata=metadata)


class Format(NamedTuple):
    """A kind of model file."""

    suffix: str
    write: Callable[[Network, tuple[int, int], Sequence[str]], bytes]
    """From a network, the (H, W) of its images and the names of its classes, empty for numbers, to the content of the
    file; MissingPackageError without `package`."""
    package: str | None
    """What has to be installed beyond ``requirements.txt`` to write it."""
    about: str
    """One sentence for people."""
    example: str
    """Python code that reads a file ``model`` with this suffix."""


FORMATS = {
    "npz": Format(
        ".npz", to_npz, None,
        "NumPy's own archive of the arrays W1, b1, W2, b2, ... and the name of the activation, as in the run's folder.",
        'from mnist_core.evaluation.predict import predict\nfrom mnist_core.models.reading import read_model\n\n'
        'probabilities = predict(read_model("model.npz"), images)  # uint8 (N, H, W)',
    ),
    "safetensors": Format(
        ".safetensors", to_safetensors, "safetensors",
        "The same arrays in a format that deep learning libraries of many languages read, and that holds nothing but "
        "numbers.",
        'from safetensors.numpy import load_file\n\narrays = load_file("model.safetensors")  # W1, b1, W2, b2, ...',
    ),
    "onnx": Format(
        ".onnx", to_onnx, "onnx",
        "The whole computation from raw uint8 images to probabilities, for ONNX Runtime in Python, C++, JavaScript, "
        "Java or C#.",
        'import onnxruntime\n\nsession = onnxruntime.InferenceSession("model.onnx")\n'
        '(probabilities,) = session.run(["probabilities"], {"images": images})  # uint8 (N, H, W)',
    ),
    "python": Format(
        ".py", to_python, None,
        "One Python file with the parameters in it, to read, to hand in or to run anywhere: it needs NumPy alone.",
        "from model import predict\n\nprobabilities = predict(images)  # uint8 (N, H, W)",
    ),
}  # fmt: skip
"""The formats by name."""


def export(network: Network, image_shape: tuple[int, int], format: str, classes: Classes | None = None) -> bytes:
    """Write a network in a format.

    Parameters
    ----------
    network : Network
    image_shape : (int, int)
        Height and width of the images that it reads; their product is ``layer_sizes[0]``.
    format : str
        A key of :data:`FORMATS`.
    classes : Classes, optional
        Their names are written into the file, unless they are numbers.

    Returns
    -------
    bytes
        Content of the file.

    Raises
    ------
    ModelError
        If the format is unknown, or the images have another number of pixels than the network reads.
    MissingPackageError
        If the format needs a package that is not installed.
    """
    if format not in FORMATS:
        raise ModelError(f"Unknown format {format!r}: expected one of {', '.join(FORMATS)}.")
    if math.prod(image_shape) != network.layer_sizes[0]:
        raise ModelError(
            f"The network reads {network.layer_sizes[0]} pixels, found images of {times(image_shape)}: "
            "name the size of the images that it was trained on."
        )
    height, width = image_shape
    names = classes.plain() if classes and not classes.are_numbers else []
    return FORMATS[format].write(network, (height, width), names)


def missing_package(format: str) -> str | None:
    """Say what to install before a format can be written; None when nothing is missing."""
    package = FORMATS[format].package
    return install_hint(package) if package and find_spec(package) is None else None


def file_name(run_id: str, format: str) -> str:
    """Name for an exported run, such that Python can import it."""
    name = re.sub(r"\W", "_", run_id)
    return f"model_{name}{FORMATS[format].suffix}"
