"""Inside: the weights of a trained network, what its units respond to, and how both developed."""

import math

import numpy as np
import streamlit as st

from mnist_core.data.preprocessing import unflatten
from mnist_core.errors import counted
from mnist_core.inspection.pca import principal_components
from mnist_core.inspection.units import hidden_activations, mean_by_class, strongest, strongest_connections
from mnist_core.runs.run import Run
from mnist_core.runs.tables import Rows
from mnist_core.training.layer_histograms import ACTIVATION, WEIGHT, Histogram, layer_histograms
from pages.components.charts.layers import class_bars, digit_map, distribution_over_epochs
from pages.components.charts.network import MOST_LINES, MOST_UNITS, network_drawing
from pages.components.class_names import tile_caption, tile_size
from pages.components.code import code_behind
from pages.components.digits.grid import color_scale, digit_grid, diverging_colors
from pages.components.errors import callback, fragment
from pages.components.inside_view import Inside, inside
from pages.components.router import page
from pages.components.runs.picker import pick_trained_run, say_left_out, test_result
from pages.components.state import NumberIn, OneOf, remembered
from pages.components.tables import is_dark

PICTURES = 128
TOP = 20
STRONG = 0.998  # fraction of the weights within the colour scale: a single outlier must not make the others pale
KINDS = {"weights": WEIGHT, "activations": ACTIVATION}


def show_first_weights(view: Inside) -> None:
    """Weights of the first layer as images, in parts if there are many units."""
    weight = view.network.weights[0]
    units, parts = weight.shape[1], math.ceil(weight.shape[1] / PICTURES)
    part = remembered("inside_part", 1, url="part", parse=NumberIn(1, parts))
    if parts > 1:
        st.number_input(f"Part (1 to {parts})", 1, parts, width=150, **part.widget)
    shown = range((part.value - 1) * PICTURES, min(part.value * PICTURES, units))
    limit = float(np.quantile(np.abs(weight[:, :PICTURES]), STRONG)) or 1.0
    pictures = unflatten(np.ascontiguousarray(weight.T[shown.start : shown.stop]), view.dataset.image_shape)
    target = "unit" if view.hidden else "class"
    names = [str(unit) if view.hidden else view.classes[unit].plain for unit in shown]
    digit_grid(
        diverging_colors(pictures, limit),
        names,
        [f"{target} {name}: weights from {low:+.3f} to {high:+.3f}" for name, low, high in zip(
            names, pictures.min(axis=(1, 2)), pictures.max(axis=(1, 2)), strict=True)],
        size=54 if view.hidden else tile_size(view.classes, 54),
    )  # fmt: skip
    color_scale(limit, ("ink lowers its input", "ink raises its input"))
    st.caption(
        f"Each image is a column of W1: the weights from all pixels to one {target}. All share one scale, so pale "
        "images mean small weights. The noise at the border is the initialization: there is never ink, so nothing is "
        "learned."
    )


@fragment
def show_forward_pass(run: Run, view: Inside) -> None:
    """One test image on its way through the network."""
    index = pick_test_image(run, view)
    label, predicted = int(view.result.labels[index]), int(view.result.predicted[index])
    verdict = "which is correct" if label == predicted else f"but its label is **{view.classes[label]}**"
    st.markdown(
        f"Test image {index:,} is classified as **{view.classes[predicted]}** with a probability of "
        f"{view.result.probabilities[index].max():.1%}, {verdict}."
    )
    image = view.dataset.test_images[index]
    st.altair_chart(network_drawing(view.network, view.classes, image, label, is_dark()), key="drawing")
    st.caption(
        f"Circles are units, at most the {MOST_UNITS} most active of each layer: the brighter the orange, the higher "
        f"the activation (blue is negative). Lines are contributions, activation times weight: the {MOST_LINES} "
        "strongest of each layer, red if positive, blue if negative. Lines from the image sum over all pixels. Hover "
        "to see the numbers; ✓ marks the true class."
    )


def pick_test_image(run: Run, view: Inside) -> int:
    """Draw the picker of a test image; return its index."""
    total = len(view.result.labels)
    errors = view.result.errors
    index = remembered("inside_index", 0, url="digit", parse=NumberIn(0, total - 1))

    def draw(only_errors: bool) -> None:
        result = test_result(run)  # a run that still trains may have another model by now
        indices = np.flatnonzero((result.labels != result.predicted) | (not only_errors))
        if len(indices):
            index.set(int(np.random.default_rng().choice(indices)))

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(f"Test image (0 to {total - 1:,})", 0, total - 1, width=170, **index.widget)
        st.button("Random image", icon=":material/casino:", on_click=callback(draw), args=(False,))
        st.button("Random error", icon=":material/error:", on_click=callback(draw), args=(True,), disabled=not errors)
    return index.value


@fragment
def show_unit(view: Inside) -> None:
    """What one hidden unit responds to."""
    sizes = view.network.layer_sizes[1:-1]
    layers = range(1, len(sizes) + 1)
    chosen_layer = remembered("inside_layer", 1, url="layer", parse=OneOf(layers))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Layer", layers, format_func=lambda number: f"layer {number}", width=130, **chosen_layer.widget)
        layer = chosen_layer.value
        last = sizes[layer - 1] - 1
        chosen_unit = remembered("inside_unit", 0, url="unit", parse=NumberIn(0, last))
        st.number_input(f"Unit (0 to {last:,})", 0, last, width=150, **chosen_unit.widget)
    unit = chosen_unit.value
    activation = view.hidden[layer - 1][:, unit]
    labels = view.dataset.test_labels[: view.digits]
    top = strongest(activation, TOP)
    left, right = st.columns([1.35, 1], gap="large")
    with left:
        st.markdown(f"**The {counted(len(top), 'test image')} with the largest activation**")
        digit_grid(
            view.dataset.test_images[top],
            [tile_caption(view.classes, labels[index], f"{activation[index]:.2f}") for index in top],
            [
                f"test image {index:,}, label {view.classes[labels[index]].plain}, activation {activation[index]:.4f}"
                for index in top
            ],
            size=tile_size(view.classes, 64),
        )
    with right:
        st.markdown("**Mean activation per class**")
        means = mean_by_class(activation, labels, view.network.layer_sizes[-1])
        st.altair_chart(class_bars(view.classes, means), key="class_bars")
    st.caption(
        f"Unit {unit} of layer {layer} on {counted(view.digits, 'test image')}: activations from "
        f"{activation.min():.3f} to {activation.max():.3f}, mean {activation.mean():.3f}. Few units respond to a "
        "single class: classes are represented by many units together."
    )


def show_map(view: Inside) -> None:
    """Test images placed by the last hidden layer."""
    st.altair_chart(digit_map(view.map, view.classes), key="digit_map")
    space = (
        f"the {counted(view.network.layer_sizes[-2], 'unit')} of the last hidden layer" if view.hidden else "the pixels"
    )
    wrong = int((~view.map["right"]).sum())
    st.caption(
        f"{counted(len(view.map), 'test image')} along the first two principal components of {space}, which explain "
        f"{view.map_share:.0%} of the variance. Crosses are errors ({wrong:,}), in the colour of their true class. "
        "Hover to see an image; click a class in the legend to see only that class."
    )


@fragment
def show_distributions(run: Run, rows: Rows[Histogram]) -> None:
    """Histograms of weights and activations over the epochs."""
    if not rows:
        st.info(
            "This run has no histograms: it was trained by an older version. Train a new run to see them.",
            icon=":material/info:",
        )
        return
    say_left_out(rows)
    chosen = remembered("inside_values", "weights", url="values", parse=OneOf(tuple(KINDS)))
    st.segmented_control("Values", list(KINDS), required=True, label_visibility="collapsed", **chosen.widget)
    shown = chosen.value
    kept = [row for row in rows if row.kind == KINDS[shown]]
    layers = sorted({row.layer for row in kept})
    columns = st.columns(min(len(layers), 3))
    for number, layer in enumerate(layers):
        name = "output" if layer == len(run.config.hidden_layers) + 1 else f"layer {layer}"
        chart = distribution_over_epochs([row for row in kept if row.layer == layer], f"{shown} of {name}")
        columns[number % len(columns)].altair_chart(chart, key=f"distribution_{layer}")
    st.caption(
        "Each column is a histogram: the deeper the blue, the more values. Weights start evenly spread and grow tails; "
        "activations move towards the ends of their range as units learn to decide."
        if len({row.epoch for row in kept}) > 1
        else "So far there is only the untrained network."
    )


with page(__file__):
    st.title("Inside")
    run = pick_trained_run("Run", "no network to look into")
    view = inside(run)
    st.subheader("Weights of the first layer")
    show_first_weights(view)
    st.subheader("One image through the network")
    show_forward_pass(run, view)
    st.subheader("What a hidden unit responds to")
    if view.hidden:
        show_unit(view)
    else:
        st.info(
            "This network has no hidden layer: its pixels are connected directly to the classes.",
            icon=":material/info:",
        )
    st.subheader("Test images in the last hidden layer" if view.hidden else "Test images by their pixels")
    show_map(view)
    st.subheader("Weights and activations over the epochs")
    show_distributions(run, run.histograms())
    code_behind(hidden_activations, strongest_connections, mean_by_class, principal_components, layer_histograms)
