"""Upload: pictures and photos of digits, found, normalized and read by a network."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image, ImageDraw, ImageFont

from mnist_core.errors import PictureError
from mnist_core.evaluation.predict import predict
from mnist_core.handwriting.find import Found, find_digits
from mnist_core.handwriting.ink import ink_on_black
from mnist_core.handwriting.mnist_format import to_mnist
from mnist_core.handwriting.reading import MAX_BYTES, read_picture
from mnist_core.handwriting.segmentation import Box, segment
from mnist_core.nn.network import Network
from pages.components.code import code_behind
from pages.components.digits.grid import digit_grid
from pages.components.router import page
from pages.components.runs.picker import pick_network, picture_size

MODES = {"auto": None, "one digit": False, "several digits": True}
SMALLEST, LARGEST = 240, 1200  # pixels of the longer side of a picture where it is shown
COLOR = (232, 90, 40)


class Read(NamedTuple):
    """A picture, the digits in it, and their class probabilities, shape (N, C)."""

    name: str
    grey: np.ndarray
    found: Found
    probabilities: np.ndarray


@st.cache_data(max_entries=64, show_spinner="Looking for digits …")
def look(data: bytes, several: bool | None, size: int) -> tuple[np.ndarray, Found]:
    """Grey levels of a picture and the digits in it, computed once for all sessions."""
    grey = read_picture(data)
    return grey, find_digits(grey, several, size)


def with_boxes(grey: np.ndarray, boxes: list[Box], predicted: np.ndarray) -> Image.Image:
    """Draw a rectangle around each digit, with what it was read as."""
    picture = Image.fromarray(grey)
    longest = max(picture.size)
    factor = -(-SMALLEST // longest) if longest < SMALLEST else min(1, LARGEST / longest)
    width, height = (max(round(side * factor), 1) for side in picture.size)
    picture = picture.resize((width, height), Image.Resampling.NEAREST if factor > 1 else Image.Resampling.BOX)
    picture = picture.convert("RGB")
    pen = ImageDraw.Draw(picture)
    line = max(max(picture.size) // 300, 2)
    usual = np.median([box.height for box in boxes]) * factor
    font = ImageFont.load_default(float(np.clip(0.35 * usual, 13, 36)))
    for box, label in zip(boxes, predicted, strict=True):
        top, left, bottom, right = (round(edge * factor) for edge in box)
        frame = (max(left - line, 0), max(top - line, 0), min(right + line, width) - 1, min(bottom + line, height) - 1)
        pen.rectangle(frame, outline=COLOR, width=line)
        pen.text((frame[0] + 2 * line, frame[1]), str(label), COLOR, font, anchor="ls" if frame[1] > 20 else "lt")
    return picture


def code(name: str) -> str:
    """Write the name of a file so that nothing in it is taken for markup."""
    return f"`{name.replace('`', '')}`"


def show_picture(read: Read) -> None:
    """One picture with its boxes, and its digits as the network sees them."""
    found, predicted = read.found, read.probabilities.argmax(axis=1)
    height, width = read.grey.shape
    count = len(predicted)
    with st.container(border=True):
        st.markdown(f"{code(read.name)} · {width} x {height} px · {count} digit{'s' * (count > 1)}")
        ink = "Dark ink on light paper: inverted." if found.light_paper else "Light ink on dark paper: not inverted."
        left, right = st.columns([2, 3], gap="medium")
        left.image(with_boxes(read.grey, found.boxes, predicted), caption=ink)
        with right:
            digit_grid(
                found.images,
                [f"{label} · {row.max():.0%}" for label, row in zip(predicted, read.probabilities, strict=True)],
                [
                    f"digit {number} of {read.name}: read as {label} with a confidence of {row.max():.1%}"
                    for number, (label, row) in enumerate(zip(predicted, read.probabilities, strict=True), start=1)
                ],
                size=72,
            )


def result_table(reads: list[Read]) -> pd.DataFrame:
    """One row for each digit: file, number, box, reading, confidence, probabilities."""
    rows = [
        {
            "file": read.name,
            "digit": number,
            "read as": int(row.argmax()),
            "confidence": float(row.max()),
            **box._asdict(),
            **{f"probability_{k}": float(value) for k, value in enumerate(row)},
        }
        for read in reads
        for number, (box, row) in enumerate(zip(read.found.boxes, read.probabilities, strict=True), start=1)
    ]
    return pd.DataFrame(rows)


def read_files(network: Network, size: int) -> list[Read]:
    """Draw the uploader; read its files, each bad one with its sentence."""
    files = st.file_uploader(
        "Pictures of digits (PNG, JPEG or WebP)",
        ["png", "jpg", "jpeg", "webp"],
        accept_multiple_files=True,
        max_upload_size=MAX_BYTES // 1_000_000,
        help="Scans, photos or drawings, of one digit or of many. This server reads them and keeps none.",
    )
    mode = st.segmented_control(
        "In each picture there is",
        list(MODES),
        default="auto",
        required=True,
        help="Several digits are found by the gaps.",
    )
    reads = []
    for file in files:
        try:
            grey, found = look(file.getvalue(), MODES[mode], size)
        except PictureError as error:
            st.error(f"{code(file.name)}: {error}", icon=":material/broken_image:")
            continue
        reads.append(Read(file.name, grey, found, predict(network, found.images)))
    if not files:
        st.info(
            "Nothing uploaded yet: choose pictures or drop them above. A photo of a few digits on paper will do, if they do "
            "not touch one another.",
            icon=":material/upload:",
        )
    return reads


with page():
    st.title("Upload")
    network = pick_network()
    reads = read_files(network, picture_size(network))
    for read in reads:
        show_picture(read)
    if reads:
        st.subheader("All digits")
        table = result_table(reads)
        st.dataframe(
            table.iloc[:, :4],
            hide_index=True,
            column_config={
                "confidence": st.column_config.ProgressColumn("confidence", min_value=0, max_value=1, format="percent")
            },
        )
        st.download_button(
            "Download all readings (CSV)",
            lambda: table.to_csv(index=False, float_format="%.6g").encode(),
            "readings.csv",
            "text/csv",
            icon=":material/download:",
            help="One row for each digit: file, number, reading, confidence, box in pixels, all probabilities",
        )
    code_behind(ink_on_black, segment, to_mnist, predict)
