"""Back-propagation in 60 lines: python backprop_in_60_lines.py [FOLDER [EPOCHS]]; FOLDER holds MNIST's four .gz files.
(BP1) to (BP4) are the equations of Michael Nielsen, Neural Networks and Deep Learning, chapter 2."""

import gzip
import os
import sys

import numpy as np


def read(folder, split):  # images as rows x of 784 pixels in [0, 1], labels as one-hot rows y
    with gzip.open(f"{folder}/{split}-images-idx3-ubyte.gz") as images:  # a header of 16 bytes, then the pixels
        x = np.frombuffer(images.read(), np.uint8, offset=16).reshape(-1, 784) / np.float32(255)
    with gzip.open(f"{folder}/{split}-labels-idx1-ubyte.gz") as labels:  # a header of 8 bytes, then the labels
        return x, np.eye(10, dtype=np.float32)[np.frombuffer(labels.read(), np.uint8, offset=8)]


def init(rng, layers=((784, 128), (128, 64), (64, 10))):  # weights and biases, uniform within 1/sqrt(fan_in) of zero
    return [[rng.uniform(-1, 1, shape).astype(np.float32) / m**0.5 for shape in [(m, n), n]] for m, n in layers]


def predict(parameters, x):  # the activations of each layer: x, then sigmoid(z), at the output softmax(z)
    activations = [x]
    for weight, bias in parameters:
        z = activations[-1] @ weight + bias
        activations.append(1 / (1 + np.exp(-z)))
    exp = np.exp(z - z.max(axis=1, keepdims=True))
    return [*activations[:-1], exp / exp.sum(axis=1, keepdims=True)]


def loss(parameters, x, y):  # cross-entropy: -log of the probability of the correct class, averaged over the images
    return -np.log((predict(parameters, x)[-1] * y).sum(axis=1)).mean()


def accuracy(parameters, x, y):  # fraction of the images whose most probable class is the correct one
    return (predict(parameters, x)[-1].argmax(axis=1) == y.argmax(axis=1)).mean()


def update(parameters, x, y, learning_rate=0.5):  # a step of gradient descent; delta = dC/dz of a layer, C = loss
    activations = predict(parameters, x)
    delta = (activations[-1] - y) / len(x)  # (BP1) the output layer: softmax meets cross-entropy
    for (weight, bias), a in zip(parameters[::-1], activations[-2::-1], strict=True):
        delta_below = (delta @ weight.T) * a * (1 - a)  # (BP2) the layer below: sigmoid'(z) = a (1 - a)
        bias -= learning_rate * delta.sum(axis=0)  # (BP3) dC/db
        weight -= learning_rate * (a.T @ delta)  # (BP4) dC/dW
        delta = delta_below


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("MNIST_DATA_DIR", ".")
    try:
        (x, y), test = read(folder, "train"), read(folder, "t10k")
    except OSError as error:
        sys.exit(f"Can't read {error.filename or folder}: name the folder that holds the four .gz files of MNIST.")
    rng = np.random.default_rng(695)
    parameters = init(rng)
    for epoch in range(int(sys.argv[2]) if len(sys.argv) > 2 else 10):
        for batch in np.split(rng.permutation(len(x)), range(128, len(x), 128)):
            update(parameters, x[batch], y[batch])
        print(f"epoch {epoch + 1}: loss {loss(parameters, x, y):.3f}, test accuracy {accuracy(parameters, *test):.2%}")
