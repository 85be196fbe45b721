"""Step by step: one mini-batch goes through one training step, with every number on the way."""

from typing import NamedTuple, cast

import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.data.classes import Classes
from mnist_core.data.dataset import Dataset
from mnist_core.data.preprocessing import flatten, normalize, one_hot
from mnist_core.errors import counted
from mnist_core.nn.activations import sigmoid, sigmoid_derivative
from mnist_core.nn.gradient_check import numerical_gradient, relative_error
from mnist_core.nn.losses import cross_entropy, softmax
from mnist_core.nn.network import Network
from mnist_core.nn.optimizers import SGD
from mnist_core.nn.walkthrough import Walkthrough, checked_positions, parameter_name, walk_through
from mnist_core.training.config import TrainingConfig
from mnist_core.training.setting import Number
from pages.components.class_names import HEAD
from pages.components.code import code_behind, show_excerpt
from pages.components.data import current_dataset
from pages.components.digits.grid import digit_grid
from pages.components.lesson import Shown, Step, pick_step, show_arrays
from pages.components.router import page
from pages.components.state import NumberIn, OneOf, remembered
from pages.components.tables import format_number

SEED, RATE = (cast(Number, TrainingConfig.settings()[name]) for name in ("seed", "learning_rate"))
BATCH = 4
HIDDEN = {"small": (6, 4), "reference": (128, 64)}
STRUT = r"\rule[-1.1em]{0pt}{2.6em}"  # room for fractions, whose last pixels are cut off where a formula scrolls
LEARNING_RATE = 0.5


class Batch(NamedTuple):
    """A mini-batch: its positions in the training set, its images, labels and classes, and its walkthrough."""

    indices: np.ndarray
    images: np.ndarray
    labels: np.ndarray
    walk: Walkthrough
    learning_rate: float
    classes: Classes

    @property
    def heads(self) -> list[str]:
        """Name of each class, for the columns of tables."""
        return self.classes.plain(HEAD)

    @property
    def names(self) -> list[str]:
        """Name of each image, for the rows of tables."""
        return [f"image {number}" for number in range(1, len(self.labels) + 1)]

    @property
    def middle(self) -> slice:
        """Pixels in the middle of the flattened image; those at its border are all 0."""
        height, width = self.images.shape[1:]
        first = max(height // 2 * width + width // 2 - 6, 0)
        return slice(first, first + 12)


def choose_batch(dataset: Dataset) -> Batch:
    """Draw the fields for the network, the seed and the learning rate, and walk through the mini-batch they give."""
    size = remembered("walk_network", "small", url="network", parse=OneOf(tuple(HIDDEN)))
    seed = remembered("walk_seed", 0, url="seed", parse=NumberIn(SEED.low, SEED.high))
    rate = remembered(
        "walk_learning_rate",
        LEARNING_RATE,
        url="lr",
        parse=NumberIn(RATE.low, RATE.high),
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("Hidden layers", list(HIDDEN), required=True, format_func=describe_size, **size.widget)
        st.number_input(
            "Seed of the mini-batch",
            SEED.low,
            SEED.high,
            width=170,
            help=f"Selects the {BATCH} training images.",
            **seed.widget,
        )
        st.number_input(
            "Learning rate",
            RATE.low,
            RATE.high,
            step=0.1,
            format="%.6g",
            width=150,
            **rate.widget,
        )
    count = min(BATCH, len(dataset.train_labels))
    indices = np.random.default_rng(seed.value).choice(len(dataset.train_labels), count, replace=False)
    images, labels = dataset.train_images[indices], dataset.train_labels[indices]
    sizes = (images[0].size, *HIDDEN[size.value], dataset.num_classes)
    walk = walk_through(Network(sizes, dtype=np.float64), images, labels, rate.value)
    return Batch(indices, images, labels, walk, rate.value, dataset.classes)


def describe_size(name: str) -> str:
    """Write the name of a network with its hidden layers."""
    return f"{name}: {' and '.join(map(str, HIDDEN[name]))} units"


def formula(text: str, *excerpts: tuple) -> None:
    """Draw a formula beside the lines of code that compute it."""
    left, right = st.columns([1, 1.35], gap="large", vertical_alignment="center")
    with left:
        st.latex(STRUT + text)
    with right:
        for excerpt in excerpts:
            show_excerpt(*excerpt)


def show_batch(batch: Batch) -> None:
    """Draw images, normalized rows and one-hot labels."""
    formula(
        r"x = \frac{\text{pixels}}{255} \qquad y_k = \begin{cases} 1 & k = \text{label} \\ 0 & \text{else} \end{cases}",
        (normalize, "return"), (flatten, "return"), (one_hot, "return"),
    )  # fmt: skip
    st.markdown(
        f"Training processes a few images at a time. This batch has {counted(len(batch.labels), 'image')}: each "
        f"becomes a row of {batch.walk.x.shape[1]} numbers from 0 to 1, and its label a row with a single 1."
    )
    digit_grid(
        batch.images,
        [f"{name}: {batch.classes[label].plain}" for name, label in zip(batch.names, batch.labels, strict=True)],
        [
            f"training image {index:,}, label {batch.classes[label].plain}"
            for index, label in zip(batch.indices, batch.labels, strict=True)
        ],
        size=80 if batch.classes.are_short else 150,
    )
    show_arrays(
        Shown("x, from the middle of each image", batch.walk.x, batch.names, digits=2, column_window=batch.middle)
    )
    show_arrays(Shown("y, one column per class", batch.walk.y, batch.names, batch.heads, digits=0))


def show_forward(batch: Batch) -> None:
    """Draw weighted inputs and activations, layer by layer."""
    formula(
        r"\begin{gathered} z^{l} = a^{l-1} W^{l} + b^{l} \\"
        r" a^{l} = \sigma(z^{l}) = \frac{1}{1 + e^{-z^{l}}} \end{gathered}",
        (Network.forward_pass, "for layer, (weight, bias)", "activations.append"), (sigmoid, "return"),
    )  # fmt: skip
    st.markdown(
        "Each unit multiplies its inputs by its weights, adds up the products and its bias, and squeezes the sum "
        "between 0 and 1 with the sigmoid. One matrix product does so for a whole layer and all images at once. The "
        "$z$ of the last layer are called logits."
    )
    network, (weighted_inputs, activations) = batch.walk.network, batch.walk.forward
    for layer, (weight, bias, z) in enumerate(zip(network.weights, network.biases, weighted_inputs, strict=True), 1):
        last = layer == len(weighted_inputs)
        st.markdown(f"##### Layer {layer}{', the output' if last else ''}: {weight.shape[0]} → {weight.shape[1]}")
        window = batch.middle if layer == 1 else slice(0, 12)
        rows = slice(window.start, window.start + 8)
        show_arrays(
            Shown(f"W{layer}: one row per input, one column per unit", weight, row_window=rows),
            Shown(f"b{layer}", bias[np.newaxis], ["b"]),
        )
        shown = [Shown(f"z{layer} = {'x' if layer == 1 else f'a{layer - 1}'} W{layer} + b{layer}", z, batch.names)]
        shown += [] if last else [Shown(f"a{layer} = σ(z{layer})", activations[layer], batch.names)]
        show_arrays(*shown)
        if layer == 1:
            st.caption(
                f"Take image 1 and unit 0: the sum of {weight.shape[0]} products of a pixel and a weight is "
                f"{format_number(z[0, 0] - bias[0])}; with the bias {format_number(bias[0])} it is "
                f"{format_number(z[0, 0])}, and σ of that is {format_number(activations[1][0, 0])}."
            )


def show_softmax(batch: Batch) -> None:
    """Draw the way from logits to probabilities."""
    formula(r"p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}", (softmax, "exp", "return"))
    st.markdown(
        "The exponential makes every logit positive, and the division makes each row sum to 1: the rows are "
        "probabilities. The largest logit of each row is subtracted first, which leaves the result unchanged and keeps "
        "the exponential small."
    )
    z, p = batch.walk.forward.weighted_inputs[-1], batch.walk.forward.activations[-1]
    show_arrays(Shown("z, the logits", z, batch.names, batch.heads))
    show_arrays(Shown("exp(z − largest)", np.exp(z - z.max(axis=1, keepdims=True)), batch.names, batch.heads))
    show_arrays(Shown("p = softmax(z)", p, batch.names, batch.heads))
    st.caption(
        f"This network is untrained: it gives every class about 1 in {p.shape[1]}. The rows sum to "
        f"{', '.join(f'{total:.6g}' for total in p.sum(axis=1))}."
    )


def show_loss(batch: Batch) -> None:
    """Draw the loss of each image and the mean loss."""
    formula(
        r"C = -\frac{1}{N} \sum_{n=1}^{N} \sum_k y_{nk} \log p_{nk}", (cross_entropy, "smallest", "return")
    )  # fmt: skip
    st.markdown(
        "Only the probability $p$ of the true class counts: the loss is $-\\log p$, which is 0 if the network is "
        "certain and correct, and large if it is certain and wrong. The loss of the mini-batch is the mean."
    )
    p_true = batch.walk.forward.activations[-1][np.arange(len(batch.labels)), batch.labels]
    losses = 0 - np.log(np.maximum(p_true, np.finfo(p_true.dtype).tiny))
    names = [batch.classes[label].plain for label in batch.labels]
    table = pd.DataFrame({"image": batch.names, "label": names, "p of the label": p_true, "loss of the image": losses})
    st.dataframe(table.style.format({"p of the label": "{:.4f}", "loss of the image": "{:.4f}"}), hide_index=True)
    st.metric("Loss C, the mean (nats)", f"{batch.walk.loss:.6f}", border=True, width=280)
    classes = batch.walk.y.shape[1]
    st.caption(f"Guessing among {classes} classes costs log {classes} = {np.log(classes):.4f} nats.")


def show_output_delta(batch: Batch) -> None:
    """Draw the error of the output layer (BP1)."""
    formula(
        r"\delta^{L} = \frac{\partial C}{\partial z^{L}} = \frac{p - y}{N} \qquad \text{(BP1)}",
        (Network.deltas, "delta = (forward"),
    )  # fmt: skip
    st.markdown(
        "Now backwards: how does the loss change with each logit? With softmax and cross-entropy, nearly everything "
        f"cancels, and what remains is probability minus target, divided by the number of images, {len(batch.labels)}. "
        "Blue: a higher logit would lower the loss."
    )
    walk = batch.walk
    show_arrays(Shown("p", walk.forward.activations[-1], batch.names, batch.heads))
    show_arrays(Shown("y", walk.y, batch.names, batch.heads, digits=0))
    show_arrays(Shown(f"δ{len(walk.deltas)} = (p − y) / N", walk.deltas[-1], batch.names, batch.heads, digits=4))


def show_hidden_deltas(batch: Batch) -> None:
    """Draw the errors of the hidden layers (BP2), from the last layer to the first."""
    formula(
        r"\begin{gathered} \delta^{l} = \left( \delta^{l+1} (W^{l+1})^{\mathsf T} \right) \odot \sigma'(z^{l})"
        r" \quad \text{(BP2)} \\ \sigma'(z) = \sigma(z) \, (1 - \sigma(z)) \end{gathered}",
        (Network.deltas_below, "for layer in", "deltas.append"), (sigmoid_derivative, "a =", "return"),
    )  # fmt: skip
    st.markdown(
        "Each unit receives its share of the error from the next layer, through the same weights that carried its "
        "signal forward, times the slope of its sigmoid. That slope is at most 1/4, so deltas shrink from layer to "
        "layer."
    )
    walk = batch.walk
    for layer in range(len(walk.deltas) - 1, 0, -1):
        st.markdown(f"##### Layer {layer}")
        error = walk.deltas[layer] @ walk.network.weights[layer].T
        slope = sigmoid_derivative(walk.forward.weighted_inputs[layer - 1])
        show_arrays(
            Shown(f"δ{layer + 1} W{layer + 1}ᵀ", error, batch.names, digits=4),
            Shown(f"σ′(z{layer})", slope, batch.names),
            Shown(f"δ{layer}, their product", walk.deltas[layer - 1], batch.names, digits=4),
        )


def show_gradients(batch: Batch) -> None:
    """Draw the gradients of weights and biases (BP3, BP4)."""
    formula(
        r"\begin{gathered} \frac{\partial C}{\partial b^{l}} = \sum_{n} \delta^{l}_{n} \quad \text{(BP3)} \\"
        r" \frac{\partial C}{\partial W^{l}} = (a^{l-1})^{\mathsf T} \delta^{l} \quad \text{(BP4)} \end{gathered}",
        (Network.back_propagate, "for a_previous", "gradients.append"),
    )
    st.markdown(
        "The gradient of a weight is its input times the delta of its unit, summed over the images. The input of a "
        "bias is always 1. Weights of pixels that are black in all images have gradient 0: this mini-batch does not "
        "change them."
    )
    for layer, (weight, bias) in enumerate(batch.walk.gradients, 1):
        st.markdown(f"##### Layer {layer}")
        first = batch.middle.start if layer == 1 else 0
        show_arrays(
            Shown(f"∂C/∂W{layer}", weight, digits=4, row_window=slice(first, first + 8)),
            Shown(f"∂C/∂b{layer}", bias[np.newaxis], ["b"], digits=4),
        )


def show_update(batch: Batch) -> None:
    """Draw one step of gradient descent."""
    formula(r"w \leftarrow w - \eta \, \frac{\partial C}{\partial w}", (SGD._move, "gradient *=", "parameters -="))
    walk, rate = batch.walk, batch.learning_rate
    st.markdown(
        f"Each of the {walk.network.num_parameters:,} parameters moves a little against its gradient; $\\eta$ is the "
        f"learning rate, here {rate:g}. These parameters have the largest gradients of each layer:"
    )
    positions = checked_positions(walk)
    before, slope = walk.network.parameters[positions], walk.gradient[positions]
    table = pd.DataFrame(
        {
            "parameter": [parameter_name(walk.network, position) for position in positions],
            "before": before,
            "∂C/∂w": slope,
            "−η ∂C/∂w": -rate * slope,
            "after": walk.updated.parameters[positions],
        }
    )
    st.dataframe(table.style.format("{:+.5f}", subset=table.columns[1:].tolist()), hide_index=True)
    with st.container(horizontal=True):
        st.metric("Loss before (nats)", f"{walk.loss:.6f}", border=True, width=220)
        change = walk.loss_after - walk.loss
        st.metric(
            "Loss after (nats)",
            f"{walk.loss_after:.6f}",
            f"{change:+.6f}",
            delta_color="inverse",
            border=True,
            width=220,
        )
    if change > 0:
        st.warning(
            "The loss rose: this step was too large. Try a smaller learning rate.", icon=":material/trending_up:"
        )
    else:
        st.caption("The same images with the updated parameters. Try learning rates of 0.1, 5 and 50.")


def show_check(batch: Batch) -> None:
    """Draw the gradient beside numerically measured slopes."""
    formula(
        r"\frac{\partial C}{\partial w} \approx \frac{C(w + \varepsilon) - C(w - \varepsilon)}{2 \varepsilon}",
        (numerical_gradient, "for number", "slopes[number]"),
    )
    st.markdown(
        "Is the gradient correct? Nudge one parameter up and down, feed forward twice, and measure the slope. That "
        "takes two passes per parameter, while back-propagation takes one for all, but it needs no calculus. In "
        "float64 the two agree."
    )
    walk, positions = batch.walk, checked_positions(batch.walk)
    nudged = Network.from_arrays(walk.network.to_arrays())
    measured = numerical_gradient(
        lambda: cross_entropy(nudged.feed_forward(walk.x), walk.y), nudged.parameters, positions
    )
    slope = walk.gradient[positions]
    errors = relative_error(slope, measured)
    names = [parameter_name(walk.network, position) for position in positions]
    table = pd.DataFrame(
        {"parameter": names, "back-propagation": slope, "central difference": measured, "relative error": errors}
    )
    numbers = {"back-propagation": "{:+.10f}", "central difference": "{:+.10f}", "relative error": "{:.1e}"}
    st.dataframe(table.style.format(numbers), hide_index=True)
    if errors.max() < 1e-5:
        st.success(f"They agree: the largest relative error is {errors.max():.1e}.", icon=":material/verified:")
    else:
        st.warning(f"The largest relative error is {errors.max():.1e}.", icon=":material/warning:")
    st.markdown(
        "**What comes next:** training repeats these steps with 128 images at a time until it has used every image: "
        "one epoch. The reference recipe trains for 100 epochs."
    )
    st.page_link("pages/training.py", label="Next: train a network", icon=":material/arrow_forward:")


STEPS = (
    Step("The mini-batch", "Batch", show_batch),
    Step("Feed forward", "Forward", show_forward),
    Step("Softmax", "Softmax", show_softmax),
    Step("The loss", "Loss", show_loss),
    Step("The error at the output", "Output δ", show_output_delta),
    Step("The error in the hidden layers", "Hidden δ", show_hidden_deltas),
    Step("The gradients", "Gradients", show_gradients),
    Step("The update", "Update", show_update),
    Step("Is the gradient correct?", "Check", show_check),
)


with page(__file__):
    dataset = current_dataset()
    st.title("Step by step")
    st.markdown("Follow one mini-batch through one training step, and see every number on the way.")
    batch = choose_batch(dataset)
    number = pick_step(STEPS)
    st.subheader(f"{number} · {STEPS[number - 1].title}")
    STEPS[number - 1].draw(batch)
    code_behind(
        walk_through,
        Network.forward_pass,
        Network.deltas,
        Network.deltas_below,
        Network.back_propagate,
        numerical_gradient,
    )
