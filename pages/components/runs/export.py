"""Model files: download a model in several formats, upload one and test it."""

from pathlib import Path

import numpy as np
import streamlit as st

from mnist_core.data.classes import Classes
from mnist_core.data.dataset import Dataset
from mnist_core.errors import ModelError
from mnist_core.evaluation.predict import evaluate
from mnist_core.models.formats import FORMATS, export, file_name, missing_package
from mnist_core.models.reading import MAX_BYTES, check_fits, read_model
from mnist_core.runs.run import Run, find_run
from mnist_core.runs.uploaded import keep_as_run
from mnist_core.untrusted import UntrustedText
from pages.components.data import current_dataset
from pages.components.errors import errors_shown
from pages.components.runs.picker import architecture, model_written, run_classes, run_dataset, select_run
from pages.components.state import OneOf, remembered

LABELS = {"npz": "NumPy (.npz)", "safetensors": "safetensors", "onnx": "ONNX", "python": "Python file"}


def show_export(run: Run) -> None:
    """Offer the model of a run as a file, in an expander."""
    with st.expander("Download the model", icon=":material/ios_share:"):
        chosen = remembered("export_format", "python", parse=OneOf(tuple(FORMATS)))
        st.segmented_control("Format", list(FORMATS), format_func=LABELS.__getitem__, required=True, **chosen.widget)
        format = chosen.value
        st.write(FORMATS[format].about)
        missing = missing_package(format)
        if missing:
            st.info(f"{missing}. Then reload this page.", icon=":material/info:")
            return
        name = file_name(run.id, format)
        stem = Path(name).stem
        shape, written, classes = run_dataset(run).image_shape, model_written(run), run_classes(run)
        st.download_button(
            f"Download {UntrustedText(name)}",
            lambda: _exported(run.path, written, shape, format, classes),
            name,
            "text/x-python" if format == "python" else "application/octet-stream",
            icon=":material/download:",
            on_click="ignore",
            key="export_download",
        )
        st.code(FORMATS[format].example.replace("model.", f"{stem}.").replace("from model", f"from {stem}"))


@st.cache_data(max_entries=16, show_spinner=False, hash_funcs={Classes: repr})
def _exported(path: Path, written: int, shape: tuple[int, int], format: str, classes: Classes) -> bytes:
    return export(find_run(path.name, path.parent).load_network(), shape, format, classes)


def show_upload_model() -> None:
    """Test an uploaded model file on the test images of the current data set, in an expander."""
    with st.expander("Test a model file", icon=":material/upload_file:"):
        st.caption(
            "A model downloaded here, or a file of your own with the arrays W1, b1, W2, b2, ... and activation. "
            "Pickles (.pkl, .pt) are refused: loading one can run any code."
        )
        file = st.file_uploader(
            "Model file (.npz or .safetensors)", key="model_upload", max_upload_size=MAX_BYTES // 1_000_000
        )
        if file is None:
            return
        with errors_shown():
            _show_model(file.name, file.getvalue())


def _show_model(name: str, content: bytes) -> None:
    """Show the scores of a model file, and the button that keeps it as a run."""
    dataset = current_dataset()
    size, accuracy, loss, errors = _score(content, name, dataset, dataset.checksums)
    count = len(dataset.test_labels)
    figures = {
        "Test accuracy": f"{accuracy:.2%}",
        "Test loss (nats)": f"{loss:.4f}",
        "Errors": f"{errors:,} of {count:,}",
    }
    for column, (label, value) in zip(st.columns(3), figures.items(), strict=True):
        column.metric(label, value, border=True)
    st.caption(f"{UntrustedText(name)} ({size}) on the {count:,} test images of **{dataset.name}**.")
    if st.button(
        "Keep as a run",
        icon=":material/library_add:",
        help="Then evaluate it, look inside, or let it read what you draw",
    ):
        run = keep_as_run(read_model(content, name), dataset, name)
        select_run(run)
        st.rerun()


@st.cache_data(max_entries=8, show_spinner="Testing the model …")
def _score(data: bytes, name: str, _dataset: Dataset, checksums: dict[str, str]) -> tuple[str, float, float, int]:
    network = read_model(data, name)
    check_fits(network, _dataset, name)
    with np.errstate(over="ignore", invalid="ignore"):
        result = evaluate(network, _dataset.test_images, _dataset.test_labels)
    if not np.isfinite(result.loss):
        raise ModelError(f"{name} has weights so large that its probabilities are not numbers: train it again.")
    return f"{architecture(network.layer_sizes)}, {network.activation}", result.accuracy, result.loss, result.errors
