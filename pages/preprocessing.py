"""Preprocessing: one image before and after each step, with shapes and dtypes."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.data.augmentation import augment, bilinear
from mnist_core.data.dataset import Dataset
from mnist_core.data.preprocessing import flatten, normalize, one_hot
from mnist_core.errors import counted
from mnist_core.training.config import AUGMENTATION, PRESETS
from pages.components.charts.curves import histogram
from pages.components.class_names import HEAD
from pages.components.code import code_behind
from pages.components.data import current_dataset
from pages.components.digits.grid import digit_figure, digit_grid
from pages.components.digits.picker import Picked, pick_image, split_arrays
from pages.components.errors import callback
from pages.components.router import page
from pages.components.settings import change, current_settings, edit_group
from pages.components.state import NumberIn, remembered
from pages.components.tables import grey, pixel_table

ROWS = 8
WINDOW = 10
VARIANTS = 19


def show_normalization(picked: Picked) -> None:
    """Draw raw and normalized values side by side: image, histogram, numbers."""
    normalized = normalize(picked.image)
    middle = min(picked.image.shape) // 2
    first, last = max(middle - WINDOW // 2, 0), middle + WINDOW // 2 - 1
    window = slice(first, last + 1)
    sides = (
        ("Before", "raw pixels, uint8, 0 to 255", picked.image, 255, 0),
        ("After", "normalized, float32, 0 to 1", normalized, 1, 2),
    )
    for column, (title, text, pixels, high, digits) in zip(st.columns(2, gap="large"), sides, strict=True):
        with column:
            st.markdown(f"**{title}**: {text}")
            st.pyplot(digit_figure(pixels), width=260)
            st.altair_chart(histogram(pixels, 0, high), key=f"histogram_{title}")
            st.caption(
                f"{pixels.min():g} to {pixels.max():g}, mean {pixels.mean():.3g}. Rows and columns {first} to {last}:"
            )
            pixel_table(pixels, digits, window, window)
    st.caption(
        "The image and the shape of the histogram stay the same; only the scale of the numbers changes: each is "
        "divided by 255."
    )


def show_flattening(picked: Picked) -> None:
    """Draw the rows of the image joined into one."""
    height, width = picked.image.shape
    vector = flatten(normalize(picked.image[np.newaxis]))[0]
    bars = "".join(
        f"{grey(value)} {100 * n / len(vector):.3f}% {100 * (n + 1) / len(vector):.3f}%,"
        for n, value in enumerate(vector)
    )
    st.markdown(
        f"{counted(height, 'row')} of {counted(width, 'pixel')}, joined end to end: **{height}x{width} → "
        f"{len(vector)}** numbers."
    )
    st.html(
        f'<div role="img" aria-label="the {len(vector)} pixels in one row" style="height:56px;border-radius:6px;'
        f'background:linear-gradient(90deg,{bars.rstrip(",")})"></div>'
    )
    chosen = remembered("flattened_row", height // 2, url="row", parse=NumberIn(0, height - 1))
    if height > 1:
        st.slider("Row of the image", 0, height - 1, **chosen.widget)
    row = chosen.value
    st.markdown(f"Row {row} becomes elements {row * width} to {(row + 1) * width - 1}:")
    st.dataframe(
        pd.DataFrame(
            [vector[row * width : (row + 1) * width]], columns=[str(n) for n in range(row * width, (row + 1) * width)]
        ).style.format("{:.2f}"),
        hide_index=True,
    )


def show_one_hot(dataset: Dataset, picked: Picked) -> None:
    """Draw labels and their one-hot rows as a table."""
    _, labels = split_arrays(dataset, picked.split)
    some = labels[picked.index : picked.index + ROWS]
    classes = dataset.classes
    rows = [f"image {index:,}: {classes[label].plain}" for index, label in enumerate(some, start=picked.index)]
    table = pd.DataFrame(one_hot(some, len(classes)).astype(int), index=rows, columns=classes.plain(HEAD))
    highlight = "background-color: rgba(76, 120, 216, 0.35); font-weight: bold"
    st.dataframe(table.style.map(lambda value: highlight if value == 1 else ""))
    st.caption("Each label becomes a row with a single 1 at its own position: the ideal softmax output for this image.")


def show_augmentation(noun: str, picked: Picked) -> None:
    """Draw the augmentation sliders of the next run, and distorted copies of the image."""
    one = "a digit" if noun == "digit" else "an image"
    st.markdown(
        f"Optional, and only for training: {one} that is shifted, rotated or bent a little still shows the same. A "
        "new random distortion for every image in every epoch teaches the network to ignore such changes."
    )
    sliders, preview = st.columns([1, 1.55], gap="large")
    with sliders:
        edit_group(AUGMENTATION)
    with preview:
        augmentation = current_settings().augmentation
        if not augmentation:
            st.info("All amounts are 0, so training uses the images as they are.", icon=":material/info:")
            if st.button("Use the amounts of the Best preset", icon=":material/auto_fix_high:"):
                change(**asdict(PRESETS["best"].config.augmentation))
                st.rerun()
            return
        seed = remembered("augmentation_seed", 0, url="distortion", parse=NumberIn(0, 2**32 - 1))
        st.button(
            "New distortions", icon=":material/casino:", on_click=callback(lambda: seed.set((seed.value + 1) % 2**32))
        )
        rng = np.random.default_rng(seed.value)
        variants = augment(np.repeat(picked.image[np.newaxis], VARIANTS, axis=0), augmentation, rng)
        images = np.concatenate([picked.image[np.newaxis], np.rint(variants).astype(np.uint8)])
        captions = ["original", *map(str, range(1, VARIANTS + 1))]
        digit_grid(images, captions, ["the original image", *(f"distorted image {n}" for n in captions[1:])])
        st.caption("The next run on the Training page uses these amounts.")


def show_shapes(dataset: Dataset) -> None:
    """Draw a table of shapes and dtypes at each step, for the first mini-batch."""
    images, labels = dataset.train_images[:128], dataset.train_labels[:128]
    normalized = normalize(images)
    steps = {
        "images": images,
        "normalize(images)": normalized,
        "flatten(normalize(images))": flatten(normalized),
        "labels": labels,
        "one_hot(labels)": one_hot(labels, dataset.num_classes),
    }
    total = len(dataset.train_labels)
    rows = [
        (
            step,
            str(array.shape),
            str((total, *array.shape[1:])),
            str(array.dtype),
            f"{array.min():g} to {array.max():g}",
            f"{array.nbytes / len(array) * total / 1e6:.2f} MB",
        )
        for step, array in steps.items()
    ]
    st.dataframe(
        pd.DataFrame(
            rows,
            columns=[
                "step",
                "shape of a mini-batch",
                "shape of the training set",
                "dtype",
                "values",
                "memory, training set",
            ],
        ),
        hide_index=True,
    )


with page(__file__):
    dataset = current_dataset()
    st.title("Preprocessing")
    st.markdown(
        "What happens to an image and its label before the network reads them: three short functions, and a fourth "
        "that makes new training images."
    )
    picked = pick_image(dataset)

    st.subheader("1 · Normalize: 0…255 becomes 0…1")
    show_normalization(picked)
    st.subheader("2 · Flatten: an image becomes a row")
    show_flattening(picked)
    st.subheader("3 · One-hot: a label becomes a row")
    show_one_hot(dataset, picked)
    st.subheader("4 · Augment: new training images from old ones")
    show_augmentation(dataset.noun, picked)
    st.subheader("Shapes and dtypes at each step")
    show_shapes(dataset)

    code_behind(normalize, flatten, one_hot, augment, bilinear)
    st.page_link("pages/training.py", label="Next: train a network on these rows", icon=":material/arrow_forward:")
