"""A model as one Python file that needs NumPy alone."""

import base64
import io
from collections.abc import Sequence
from string import Template
from typing import Any

import numpy as np

from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import Network

PYTHON_FILE = Template('''\
"""A neural network for images of $height x $width pixels and $classes classes: $layers, $activation. Needs only NumPy.

In a program:  from model import predict          (when this file is model.py)
               probabilities = predict(images)    uint8 (N, $height, $width), white on black -> (N, $classes)
As a script:   python model.py images.npy         prints the class of each image, and its probability
"""

import base64
import io
import sys

import numpy as np

CLASSES = $class_names


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
        print(f"image {number}: {CLASSES[p.argmax()]} ({p.max():.1%})")


# The weights and biases W1, b1, W2, b2, ...: an .npz file, compressed, in base64.
PARAMETERS = """
$parameters"""
ARRAYS = dict(np.load(io.BytesIO(base64.b64decode(PARAMETERS)), allow_pickle=False))

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {sys.argv[0]} images.npy")
    main(sys.argv[1])
''')


def to_python(network: Network, image_shape: tuple[int, int], class_names: Sequence[str] = ()) -> bytes:
    """Write a Python file of about 50 lines and the parameters, without any import of ours; see :data:`FORMATS`."""
    arrays: dict[str, Any] = {**network.to_arrays()}
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
        expression=ACTIVATIONS[network.activation].python_source,
        class_names=list(class_names) or list(map(str, range(network.layer_sizes[-1]))),
        parameters=base64.encodebytes(file.getvalue()).decode(),
    )
    return text.encode()
