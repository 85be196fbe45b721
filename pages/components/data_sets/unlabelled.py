"""Images without labels: they are looked at, and a network says what it sees in them."""

import pandas as pd
import streamlit as st

from mnist_core.data.preparing.prepare import Unlabelled
from mnist_core.errors import MnistError, times
from mnist_core.evaluation.predict import predict
from mnist_core.runs.run import Run, list_runs
from pages.components.class_names import tile_caption, tile_size
from pages.components.digits.grid import digit_grid, pick_page
from pages.components.runs.picker import pick_run, run_classes, trained_network

PAGE_SIZE = 60


def show_unlabelled(data: Unlabelled) -> None:
    """Draw the images with the predictions of a run, which can be downloaded; without a run that fits, the images."""
    runs = [run for run in list_runs() if not run.problem and _reads(run, data)]
    on_page = pick_page("unlabelled", len(data.images), PAGE_SIZE, data.name.plain)
    images = data.images[on_page]
    if not runs:
        st.caption(f"No run here has a network for images of {times(data.image_shape)}: train one to see predictions.")
        titles = [f"image {number:,}" for number in range(on_page.start, on_page.start + len(images))]
        digit_grid(images, titles, titles)
        return
    run = pick_run(runs, "Predicted by")
    classes, probabilities = run_classes(run), predict(trained_network(run), data.images)
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    numbers = range(on_page.start, on_page.start + len(images))
    digit_grid(
        images,
        [tile_caption(classes, predicted[n], f"{confidence[n]:.0%}") for n in numbers],
        [f"image {n:,}: predicted {classes[predicted[n]].plain} with {confidence[n]:.1%}" for n in numbers],
        size=tile_size(classes, 72),
    )
    names = classes.plain()
    table = pd.DataFrame(
        {"predicted": predicted, "name": [names[label] for label in predicted], "confidence": confidence}
    )
    st.download_button(
        "Download all predictions (CSV)",
        lambda: table.to_csv(index_label="index", float_format="%.6g").encode(),
        f"predictions-{run.id}.csv",
        "text/csv",
        icon=":material/download:",
    )


def _reads(run: Run, data: Unlabelled) -> bool:
    try:
        return (run.path / "model.npz").exists() and run.dataset.shape()[0] == data.image_shape
    except MnistError:
        return False
