"""Upload: digits in pictures and photos are found, normalized and read by a network."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image, ImageDraw, ImageFont

from mnist_core.data.classes import Classes
from mnist_core.errors import PictureError, counted
from mnist_core.evaluation.predict import predict
from mnist_core.handwriting.find import Found, find_digits
from mnist_core.handwriting.ink import ink_on_black
from mnist_core.handwriting.mnist_format import to_mnist
from mnist_core.handwriting.reading import MAX_BYTES, read_picture
from mnist_core.handwriting.segmentation import Box, segment
from mnist_core.nn.network import Network
from mnist_core.untrusted import UntrustedText, no_formula
from pages.components.class_names import tile_caption, tile_size
from pages.components.code import code_behind
from pages.components.digits.grid import digit_grid
from pages.components.router import page
from pages.components.runs.picker import pick_reader
from pages.components.state import OneOf, remembered

MODES = {"auto": None, "one digit": False, "several digits": True}
SMALLEST, LARGEST = 240, 1200  # pixels of the longer side of a picture on the page
MAX_FILES = 32
COLOR = (232, 90, 40)


class Read(NamedTuple):
    """A picture, the digits in it, and their class probabilities, shape (N, C)."""

    name: UntrustedText
    grey: np.ndarray
    found: Found
    probabilities: np.ndarray
    classes: Classes

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class of each."""
        return self.probabilities.argmax(axis=1)

    @property
    def marks(self) -> list[str]:
        """What stands beside each box: the name where there is room, otherwise the number of the image."""
        short = self.classes.are_short and all(name.plain.isascii() for name in self.classes)  # as Pillow's font is
        return [
            self.classes[label].plain if short else f"#{number}" for number, label in enumerate(self.predicted, start=1)
        ]


@st.cache_data(max_entries=2 * MAX_FILES, show_spinner="Looking for ink …")
def find(data: bytes, several: bool | None, size: int) -> tuple[np.ndarray, Found]:
    """Read a picture and find its digits, once for all sessions."""
    grey = read_picture(data)
    return grey, find_digits(grey, several, size)


def with_boxes(grey: np.ndarray, boxes: list[Box], marks: list[str]) -> Image.Image:
    """Draw a rectangle around each digit, with its mark."""
    picture = Image.fromarray(grey)
    longest = max(picture.size)
    factor = -(-SMALLEST // longest) if longest < SMALLEST else min(1, LARGEST / longest)
    width, height = (max(round(side * factor), 1) for side in picture.size)
    picture = picture.resize((width, height), Image.Resampling.NEAREST if factor > 1 else Image.Resampling.BOX)
    picture = picture.convert("RGB")
    pen = ImageDraw.Draw(picture)
    line = max(max(picture.size) // 300, 2)
    typical = np.median([box.height for box in boxes]) * factor
    font = ImageFont.load_default(float(np.clip(0.35 * typical, 13, 36)))
    for box, mark in zip(boxes, marks, strict=True):
        top, left, bottom, right = (round(edge * factor) for edge in box)
        frame = (max(left - line, 0), max(top - line, 0), min(right + line, width) - 1, min(bottom + line, height) - 1)
        pen.rectangle(frame, outline=COLOR, width=line)
        pen.text((frame[0] + 2 * line, frame[1]), mark, COLOR, font, anchor="ls" if frame[1] > 20 else "lt")
    return picture


def show_picture(read: Read) -> None:
    """Draw one picture with its boxes, and its digits as the network sees them."""
    found, predicted, classes = read.found, read.predicted, read.classes
    height, width = read.grey.shape
    count, named = len(predicted), classes.are_short
    with st.container(border=True):
        st.markdown(f"{read.name.code} · {width}x{height} pixels · {counted(count, classes.noun)}")
        ink = (
            "Dark ink on light paper, inverted for the network."
            if found.light_paper
            else "Light ink on dark paper, as the network expects."
        )
        left, right = st.columns([2, 3], gap="medium")
        left.image(with_boxes(read.grey, found.boxes, read.marks), caption=ink)
        with right:
            digit_grid(
                found.images,
                [
                    tile_caption(classes, label, f"{row.max():.0%}" if named else f"#{number} · {row.max():.0%}")
                    for number, (label, row) in enumerate(zip(predicted, read.probabilities, strict=True), start=1)
                ],
                [
                    f"{classes.noun} {number} of {read.name.plain}: predicted {classes[label].plain} with a confidence "
                    f"of {row.max():.1%}"
                    for number, (label, row) in enumerate(zip(predicted, read.probabilities, strict=True), start=1)
                ],
                size=tile_size(classes, 72),
            )


def result_table(reads: list[Read]) -> pd.DataFrame:
    """Build a table with one row per digit: file, number, prediction and its name, confidence, box, probabilities."""
    rows = [
        {
            "file": read.name.plain,
            "number": number,
            "label": int(row.argmax()),
            "class_name": no_formula(read.classes[row.argmax()].plain),
            "confidence": float(row.max()),
            **box._asdict(),
            **{f"probability_{k}": float(value) for k, value in enumerate(row)},
        }
        for read in reads
        for number, (box, row) in enumerate(zip(read.found.boxes, read.probabilities, strict=True), start=1)
    ]
    return pd.DataFrame(rows)


def read_files(network: Network, size: int, classes: Classes) -> list[Read]:
    """Draw the uploader and read its files; a bad file gets its sentence and does not stop the others."""
    files = st.file_uploader(
        f"Pictures of {classes.noun}s (PNG, JPEG or WebP)"
        if classes.noun == "digit"
        else "Pictures (PNG, JPEG or WebP)",
        ["png", "jpg", "jpeg", "webp"],
        accept_multiple_files=True,
        max_upload_size=MAX_BYTES // 1_000_000,
        help=f"Scans, photos or drawings{' of one digit or many' * (classes.noun == 'digit')}. The server reads them "
        "and stores none.",
    )
    mode = remembered("upload_mode", "auto", url="mode", parse=OneOf(tuple(MODES)))
    st.segmented_control(
        "Each picture shows",
        list(MODES),
        required=True,
        format_func=lambda name: name.replace("digit", classes.noun),
        help=f"Several {classes.noun}s are told apart by the gaps between them.",
        **mode.widget,
    )
    if len(files) > MAX_FILES:
        st.warning(
            f"You chose {len(files)} pictures: the first {MAX_FILES} are read. Remove some to read the others.",
            icon=":material/warning:",
        )
    reads = []
    for file in files[:MAX_FILES]:
        name = UntrustedText(file.name)
        try:
            grey, found = find(file.getvalue(), MODES[mode.value], size)
        except PictureError as error:
            st.error(f"{name.code}: {UntrustedText(str(error))}", icon=":material/broken_image:")
            continue
        reads.append(Read(name, grey, found, predict(network, found.images), classes))
    if not files:
        st.info(
            "No pictures yet: choose files above or drop them there. A photo of a few "
            f"{'digits' if classes.noun == 'digit' else 'drawings'} on paper is enough, as long as they do not touch.",
            icon=":material/upload:",
        )
    return reads


with page(__file__):
    st.title("Upload")
    reader = pick_reader()
    noun = reader.classes.noun
    reads = read_files(*reader)
    for read in reads:
        show_picture(read)
    if reads:
        st.subheader(f"All {noun}s")
        table = result_table(reads)
        st.dataframe(
            table.iloc[:, :5].drop(columns="label"),
            hide_index=True,
            column_config={
                "number": noun,
                "class_name": "read as",
                "confidence": st.column_config.ProgressColumn("confidence", min_value=0, max_value=1, format="percent"),
            },
        )
        st.download_button(
            "Download all readings (CSV)",
            lambda: table.to_csv(index=False, float_format="%.6g").encode(),
            "readings.csv",
            "text/csv",
            icon=":material/download:",
            help=f"One row per {noun}: file, number, label and its name, confidence, box in pixels, all probabilities",
        )
    code_behind(ink_on_black, segment, to_mnist, predict)
