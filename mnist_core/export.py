"""Models as files: a trained network written for other programs, and read again.

npz           the arrays W1, b1, W2, b2, ... and activation, as in ``model.npz`` of a run
safetensors   the same arrays, with the activation in the metadata: an 8-byte length, a JSON header, the bytes
onnx          a graph from raw images to probabilities, for ONNX Runtime in any language
python        one file of source text with the parameters in it, which needs NumPy alone

No format is read that could run code: a pickle (.pkl, .pt) is refused.
"""

import base64
import io
import json
import math
import os
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import NamedTuple

import numpy as np

from mnist_core.data.dataset import Dataset
from mnist_core.errors import ConfigError, MissingPackageError, ModelError
from mnist_core.nn.network import Network
from mnist_core.training.config import MAX_HIDDEN_LAYERS

MAX_BYTES = 100_000_000
"""Largest model file that is read, compressed and uncompressed."""

MAX_HEADER_BYTES = 65_536

MAX_ARRAYS = 2 * (MAX_HIDDEN_LAYERS + 1) + 1

PICKLE_SUFFIXES = (".pkl", ".pickle", ".pt", ".pth", ".joblib")

EXPORT_ONE = "expected W1, b1, W2, b2, ... and the activation, as this project exports them. Export the model again."

ONNX_OPSET, ONNX_IR_VERSION = 13, 8
"""Old enough for every runtime since 2021; from opset 13 on, Softmax works along one axis as :func:`softmax` does."""

ONNX_ACTIVATIONS = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}

PYTHON_ACTIVATIONS = {"sigmoid": "0.5 * (1 + np.tanh(0.5 * z))", "tanh": "np.tanh(z)", "relu": "np.maximum(z, 0)"}

PYTHON_FILE = Template('''\
"""A neural network for images of $height x $width pixels and $classes classes: $layers, $activation. It needs NumPy alone.

In a program:  from model import predict          (when this file is model.py)
               probabilities = predict(images)    uint8 (N, $height, $width), white on black -> (N, $classes)
As a script:   python model.py digits.npy         prints the class of each image, and its probability
"""

import base64
import io
import sys

import numpy as np


def activate(z):
    """Activation of the hidden layers: $activation."""
    return $expression


def predict(images):
    """Probabilities of the classes, (N, $classes), of raw images: uint8, (N, $height, $width), 0 is black."""
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != ($height, $width):
        raise ValueError(f"found {images.dtype} of shape {images.shape}, expected uint8 (N, $height, $width)")
    a = images.reshape(len(images), $pixels) / np.float32(255)
    for layer in range(1, $depth):
        a = activate(a @ ARRAYS[f"W{layer}"] + ARRAYS[f"b{layer}"])
    z = a @ ARRAYS["W$depth"] + ARRAYS["b$depth"]
    exp = np.exp(z - z.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)


def main(path):
    """Print the most probable class of each image in a .npy file."""
    for number, p in enumerate(predict(np.load(path, allow_pickle=False))):
        print(f"image {number}: {p.argmax()} ({p.max():.1%})")


# The weights and biases W1, b1, W2, b2, ...: an .npz file, compressed, in base64.
PARAMETERS = """
$parameters"""
ARRAYS = dict(np.load(io.BytesIO(base64.b64decode(PARAMETERS)), allow_pickle=False))

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {sys.argv[0]} digits.npy")
    main(sys.argv[1])
''')


def to_npz(network: Network, image_shape: tuple[int, int]) -> bytes:
    """Write the arrays of :meth:`Network.to_arrays`; see :data:`FORMATS`."""
    file = io.BytesIO()
    np.savez(file, **network.to_arrays())
    return file.getvalue()


def to_safetensors(network: Network, image_shape: tuple[int, int]) -> bytes:
    """Write weights and biases as tensors, the activation as metadata; see :data:`FORMATS`."""
    try:
        from safetensors.numpy import save
    except ImportError as error:
        raise MissingPackageError(_install("safetensors")) from error
    arrays = network.to_arrays()
    return save(arrays, metadata={"activation": str(arrays.pop("activation"))})


def to_onnx(network: Network, image_shape: tuple[int, int]) -> bytes:
    """Write the graph from ``images``, uint8 (N, H, W), to ``probabilities``, float32 (N, C); see :data:`FORMATS`.

    Cast and Div are :func:`normalize`, Flatten is :func:`flatten`, and each Gemm is ``a @ W + b``.
    """
    try:
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise MissingPackageError(_install("onnx")) from error
    constants = {"white": np.array(255, np.float32)}
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["pixels", "white"], ["normalized"]),
        helper.make_node("Flatten", ["normalized"], ["a0"], axis=1),
    ]
    depth = len(network.weights)
    for layer, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True), start=1):
        constants |= {f"W{layer}": weight.astype(np.float32), f"b{layer}": bias.astype(np.float32)}
        nodes.append(helper.make_node("Gemm", [f"a{layer - 1}", f"W{layer}", f"b{layer}"], [f"z{layer}"]))
        if layer < depth:
            nodes.append(helper.make_node(ONNX_ACTIVATIONS[network.activation], [f"z{layer}"], [f"a{layer}"]))
    nodes.append(helper.make_node("Softmax", [f"z{depth}"], ["probabilities"], axis=1))
    graph = helper.make_graph(
        nodes,
        "mnist",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", *image_shape])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", network.layer_sizes[-1]])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opset = helper.make_opsetid("", ONNX_OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=ONNX_IR_VERSION, producer_name="mnist_core")
    return model.SerializeToString()


def to_python(network: Network, image_shape: tuple[int, int]) -> bytes:
    """Write a Python file of about 50 lines and the parameters, without any import of ours; see :data:`FORMATS`."""
    arrays = network.to_arrays()
    del arrays["activation"]
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    height, width = image_shape
    text = PYTHON_FILE.substitute(
        height=height,
        width=width,
        pixels=network.layer_sizes[0],
        classes=network.layer_sizes[-1],
        layers="-".join(map(str, network.layer_sizes)),
        depth=len(network.weights),
        activation=network.activation,
        expression=PYTHON_ACTIVATIONS[network.activation],
        parameters=base64.encodebytes(file.getvalue()).decode(),
    )
    return text.encode()


class Format(NamedTuple):
    """A kind of model file."""

    suffix: str
    write: Callable[[Network, tuple[int, int]], bytes]
    """From a network and the (H, W) of its images to the content of the file; MissingPackageError without `package`."""
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
        'from mnist_core.evaluation import predict\nfrom mnist_core.export import read_model\n\n'
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


def export(network: Network, image_shape: tuple[int, int], format: str) -> bytes:
    """Write a network in a format.

    Parameters
    ----------
    network : Network
    image_shape : (int, int)
        Height and width of the images that it reads; their product is ``layer_sizes[0]``.
    format : str
        A key of :data:`FORMATS`.

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
            f"The network reads {network.layer_sizes[0]} pixels, found images of {_times(image_shape)}: "
            "name the size of the images that it was trained on."
        )
    return FORMATS[format].write(network, tuple(image_shape))


def missing_package(format: str) -> str | None:
    """Say what to install before a format can be written; None when nothing is missing."""
    package = FORMATS[format].package
    return _install(package) if package and find_spec(package) is None else None


def file_name(run_id: str, format: str) -> str:
    """Name for an exported run, such that Python can import it."""
    return f"model_{run_id.replace('-', '_')}{FORMATS[format].suffix}"


def read_model(source: bytes | os.PathLike | str, name: str | None = None) -> Network:
    """Read a network from a ``.npz`` or ``.safetensors`` file as :func:`export` writes them.

    What the file is, its content tells. Sizes are read from its headers and checked before any array is made.

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
            f"{name} reads {pixels:,} pixels and tells {classes} classes apart; the images of {dataset.name} have "
            f"{_times(dataset.image_shape)} = {math.prod(dataset.image_shape):,} pixels and {dataset.num_classes} "
            "classes: choose the data set that it was trained on."
        )


def _read_npz(name: str, data: bytes) -> dict[str, np.ndarray]:
    if data.count(b"PK\x01\x02") > MAX_ARRAYS:  # each entry of a zip directory begins so
        raise ModelError(f"{name} holds more than {MAX_ARRAYS} files: {EXPORT_ONE}")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if any(member.filename.endswith(PICKLE_SUFFIXES) for member in members):
            raise _pickle_error(name)
        _check_size(name, sum(member.file_size for member in members))
        for member in members:
            _check_member(name, archive, member)
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)


def _check_member(name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Check that an array of an archive has the size that its entry promises, and holds numbers or a name."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ModelError(f"{name} is compressed in a way that NumPy does not write: {EXPORT_ONE}")
    with archive.open(member) as file:
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[np.lib.format.read_magic(file)]
        shape, _, dtype = read_header(file)
        if dtype.hasobject:
            raise _pickle_error(name)
        if dtype.kind not in "fU" or dtype.itemsize > 128 or (dtype.kind == "U" and shape):
            raise ModelError(f"{name} holds an array of dtype {dtype} in {member.filename!r}: {EXPORT_ONE}")
        declared, there = math.prod(shape) * dtype.itemsize, member.file_size - file.tell()
        if declared != there:
            raise ModelError(
                f"{name} is damaged ({member.filename} tells of {declared:,} bytes and has {there:,}): copy or export "
                "it again."
            )


def _read_safetensors(name: str, data: bytes) -> dict[str, np.ndarray]:
    try:
        from safetensors.numpy import load
    except ImportError as error:
        raise MissingPackageError(_install("safetensors")) from error
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
    return {**load(data), "activation": np.array(str(metadata["activation"])[:100])}


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


def _install(package: str) -> str:
    return f"This format needs the package {package}, which is not installed: pip install {package}"


def _times(image_shape: tuple[int, int]) -> str:
    return " x ".join(map(str, image_shape))


def _some(names: dict) -> str:
    """The first few of some names."""
    return ", ".join(str(name)[:40] for name in list(names)[:4]) + (", ..." if len(names) > 4 else "") or "none"
