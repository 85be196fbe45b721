"""Draw: write a digit by hand, watch the network read it, and collect digits of your own."""

import io
from typing import NamedTuple

import numpy as np
import streamlit as st
from PIL import Image
from streamlit_drawable_canvas import st_canvas

from mnist_core.collection import pack_digits
from mnist_core.drawing import steps_to_mnist
from mnist_core.evaluation import evaluate
from mnist_core.network import Network
from mnist_core.preprocessing import flatten, normalize
from pages.components.code import code_behind
from pages.components.digits import digit_grid, pixel_row
from pages.components.reading import probability_chart, show_activations
from pages.components.router import page
from pages.components.run_view import pick_network, picture_size

SIDE = 320
"""Height and width of the canvas in CSS pixels: fits a phone."""
PEN, THINNEST, THICKEST = 24, 8, 48


class Drawn(NamedTuple):
    """A digit of the collection."""

    image: np.ndarray
    label: int


def canvas_number() -> int:
    """Number of the canvas in use: each digit has one of its own, which begins empty."""
    return st.session_state.setdefault("canvas_number", 0)


def next_canvas() -> None:
    """Begin with an empty canvas."""
    st.session_state["canvas_number"] = canvas_number() + 1
    st.session_state.pop("drawing", None)


def draw_ink() -> np.ndarray:
    """Draw the canvas and return the ink on it, uint8, bright on black; it outlives a change of the page."""
    state, key = st.session_state, f"canvas_{canvas_number()}"
    if key not in state:  # a new canvas, or one to come back to
        state["drawing_at_first"] = state.get("drawing", (None, None))
    strokes, png = state.get("drawing_at_first", (None, None))
    canvas = st_canvas(
        key=key,
        width=SIDE,
        height=SIDE,
        stroke_width=state.get("pen", PEN),
        stroke_color="#ffffff",
        background_color="#000000",
        initial_drawing=strokes,
        return_image_data=True,
    )
    if canvas.image_bytes is not None:
        state["drawing"] = canvas.json_data, canvas.image_bytes
        png = canvas.image_bytes
    if png is None:
        return np.zeros((SIDE, SIDE), np.uint8)
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"))


@st.fragment
def draw_and_read(network: Network, size: int) -> None:
    """Canvas and what the network makes of it; a stroke draws nothing else of the page anew."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.caption("Draw one digit here, large. Undo and redo appear above the canvas.")
        ink = draw_ink()
        with st.container(horizontal=True, vertical_alignment="bottom", width=SIDE):
            st.slider("Pen width", THINNEST, THICKEST, PEN, key="pen")
            st.button("Clear", icon=":material/ink_eraser:", on_click=next_canvas, disabled=not ink.any())
    with right:
        if not ink.any():
            st.session_state.pop("seen", None)
            st.info(
                f"The canvas is empty: draw a digit from 0 to {network.layer_sizes[-1] - 1} with the mouse, a pen or a "
                "finger. The network reads it after each stroke.",
                icon=":material/draw:",
            )
            return
        steps = steps_to_mnist(ink, size)
        st.session_state["seen"] = steps.centred
        forward = network.forward_pass(flatten(normalize(steps.centred[np.newaxis])))
        show_reading(forward.activations[-1][0])
    ask_label(network.layer_sizes[-1], size)
    if st.session_state.pop("digit_added", False):
        st.rerun()
    show_steps(steps)
    st.subheader("Layer by layer")
    show_activations(network, forward)
    st.caption("Each square is a unit, and the brighter it is, the more active; blue is below 0.")


def show_reading(probabilities: np.ndarray) -> None:
    """Say what the network reads, and how sure it is of each class."""
    first, second = np.argsort(-probabilities, kind="stable")[:2]
    st.subheader(f"The network reads a {first}", anchor=False)
    st.caption(f"It gives it {probabilities[first]:.1%}, and the runner-up, a {second}, {probabilities[second]:.1%}.")
    st.altair_chart(probability_chart(probabilities), key="probabilities")


def ask_label(classes: int, size: int) -> None:
    """Ask what was drawn; the answer adds the digit to the collection and clears the canvas."""
    key = f"label_{canvas_number()}"

    def add() -> None:
        label, image = st.session_state[key], st.session_state.get("seen")
        if label is not None and image is not None:
            collection(size).append(Drawn(image, label))
            st.session_state["digit_added"] = True
            next_canvas()

    st.segmented_control(
        "This was a …",
        range(classes),
        key=key,
        on_change=add,
        help="Adds the digit with this label to your digits below, and clears the canvas for the next one.",
    )


def show_steps(steps: NamedTuple) -> None:
    """The way from the canvas to what the network sees."""
    st.subheader("What the network sees")
    sizes = [f"{image.shape[0]} x {image.shape[1]}" for image in steps]
    pixel_row(
        steps,
        [
            f"1 · cropped to the ink: {sizes[0]}",
            f"2 · scaled: {sizes[1]}",
            f"3 · centred by mass: {sizes[2]}",
        ],
    )


def collection(size: int) -> list[Drawn]:
    """Digits that this session collected as images of ``size`` x ``size``."""
    return st.session_state.setdefault("drawn_digits", {}).setdefault(size, [])


def show_collection(network: Network, size: int) -> None:
    """Gallery of the collected digits, the score on them, and the download."""
    digits = collection(size)
    st.subheader("Your digits")
    if not digits:
        st.caption("Nothing yet. Draw a digit and say what it was: it is kept here until you close the tab.")
        return
    images = np.stack([digit.image for digit in digits])
    labels = np.array([digit.label for digit in digits])
    result = evaluate(network, images, labels)
    right = len(labels) - result.errors
    st.markdown(f"**{result.accuracy:.0%}** accuracy of this network on your digits: {right} of {len(labels)} right.")
    pairs = list(zip(labels, result.predicted, result.probabilities.max(axis=1), strict=True))
    digit_grid(
        images,
        [f"{label} ✓" if label == predicted else f"{label} → {predicted}" for label, predicted, _ in pairs],
        [
            f"digit {number} of yours: label {label}, read as {predicted} with a confidence of {confidence:.1%}"
            for number, (label, predicted, confidence) in enumerate(pairs, start=1)
        ],
        size=72,
    )
    with st.container(horizontal=True):
        st.download_button(
            "Download as a data set (zip)",
            lambda: pack_digits(images, labels),
            "my-digits.zip",
            "application/zip",
            icon=":material/download:",
            disabled=len(digits) < 2,
            help="Four IDX files in the MNIST naming, each fifth digit for testing. Unpack them into a folder, and choose it "
            "as data on the Overview page. It takes at least two digits.",
        )
        st.button("Remove the last one", icon=":material/undo:", on_click=digits.pop)
        st.button("Remove all", icon=":material/delete:", on_click=digits.clear)


with page():
    st.title("Draw")
    network = pick_network()
    size = picture_size(network)
    draw_and_read(network, size)
    show_collection(network, size)
    code_behind(steps_to_mnist, Network.forward_pass, pack_digits)
