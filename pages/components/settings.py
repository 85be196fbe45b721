"""The hyperparameters of the next run: a slider with an exact number field beside each.

``st.session_state["settings"]`` holds the values; widgets only show them, so they outlive a change of the page. What
differs from the reference recipe stands in the address, so that a setting can be shared: ``/training?lr=0.1&layers=300-100``.
"""

import shlex
from collections.abc import Callable

import streamlit as st

from mnist_core.config import MAX_HIDDEN_LAYERS, RANGES, TrainingConfig
from mnist_core.dataset import Dataset
from mnist_core.errors import ConfigError

LEARNING_RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
BATCH_SIZES = (1, 8, 16, 32, 64, 128, 256, 512, 1024)
DEFAULT_UNITS = 64
URL_NAMES = {
    "epochs": "epochs",
    "learning_rate": "lr",
    "batch_size": "batch",
    "hidden_layers": "layers",
    "validation_fraction": "validation",
    "seed": "seed",
}
NO_LAYERS = "none"


def current_settings() -> TrainingConfig:
    """Settings of this session; at first those of the address, else the reference recipe."""
    if "settings" not in st.session_state:
        st.session_state["settings"] = _read_address()
    return st.session_state["settings"]


def _read_address() -> TrainingConfig:
    """Take each setting from the address that is there and valid; warn of the others."""
    config = TrainingConfig()
    for field, name in URL_NAMES.items():
        if (text := st.query_params.get(name)) is None:
            continue
        try:
            config = TrainingConfig(**{**config.to_dict(), field: _from_text(field, text)})
        except ConfigError as error:
            st.warning(f"The address says {name}={text}, which is left out: {error}", icon=":material/link_off:")
    return config


def _from_text(field: str, text: str) -> object:
    """Read a value of the address; what can't be read is returned as it is, for TrainingConfig to refuse."""
    try:
        if field == "hidden_layers":
            return [] if text == NO_LAYERS else [int(units) for units in text.split("-")]
        return type(getattr(TrainingConfig(), field))(text)
    except ValueError:
        return text


def _write_address(config: TrainingConfig) -> None:
    default = TrainingConfig()
    for field, name in URL_NAMES.items():
        value = getattr(config, field)
        text = "-".join(map(str, value)) or NO_LAYERS if field == "hidden_layers" else f"{value:.10g}"
        if value != getattr(default, field):
            if st.query_params.get(name) != text:
                st.query_params[name] = text
        elif name in st.query_params:
            del st.query_params[name]


def command_line(config: TrainingConfig, dataset: Dataset) -> str:
    """Write the command that trains with the same settings on the same data."""
    words = ["python", "-m", "mnist_core", "train"]
    for field in URL_NAMES:
        value = getattr(config, field)
        if value != getattr(TrainingConfig(), field):
            values = value if isinstance(value, tuple) else (value,)
            words += ["--" + field.replace("_", "-"), *(f"{number:.10g}" for number in values)]
    words += ["--data-dir", dataset.data_dir] if dataset.data_dir else ["--source", dataset.source]
    return shlex.join(words)


def change(**values: object) -> None:
    """Change some of the settings."""
    st.session_state["settings"] = TrainingConfig(**{**current_settings().to_dict(), **values})


def edit_settings() -> TrainingConfig:
    """Draw the widgets and return what they say."""
    now = current_settings()
    if st.button(
        "Reference recipe",
        icon=":material/restart_alt:",
        disabled=now == TrainingConfig(),
        help="784-128-64-10, sigmoid, seed 695, batch 128, 100 epochs, learning rate 0.5, no validation share",
    ):
        st.session_state["settings"] = TrainingConfig()
        st.rerun()
    _number("epochs", "Epochs", now.epochs, "Passes over the training set.", usual=(1, 200))
    _number(
        "learning_rate",
        "Learning rate",
        now.learning_rate,
        "How far each update moves the parameters down their gradient.",
        stops=LEARNING_RATES,
    )
    _number(
        "batch_size",
        "Batch size (images)",
        now.batch_size,
        "Images whose mean gradient makes one update.",
        stops=BATCH_SIZES,
    )
    _hidden_layers(now)
    _number(
        "validation_fraction",
        "Validation share",
        now.validation_fraction,
        "Share of the training images kept out of training to measure on: 0.1 is 10 %.",
        usual=(0.0, 0.5),
        step=0.05,
    )
    _number("seed", "Seed", now.seed, "Start of the random numbers: same seed, same result.", usual=(0, 1000))
    _write_address(now)
    return now


def _hidden_layers(now: TrainingConfig) -> None:
    layers = list(now.hidden_layers)

    def resize(count: int) -> None:
        change(hidden_layers=(layers + [DEFAULT_UNITS] * count)[:count])

    def set_units(position: int) -> Callable[[int], None]:
        return lambda units: change(hidden_layers=[*layers[:position], units, *layers[position + 1 :]])

    _slider_and_field(
        "depth", "Hidden layers", len(layers), (0, MAX_HIDDEN_LAYERS), resize, "Layers between pixels and classes.",
        usual=(0, 4),
    )  # fmt: skip
    for position, units in enumerate(layers):
        _slider_and_field(
            f"units_{position}", f"Units of hidden layer {position + 1}", units, RANGES["hidden_layers"],
            set_units(position), "Neurons in this layer.", usual=(1, 512),
        )  # fmt: skip


def _number(name: str, label: str, value: float, help_text: str, **slider: object) -> None:
    _slider_and_field(name, label, value, RANGES[name], lambda new: change(**{name: new}), help_text, **slider)


def _slider_and_field(
    name: str,
    label: str,
    value: float,
    allowed: tuple[float, float],
    set_value: Callable[[float], None],
    help_text: str,
    usual: tuple[float, float] | None = None,
    stops: tuple[float, ...] | None = None,
    step: float | None = None,
) -> None:
    """Draw a slider over the usual values beside a field for any allowed one; both always show ``value``."""
    slider_key, field_key = f"{name}_slider", f"{name}_field"
    st.session_state[slider_key] = st.session_state[field_key] = value

    def read(key: str) -> None:
        set_value(st.session_state[key])

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if stops:
            options = sorted({*stops, value})
            st.select_slider(
                label, options, key=slider_key, on_change=read, args=(slider_key,), help=help_text,
                format_func=lambda number: f"{number:g}",
            )  # fmt: skip
        else:
            st.slider(
                label, min(usual[0], value), max(usual[1], value), step=step, key=slider_key, on_change=read,
                args=(slider_key,), help=help_text,
            )  # fmt: skip
        st.number_input(
            f"{label}, exactly", *allowed, step=step or (1 if isinstance(value, int) else 0.01), key=field_key,
            on_change=read, args=(field_key,), label_visibility="collapsed", width=130,
            format=None if isinstance(value, int) else "%.6g",
        )  # fmt: skip
