"""One epoch of 784-128-64-10, batch 128, float32, 60,000 images: this project beside its peers.

    python benchmarks/training_speed.py [--rounds 7] [--threads 1 2]

All contestants of a thread count run in one process, interleaved round by round, so that a noisy machine slows them
equally. The figure to compare is the ratio of medians to the floor: the bare matrix products of the same shapes.
The images are random, because the time of an epoch does not depend on their content.
"""

import argparse
import importlib.util
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

IMAGES, BATCH, SIZES, LEARNING_RATE = 60_000, 128, (784, 128, 64, 10), 0.5
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

Epoch = Callable[[], object]


def floor(x, labels) -> Epoch:
    """Only the matrix products of the forward and backward pass, into preallocated buffers."""
    import numpy as np

    rng = np.random.default_rng(0)
    weights = [rng.random(shape, np.float32) for shape in itertools.pairwise(SIZES)]
    gradients = [np.empty_like(weight) for weight in weights]

    def buffers(size: int) -> tuple[list, list]:
        outputs = [np.empty((size, width), np.float32) for width in SIZES[1:]]
        return outputs, [rng.random((size, width), np.float32) for width in SIZES[1:]]

    by_size = {size: buffers(size) for size in {BATCH, IMAGES % BATCH or BATCH}}

    def epoch() -> None:
        for start in range(0, IMAGES, BATCH):
            batch = x[start : start + BATCH]
            outputs, deltas = by_size[len(batch)]
            layers = [batch, *outputs]
            for weight, a, z in zip(weights, layers, outputs, strict=False):
                np.matmul(a, weight, out=z)
            for layer in (2, 1, 0):
                np.matmul(layers[layer].T, deltas[layer], out=gradients[layer])
                if layer:
                    np.matmul(deltas[layer], weights[layer].T, out=outputs[layer - 1])

    return epoch


def this_project(x, labels) -> Epoch:
    """``train()`` as users call it: shuffling, gathering, loss and accuracy included."""
    import numpy as np

    from mnist_core.data.dataset import Dataset
    from mnist_core.training.config import TrainingConfig
    from mnist_core.training.loop import train

    images = (x * 255).astype(np.uint8).reshape(-1, 28, 28)
    dataset = Dataset(images, labels, images[:BATCH], labels[:BATCH], "random", "full", None, {})
    epochs = train(TrainingConfig(epochs=10_000, batch_size=BATCH, learning_rate=LEARNING_RATE), dataset)
    return lambda: next(epochs)


def textbook(x, labels) -> Epoch:
    """The first loop anyone writes: whole expressions, a new array for everything."""
    import numpy as np

    rng = np.random.default_rng(0)
    shapes = list(itertools.pairwise(SIZES))
    weights = [rng.uniform(-1, 1, shape).astype(np.float32) / np.float32(np.sqrt(shape[0])) for shape in shapes]
    biases = [np.zeros(shape[1], np.float32) for shape in shapes]
    y = np.eye(10, dtype=np.float32)[labels]

    def epoch() -> None:
        order = rng.permutation(IMAGES)
        shuffled_x, shuffled_y = x[order], y[order]
        for start in range(0, IMAGES, BATCH):
            batch, target = shuffled_x[start : start + BATCH], shuffled_y[start : start + BATCH]
            a1 = 1 / (1 + np.exp(-(batch @ weights[0] + biases[0])))
            a2 = 1 / (1 + np.exp(-(a1 @ weights[1] + biases[1])))
            exp = np.exp(a2 @ weights[2] + biases[2])
            delta3 = (exp / exp.sum(axis=1, keepdims=True) - target) / len(batch)
            delta2 = delta3 @ weights[2].T * a2 * (1 - a2)
            delta1 = delta2 @ weights[1].T * a1 * (1 - a1)
            for layer, (a, delta) in enumerate(((batch, delta1), (a1, delta2), (a2, delta3))):
                weights[layer] -= LEARNING_RATE * (a.T @ delta)
                biases[layer] -= LEARNING_RATE * delta.sum(axis=0)

    return epoch


def pytorch(x, labels) -> Epoch:
    """PyTorch on the CPU, eager, with SGD and cross-entropy from its library."""
    import torch

    torch.set_num_threads(int(os.environ[THREAD_VARIABLES[0]]))
    layers = []
    for fan_in, fan_out in itertools.pairwise(SIZES):
        layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.Sigmoid()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(labels.astype("int64"))

    def epoch() -> None:
        order = torch.randperm(IMAGES)
        for start in range(0, IMAGES, BATCH):
            batch = order[start : start + BATCH]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs[batch]), targets[batch]).backward()
            optimizer.step()

    return epoch


def scikit_learn(x, labels) -> Epoch:
    """scikit-learn's MLPClassifier, one ``partial_fit`` an epoch."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        SIZES[1:-1],
        activation="logistic",
        solver="sgd",
        alpha=0,
        batch_size=BATCH,
        momentum=0,
        learning_rate_init=LEARNING_RATE,
    )
    return lambda: model.partial_fit(x, labels, classes=range(10))


def jax_jit(x, labels) -> Epoch:
    """JAX: the whole epoch one compiled ``lax.scan`` over full mini-batches."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    rng = np.random.default_rng(0)
    shapes = itertools.pairwise(SIZES)
    parameters = [(jnp.asarray(rng.normal(0, 0.05, s), jnp.float32), jnp.zeros(s[1], jnp.float32)) for s in shapes]
    inputs, targets = jnp.asarray(x), jax.nn.one_hot(labels, 10)

    def loss(parameters, batch, target):
        for weight, bias in parameters[:-1]:
            batch = jax.nn.sigmoid(batch @ weight + bias)
        weight, bias = parameters[-1]
        return -jnp.mean(jnp.sum(jax.nn.log_softmax(batch @ weight + bias) * target, axis=1))

    @jax.jit
    def run(parameters, batches):
        def step(parameters, batch):
            gradients = jax.grad(loss)(parameters, inputs[batch], targets[batch])
            return jax.tree.map(lambda p, g: p - LEARNING_RATE * g, parameters, gradients), None

        return jax.lax.scan(step, parameters, batches)[0]

    def epoch() -> None:
        nonlocal parameters
        order = rng.permutation(IMAGES)[: IMAGES // BATCH * BATCH].reshape(-1, BATCH)
        parameters = jax.block_until_ready(run(parameters, order))

    return epoch


CONTESTANTS = {
    "bare matrix products (floor)": (floor, "numpy"),
    "this project, train()": (this_project, "numpy"),
    "textbook NumPy loop": (textbook, "numpy"),
    "PyTorch CPU, eager": (pytorch, "torch"),
    "scikit-learn MLPClassifier": (scikit_learn, "sklearn"),
    "JAX jit, lax.scan": (jax_jit, "jax"),
}


def measure(rounds: int) -> Iterator[tuple[str, list[float] | None]]:
    """Yield each contestant's seconds per epoch, or None if its library is not installed."""
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.random((IMAGES, SIZES[0]), np.float32)
    labels = rng.integers(0, 10, IMAGES).astype(np.uint8)
    epochs = {
        name: make(x, labels) if importlib.util.find_spec(library) else None
        for name, (make, library) in CONTESTANTS.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in epochs}
    for number in range(rounds + 1):
        for name, epoch in epochs.items():
            if epoch is None:
                continue
            started = time.perf_counter()
            epoch()
            if number:  # the first round warms up
                seconds[name].append(time.perf_counter() - started)
    for name, epoch in epochs.items():
        yield name, seconds[name] if epoch else None


def report(rounds: int) -> None:
    """Measure in this process and print a Markdown table."""
    threads = os.environ[THREAD_VARIABLES[0]]
    print(f"\n{threads} BLAS thread(s), {rounds} rounds, one epoch of {IMAGES:,} images\n")
    print("| contestant | median seconds | of the floor |\n|---|---|---|")
    results = dict(measure(rounds))
    base = statistics.median(next(iter(results.values())))
    for name, seconds in results.items():
        if seconds is None:
            print(f"| {name} | not installed: pip install -e .[benchmarks] | |")
        else:
            print(f"| {name} | {statistics.median(seconds):.3f} | {statistics.median(seconds) / base:.2f}x |")


def main() -> None:
    """Start a process for each thread count: BLAS reads it once, when NumPy is loaded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.in_this_process:
        report(arguments.rounds)
        return
    root = Path(__file__).resolve().parent.parent
    for threads in arguments.threads:
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads)), "PYTHONPATH": str(root)}
        environment["XLA_FLAGS"] = (
            f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'} intra_op_parallelism_threads={threads}"
        )
        command = [sys.executable, __file__, "--in-this-process", "--rounds", str(arguments.rounds)]
        subprocess.run(command, env=environment, check=True)


if __name__ == "__main__":
    main()
