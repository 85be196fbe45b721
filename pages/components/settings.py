"""The hyperparameters of the next run: a slider with an exact number field beside each.

``st.session_state["settings"]`` holds the values; widgets only show them, so they outlive a change of the page. What
differs from the reference recipe stands in the address, so that a setting can be shared: ``/training?lr=0.1&layers=300-100``.
"""

import shlex
from collections.abc import Callable

import streamlit as st

from mnist_core.data.dataset import Dataset
from mnist_core.errors import ConfigError
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.training.config import CHOICES, EXPLANATIONS, MAX_HIDDEN_LAYERS, PRESETS, RANGES, TrainingConfig

LEARNING_RATES = (
    0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0,
)  # fmt: skip
WEIGHT_DECAYS = (0.0, 1e-6, 1e-5, 1e-4, 0.001, 0.01, 0.1)
BATCH_SIZES = (1, 8, 16, 32, 64, 128, 256, 512, 1024)
DEFAULT_UNITS = 64
HIGH_FOR_ADAM = 0.02
PRESET_LABELS = {
    "reference": (
        "Reference recipe",
        "The recipe everything starts from: sigmoid, plain SGD, 100 epochs. About 98 % on the full data.",
    ),
    "fast": (
        "Fast",
        "The best that 10 epochs give: ReLU, AdamW, one-cycle, light augmentation. About 98.8 % on the full data.",
    ),
    "best": (
        "Best",
        "The most accurate 784-128-64-10 we know: 150 epochs of affine and elastic distortions. About 99.3 % on the full data.",
    ),
}
URL_NAMES = {
    "epochs": "epochs",
    "learning_rate": "lr",
    "batch_size": "batch",
    "hidden_layers": "layers",
    "validation_fraction": "validation",
    "seed": "seed",
    "activation": "activation",
    "initialization": "init",
    "optimizer": "optimizer",
    "momentum": "momentum",
    "schedule": "schedule",
    "warmup": "warmup",
    "weight_decay": "decay",
    "dropout": "dropout",
    "label_smoothing": "smoothing",
    "patience": "patience",
    "shift": "shift",
    "rotation": "rotation",
    "scale": "scale",
    "shear": "shear",
    "elastic": "elastic",
    "blas_threads": "threads",
}
NO_LAYERS = "none"
NAMES = {
    **{name: activation.label for name, activation in ACTIVATIONS.items()},
    "uniform": "uniform", "glorot": "Glorot", "he": "He",
    "sgd": "SGD", "momentum": "momentum", "nesterov": "Nesterov", "adam": "Adam", "adamw": "AdamW",
    "constant": "constant", "step": "step", "cosine": "cosine", "one_cycle": "one-cycle",
}  # fmt: skip
"""How people write the names that :data:`CHOICES` holds."""


def describe(config: TrainingConfig) -> list[str]:
    """Say in a few words each what is not as in the reference recipe, besides the plain numbers."""
    default = TrainingConfig()
    words = [NAMES[getattr(config, name)] for name in CHOICES if getattr(config, name) != getattr(default, name)]
    words += ["augmented"] if config.augmentation else []
    named = {"weight_decay": "weight decay", "dropout": "dropout", "label_smoothing": "label smoothing"}
    words += [f"{text} {value:g}" for name, text in named.items() if (value := getattr(config, name))]
    words += [f"early stopping after {config.patience}"] if config.patience else []
    return words


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
        text = "-".join(map(str, value)) or NO_LAYERS if field == "hidden_layers" else _to_text(value)
        if value != getattr(default, field):
            if st.query_params.get(name) != text:
                st.query_params[name] = text
        elif name in st.query_params:
            del st.query_params[name]


def _to_text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.10g}"


def command_line(config: TrainingConfig, dataset: Dataset) -> str:
    """Write the command that trains with the same settings on the same data."""
    words = ["python", "-m", "mnist_core", "train"]
    for field in URL_NAMES:
        value = getattr(config, field)
        if value != getattr(TrainingConfig(), field):
            values = value if isinstance(value, tuple) else (value,)
            words += ["--" + field.replace("_", "-"), *map(_to_text, values)]
    words += ["--data-dir", dataset.data_dir] if dataset.data_dir else ["--source", dataset.source]
    return shlex.join(words)


def change(**values: object) -> None:
    """Change some of the settings; early stopping and the validation share that it needs follow one another."""
    if values.get("patience") and not current_settings().validation_fraction:
        values["validation_fraction"] = 0.1
    if values.get("validation_fraction") == 0:
        values["patience"] = 0
    st.session_state["settings"] = TrainingConfig(**{**current_settings().to_dict(), **values})


def edit_settings() -> TrainingConfig:
    """Draw the widgets and return what they say."""
    now = current_settings()
    _presets(now)
    _number("epochs", "Epochs", usual=(1, 200))
    _number("learning_rate", "Learning rate", stops=LEARNING_RATES)
    if now.optimizer in ("adam", "adamw") and now.learning_rate > HIGH_FOR_ADAM:
        st.caption(f":orange[{now.learning_rate:g} is high for {now.optimizer}: try 0.003.]")
    _number("batch_size", "Batch size (images)", stops=BATCH_SIZES)
    _hidden_layers(now)
    _number("validation_fraction", "Validation share", usual=(0.0, 0.5), step=0.05)
    _number("seed", "Seed", usual=(0, 1000))
    with st.expander("Activation and initialization", icon=":material/show_chart:"):
        _choice("activation", "Activation")
        _choice("initialization", "Initialization")
    with st.expander("Optimizer and schedule", icon=":material/speed:"):
        _choice("optimizer", "Optimizer")
        if now.optimizer in ("momentum", "nesterov"):
            _number("momentum", "Momentum", usual=(0.0, 0.99), step=0.01, caption=True)
        _choice("schedule", "Schedule")
        _number("warmup", "Warm-up", usual=(0.0, 0.5), step=0.05, caption=True)
    with st.expander("Regularization", icon=":material/fitness_center:"):
        _number("weight_decay", "Weight decay (L2)", stops=WEIGHT_DECAYS, caption=True)
        _number("dropout", "Dropout", usual=(0.0, 0.5), step=0.05, caption=True)
        _number("label_smoothing", "Label smoothing", usual=(0.0, 0.3), step=0.01, caption=True)
        _number("patience", "Early stopping (patience in epochs)", usual=(0, 20), caption=True)
    with st.expander("Augmentation", icon=":material/auto_fix_high:"):
        edit_augmentation()
        st.page_link("pages/preprocessing.py", label="See it on the images", icon=":material/visibility:")
    with st.expander("Machine", icon=":material/memory:"):
        _number("blas_threads", "BLAS threads", usual=(0, 8), caption=True)
    _write_address(now)
    return now


def _presets(now: TrainingConfig) -> None:
    with st.container(horizontal=True, gap="small"):
        for name, (label, text) in PRESET_LABELS.items():
            if st.button(label, disabled=now == PRESETS[name], help=text, key=f"preset_{name}"):
                st.session_state["settings"] = PRESETS[name]
                st.rerun()


def edit_augmentation() -> None:
    """Draw the sliders of the distortions of training images."""
    _number("shift", "Shift (pixels)", usual=(0.0, 4.0), step=0.1, caption=True)
    _number("rotation", "Rotation (degrees)", usual=(0.0, 45.0), step=1.0, caption=True)
    _number("scale", "Scale", usual=(0.0, 0.3), step=0.01, caption=True)
    _number("shear", "Shear (degrees)", usual=(0.0, 30.0), step=1.0, caption=True)
    _number("elastic", "Elastic distortion (pixels)", usual=(0.0, 3.0), step=0.1, caption=True)


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


def _number(name: str, label: str, caption: bool = False, **slider: object) -> None:
    """Draw a numeric setting, its explanation under it or behind a question mark."""
    text, value = EXPLANATIONS[name], getattr(current_settings(), name)

    def set_value(new: float) -> None:
        change(**{name: new})

    _slider_and_field(name, label, value, RANGES[name], set_value, None if caption else text, **slider)
    if caption:
        st.caption(text)


def _choice(name: str, label: str) -> None:
    """Draw a setting that is one of a few names."""
    key = f"{name}_choice"
    st.session_state[key] = getattr(current_settings(), name)

    def read() -> None:
        change(**{name: st.session_state[key]})

    st.selectbox(label, CHOICES[name], key=key, on_change=read, format_func=NAMES.get)
    st.caption(EXPLANATIONS[name])


def _slider_and_field(
    name: str,
    label: str,
    value: float,
    allowed: tuple[float, float],
    set_value: Callable[[float], None],
    help_text: str | None,
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
