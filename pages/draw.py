"""Draw: write a digit by hand, watch the network read it, and collect digits of your own."""

import io
from typing import NamedTuple

import numpy as np
import streamlit as st
from PIL import Image
from streamlit_drawable_canvas import st_canvas

from mnist_core.data.own_digits import add_to_training, pack_digits
from mnist_core.data.preprocessing import flatten, normalize
from mnist_core.errors import DatasetError
from mnist_core.evaluation.predict import evaluate
from mnist_core.handwriting.mnist_format import Steps, steps_to_mnist
from mnist_core.nn.network import Network
from mnist_core.runs.run import default_runs_dir
from pages.components.code import code_behind
from pages.components.data import Choice, choose, current_dataset
from pages.components.digits.grid import digit_grid, pixel_row
from pages.components.digits.reading import probability_chart, show_activations
from pages.components.router import page
from pages.components.runs.picker import pick_network, picture_size

SIDE = 320  # CSS pixels: fits a phone
PEN, THINNEST, THICKEST = 24, 8, 48
MOST_STROKES = 50


class Drawn(NamedTuple):
    """A digit of the collection."""

    image: np.ndarray
    label: int


def canvas_number() -> int:
    """Number of the canvas in use: each digit has one of its own, which begins empty."""
    return st.session_state.setdefault("canvas_number", 0)


def drawings() -> list[tuple[dict, bytes]]:
    """Strokes and picture of the canvas after each stroke; they outlive a change of the page."""
    return st.session_state.setdefault("drawings", [])


def next_canvas(keep: int = 0) -> None:
    """Go on with another canvas, which shows the drawing as it was after ``keep`` strokes."""
    st.session_state["canvas_number"] = canvas_number() + 1
    del drawings()[keep:]


def draw_ink() -> np.ndarray:
    """Draw the canvas and return the ink on it, uint8, bright on black."""
    state, key, done = st.session_state, f"canvas_{canvas_number()}", drawings()
    if key not in state:  # a canvas that is new on the page
        state["strokes_at_first"] = done[-1][0] if done else None
    canvas = st_canvas(
        key=key,
        width=SIDE,
        height=SIDE,
        stroke_width=state.get("pen", PEN),
        stroke_color="#ffffff",
        background_color="#000000",
        initial_drawing=state["strokes_at_first"],
        return_image_data=True,
    )
    drawn = canvas.json_data, canvas.image_bytes
    if drawn[1] is not None and (not done or drawn[1] != done[-1][1]):
        done.append(drawn)
        del done[:-MOST_STROKES]
    if not done:
        return np.zeros((SIDE, SIDE), np.uint8)
    return np.asarray(Image.open(io.BytesIO(done[-1][1])).convert("L"))


def show_pen(empty: bool) -> None:
    """Pen width, undo and clear: the canvas has a toolbar of its own, which a finger does not find."""
    st.slider("Pen width", THINNEST, THICKEST, PEN, key="pen", width=SIDE)
    with st.container(horizontal=True, width=SIDE):
        st.button("Undo", icon=":material/undo:", on_click=lambda: next_canvas(len(drawings()) - 1), disabled=empty)
        st.button("Clear", icon=":material/ink_eraser:", on_click=next_canvas, disabled=empty)


@st.fragment
def draw_and_read(network: Network, size: int) -> None:
    """Canvas and what the network makes of it; a stroke draws nothing else of the page anew."""
    if st.session_state.pop("digit_added", False):
        st.rerun()  # the collection below shows it
    left, right = st.columns([2, 3], gap="large")
    with left:
        headline = st.container()
        ink = draw_ink()
        show_pen(not ink.any())
    if not ink.any():
        st.session_state.pop("seen", None)
        show_invitation(headline, right, network.layer_sizes[-1])
        return
    steps = steps_to_mnist(ink, size)
    st.session_state["seen"] = steps.centred
    forward = network.forward_pass(flatten(normalize(steps.centred[np.newaxis])))
    probabilities = forward.activations[-1][0]
    with headline:
        st.subheader(f"The network reads a {probabilities.argmax()}", anchor=False)
        st.caption(f"{probabilities.max():.1%} sure")
    show_probabilities(right, probabilities)
    with right:
        ask_label(network.layer_sizes[-1], size)
    left, right = st.columns([2, 3], gap="large")
    with left:
        show_steps(steps)
    with right:
        st.subheader("Layer by layer")
        show_activations(network, forward)
        st.caption("Each square is a unit; the brighter it is, the more active. Blue is below 0.")


def show_invitation(headline: st.container, right: st.container, classes: int) -> None:
    """Say what to do with an empty canvas; laid out as what a digit brings, so that nothing jumps when it comes."""
    headline.subheader("Draw a digit", anchor=False)
    headline.caption("Large, in the middle")
    show_probabilities(right, np.zeros(classes))
    right.info(
        f"The canvas is empty: draw a digit from 0 to {classes - 1} with the mouse, a pen or a finger. The network reads "
        "it after each stroke.",
        icon=":material/draw:",
    )


def show_probabilities(place: st.container, probabilities: np.ndarray) -> None:
    """The bars of all classes."""
    place.markdown("**Probability of each digit**")
    place.altair_chart(probability_chart(probabilities), key="probabilities")


def ask_label(classes: int, size: int) -> None:
    """Ask what was drawn; the answer adds the digit to the collection and clears the canvas."""
    key = f"label_{canvas_number()}"

    def add() -> None:
        label, image = st.session_state[key], st.session_state.get("seen")
        if label is not None and image is not None:
            collection(size).append(Drawn(image, label))
            st.session_state["digit_added"] = True
            next_canvas()

    st.pills(
        "This was a …",
        range(classes),
        key=key,
        on_change=add,
        wrap=True,
        help="Adds the digit with this label to your digits below, and clears the canvas for the next one.",
    )


def show_steps(steps: Steps) -> None:
    """The way from the canvas to what the network sees."""
    st.subheader("What the network sees")
    names = ("cropped", "scaled", "centred")
    pixel_row(
        steps,
        [f"{name}: {image.shape[0]} x {image.shape[1]}" for name, image in zip(names, steps, strict=True)],
        height=104,
    )
    st.caption("As MNIST was made: fitted into a square, then laid so that the centre of mass is in the middle.")


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
        st.button(
            "Add to the training set",
            icon=":material/library_add:",
            on_click=use_in_training,
            args=(images, labels),
            help="From now on this session uses the data at hand with your digits among its training images; the next run "
            "learns from them. Its test set stays as it is.",
        )
        st.button("Remove the last one", icon=":material/undo:", on_click=digits.pop)
        st.button("Remove all", icon=":material/delete:", on_click=digits.clear)


def use_in_training(images: np.ndarray, labels: np.ndarray) -> None:
    """Make a data set of the data in use and these digits, and use it in this session."""
    try:
        folder = add_to_training(current_dataset(), images, labels, default_runs_dir() / ".data")
        choose(Choice("full", str(folder)))
    except DatasetError as error:
        st.session_state["added_problem"] = str(error)
    else:
        st.session_state["added"] = len(labels)


def say_added() -> None:
    """Say what came of adding the digits to the training set, once."""
    if problem := st.session_state.pop("added_problem", None):
        st.error(problem, icon=":material/error:")
    if count := st.session_state.pop("added", None):
        st.success(
            f"The training set of this session has {count} digits of yours among its "
            f"{len(current_dataset().train_labels):,} now: train a run on it.",
            icon=":material/library_add_check:",
        )
        st.page_link("pages/training.py", label="To the training", icon=":material/monitoring:")


with page():
    st.title("Draw")
    say_added()
    network = pick_network()
    size = picture_size(network)
    draw_and_read(network, size)
    show_collection(network, size)
    code_behind(steps_to_mnist, Network.forward_pass, pack_digits)
