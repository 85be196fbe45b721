"""Draw: write a digit by hand, watch the network read it, and collect your own digits."""

from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit_drawable_canvas import st_canvas

from mnist_core.data.classes import Classes
from mnist_core.data.own_digits import add_to_training, pack_digits
from mnist_core.data.preprocessing import flatten, normalize
from mnist_core.errors import PictureError
from mnist_core.evaluation.predict import evaluate
from mnist_core.handwriting.mnist_format import Steps, steps_to_mnist
from mnist_core.nn.network import Network
from pages.components.class_names import TILE, tile_caption, tile_size
from pages.components.code import code_behind
from pages.components.data import Choice, choose, current_dataset, own_digits_dir
from pages.components.digits.canvas import Drawing, receive
from pages.components.digits.grid import digit_grid, pixel_row
from pages.components.digits.reading import probability_chart, show_activations
from pages.components.errors import callback, fragment, show_error
from pages.components.router import page
from pages.components.runs.picker import pick_reader
from pages.components.state import NumberIn, Remembered, remembered

SIDE = 320  # CSS pixels: fits a phone
PEN, THINNEST, THICKEST = 24, 8, 48
MOST_STROKES = 50


class Drawn(NamedTuple):
    """A digit of the collection."""

    image: np.ndarray
    label: int


@dataclass
class Sketch:
    """The drawing and the collection of this session; they survive a page switch."""

    canvas: int = 0
    """Number of the current canvas: each digit has its own, which starts empty."""
    start: dict | None = None
    """Strokes that the current canvas starts with."""
    states: list[Drawing] = field(default_factory=list)
    """The drawing after each stroke."""
    image: np.ndarray | None = None
    """The drawing as the network sees it."""
    collections: dict[tuple[int, Classes], list[Drawn]] = field(default_factory=dict)
    """Labelled digits by the size of their images, and by the classes that the labels are of."""
    collected: bool = False
    """Whether a digit has just joined the collection, which the page outside the fragment has yet to show."""
    added: int = 0
    """Number of digits that have just joined the training set."""

    @property
    def key(self) -> str:
        """Key of the current canvas."""
        return f"canvas_{self.canvas}"

    def next_canvas(self, keep: int = 0) -> None:
        """Continue on a new canvas, which shows the drawing as it was after ``keep`` strokes."""
        self.canvas += 1
        del self.states[keep:]

    def undo(self) -> None:
        """Take the last stroke back, if there is one."""
        self.next_canvas(max(len(self.states) - 1, 0))


def sketch() -> Sketch:
    """Drawing and collection of this session."""
    return st.session_state.setdefault("sketch", Sketch())


def draw_ink(pen: int) -> np.ndarray:
    """Draw the canvas and return the ink on it, uint8, bright on black."""
    drawing = sketch()
    states = drawing.states
    if drawing.key not in st.session_state:  # a canvas that is new on the page
        drawing.start = states[-1].strokes if states else None
    canvas = partial(
        st_canvas,
        key=drawing.key,
        width=SIDE,
        height=SIDE,
        stroke_width=pen,
        stroke_color="#ffffff",
        background_color="#000000",
        initial_drawing=drawing.start,
        return_image_data=True,
    )
    last = states[-1] if states else None
    try:
        received = receive(canvas, last)
    except PictureError as error:
        show_error(error)
        received = last
    if received is not None and received is not last:
        states.append(received)
        del states[:-MOST_STROKES]
    return states[-1].ink if states else np.zeros((SIDE, SIDE), np.uint8)


def show_pen(pen: Remembered, empty: bool) -> None:
    """Draw pen width, Undo and Clear; the canvas has its own toolbar, but it is too small for fingers."""
    drawing = sketch()
    st.slider("Pen width", THINNEST, THICKEST, width=SIDE, **pen.widget)
    with st.container(horizontal=True, width=SIDE):
        st.button(
            "Undo",
            icon=":material/undo:",
            on_click=callback(drawing.undo),
            disabled=empty,
        )
        st.button("Clear", icon=":material/ink_eraser:", on_click=callback(drawing.next_canvas), disabled=empty)


@fragment
def draw_and_read(network: Network, size: int, classes: Classes) -> None:
    """Draw the canvas and how the network reads it; a stroke redraws nothing else of the page."""
    drawing = sketch()
    if drawing.collected:
        drawing.collected = False
        st.rerun()  # the collection below shows it
    pen = remembered("pen", PEN, parse=NumberIn(THINNEST, THICKEST))
    left, right = st.columns([2, 3], gap="large")
    with left:
        headline = st.container()
        ink = draw_ink(pen.value)
        show_pen(pen, not ink.any())
    if not ink.any():
        drawing.image = None
        show_invitation(headline, right, classes)
        return
    steps = steps_to_mnist(ink, size)
    drawing.image = steps.centred
    forward = network.forward_pass(flatten(normalize(steps.centred[np.newaxis])))
    probabilities = forward.activations[-1][0]
    with headline:
        name = classes[probabilities.argmax()]
        st.subheader(f"The network {'reads a' if classes.are_numbers else 'answers:'} {name}", anchor=False)
        st.caption(f"Confidence {probabilities.max():.1%}")
    show_probabilities(right, classes, probabilities)
    with right:
        ask_label(classes, size)
    left, right = st.columns([2, 3], gap="large")
    with left:
        show_steps(steps)
    with right:
        st.subheader("Layer by layer")
        show_activations(network, forward, classes)
        st.caption("Each square is a unit; the brighter, the more active. Blue: below 0.")


def show_invitation(headline: DeltaGenerator, right: DeltaGenerator, classes: Classes) -> None:
    """Invite to draw; the layout is that of a drawing, so that nothing jumps at the first stroke."""
    known = f"a digit from 0 to {len(classes) - 1}" if classes.are_numbers else f"one of {classes.listed()}"
    headline.subheader(f"Draw {'a digit' if classes.are_numbers else 'what the network knows'}", anchor=False)
    headline.caption("Large and centred")
    show_probabilities(right, classes, np.zeros(len(classes)))
    right.info(
        f"The canvas is empty: draw {known}, with the mouse, a pen or a finger. The network reads it after each "
        "stroke.",
        icon=":material/draw:",
    )


def show_probabilities(place: DeltaGenerator, classes: Classes, probabilities: np.ndarray) -> None:
    """Draw the probability of each class as a bar."""
    place.markdown(f"**Probability of each {'digit' if classes.noun == 'digit' else 'class'}**")
    place.altair_chart(probability_chart(classes, probabilities), key="probabilities")


def ask_label(classes: Classes, size: int) -> None:
    """Ask for the label; the answer adds the drawing to the collection and clears the canvas."""
    drawing = sketch()
    key = f"label_{drawing.canvas}"

    def add() -> None:
        label = st.session_state[key]
        if label is not None and drawing.image is not None:
            collection(size, classes).append(Drawn(drawing.image, label))
            drawing.collected = True
            drawing.next_canvas()

    st.pills(
        "I drew a …" if classes.are_numbers else "I drew …",
        range(len(classes)),
        format_func=lambda label: str(classes[label]),
        key=key,
        on_change=callback(add),
        wrap=True,
        help=f"Adds the {classes.noun} with this label to your {classes.noun}s below, and clears the canvas for the "
        "next one.",
    )


def show_steps(steps: Steps) -> None:
    """Draw the steps from the canvas to the image that the network sees."""
    st.subheader("What the network sees")
    names = ("cropped", "scaled", "centred")
    pixel_row(
        steps,
        [f"{name}: {image.shape[0]}x{image.shape[1]}" for name, image in zip(names, steps, strict=True)],
        height=104,
    )
    st.caption("As in MNIST: scaled to fit a square, then centred by its centre of mass.")


def collection(size: int, classes: Classes) -> list[Drawn]:
    """What this session drew and labelled, as images of ``size`` x ``size`` pixels."""
    return sketch().collections.setdefault((size, classes), [])


def show_collection(network: Network, size: int, classes: Classes) -> None:
    """Draw the collected digits, the accuracy on them, and the buttons to use them."""
    digits, noun = collection(size, classes), classes.noun
    st.subheader(f"Your {noun}s")
    if not digits:
        st.caption(
            f"Nothing yet. Draw {'a digit' if noun == 'digit' else 'one'} and label it: it stays here until you "
            "close the tab."
        )
        return
    images = np.stack([digit.image for digit in digits])
    labels = np.array([digit.label for digit in digits])
    result = evaluate(network, images, labels)
    st.markdown(
        f"Accuracy on your {noun}s: **{result.accuracy:.0%}**, {len(labels) - result.errors} of {len(labels)} correct."
    )
    pairs = list(zip(labels, result.predicted, result.probabilities.max(axis=1), strict=True))
    digit_grid(
        images,
        [
            f"{classes.short(label, TILE)} ✓"
            if label == predicted
            else tile_caption(classes, label, predicted=predicted)
            for label, predicted, _ in pairs
        ],
        [
            f"your {noun} {number}: label {classes[label].plain}, predicted {classes[predicted].plain} with a "
            f"confidence of {confidence:.1%}"
            for number, (label, predicted, confidence) in enumerate(pairs, start=1)
        ],
        size=tile_size(classes, 72),
    )
    with st.container(horizontal=True):
        st.download_button(
            "Download as a data set (zip)",
            lambda: pack_digits(images, labels, classes),
            f"my-{noun}s.zip",
            "application/zip",
            icon=":material/download:",
            disabled=len(digits) < 2,
            help=f"Four IDX files named as in MNIST, with every fifth {noun} in the test set. Unpack them into a "
            f"folder and choose that folder on the Overview page. Needs at least two {noun}s.",
        )
        st.button(
            "Add to the training set",
            icon=":material/library_add:",
            on_click=callback(use_in_training),
            args=(images, labels),
            help=f"This session then uses the current data set with your {noun}s among its training images, and the "
            "next run trains on them. The test set does not change.",
        )
        st.button("Remove last", icon=":material/undo:", on_click=callback(remove), args=(digits, digits[-1]))
        st.button("Remove all", icon=":material/delete:", on_click=callback(digits.clear))


def remove(digits: list[Drawn], digit: Drawn) -> None:
    """Remove one digit, unless an earlier click did."""
    digits[:] = [other for other in digits if other is not digit]


def use_in_training(images: np.ndarray, labels: np.ndarray) -> None:
    """Combine the current data set with these digits, and use the result in this session."""
    folder = add_to_training(current_dataset(), images, labels, own_digits_dir())
    choose(Choice("full", str(folder)))
    sketch().added = len(labels)


def show_added() -> None:
    """Confirm once that the digits have joined the training set."""
    drawing = sketch()
    if not drawing.added:
        return
    st.success(
        f"The training set of this session now has {len(current_dataset().train_labels):,} images, {drawing.added} of "
        "them yours: train a run on it.",
        icon=":material/library_add_check:",
    )
    st.page_link("pages/training.py", label="Go to Training", icon=":material/monitoring:")
    drawing.added = 0


with page(__file__):
    st.title("Draw")
    show_added()
    network, size, classes = pick_reader()
    draw_and_read(network, size, classes)
    show_collection(network, size, classes)
    code_behind(steps_to_mnist, Network.forward_pass, pack_digits)
