"""The settings of the next run: a slider with an exact number field beside each.

``st.session_state["settings"]`` holds the values; widgets only show them, so they survive a page switch. The address
holds what differs from the reference recipe, so that settings can be shared: ``/training?lr=0.1&layers=300-100``. Each
field of :class:`TrainingConfig` states the label, the range and the explanation of its setting.
"""

import shlex
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import streamlit as st

from mnist_core.data.dataset import Dataset
from mnist_core.errors import ConfigError
from mnist_core.training.config import AUGMENTATION, MACHINE, PRESETS, REGULARIZATION, UNIT, UPDATE, TrainingConfig
from mnist_core.training.memory import check_memory
from mnist_core.training.setting import Choice, Layers, Number, Setting
from pages.components.errors import callback
from pages.components.state import warn_of_address

NEW_LAYER_UNITS = 64
GROUP_ICONS = {
    UNIT: ":material/show_chart:",
    UPDATE: ":material/speed:",
    REGULARIZATION: ":material/fitness_center:",
    AUGMENTATION: ":material/auto_fix_high:",
    MACHINE: ":material/memory:",
}


def current_settings() -> TrainingConfig:
    """Settings of this session; at first those of the address, otherwise the reference recipe."""
    if "settings" not in st.session_state:
        st.session_state["settings"] = _read_address()
    return st.session_state["settings"]


def _read_address() -> TrainingConfig:
    """Take each valid setting of the address; warn of the others."""
    config = TrainingConfig()
    for name, setting in TrainingConfig.settings().items():
        if (text := st.query_params.get(setting.url)) is None:
            continue
        try:
            config = _affordable(config, **{name: setting.parse(text)})
        except ConfigError as error:
            warn_of_address(setting.url, text, error)
    return config


def _write_address(config: TrainingConfig) -> None:
    for name, setting in config.settings().items():
        if name not in config.changes:
            st.query_params.pop(setting.url, None)
        elif st.query_params.get(setting.url) != (text := setting.to_text(config.changes[name])):
            st.query_params[setting.url] = text


def command_line(config: TrainingConfig, dataset: Dataset) -> str:
    """Write the command that trains with the same settings on the same data."""
    data = ["--data-dir", dataset.data_dir] if dataset.data_dir else ["--source", dataset.source]
    return shlex.join(["python", "-m", "mnist_core", "train", *config.arguments, *data])


def change(**values: Any) -> None:
    """Change some settings; early stopping and the validation fraction that it needs follow one another."""
    if values.get("patience") and not current_settings().validation_fraction:
        values["validation_fraction"] = 0.1
    if values.get("validation_fraction") == 0:
        values["patience"] = 0
    st.session_state["settings"] = _affordable(current_settings(), **values)


def _affordable(config: TrainingConfig, **values: Any) -> TrainingConfig:
    """Replace some settings; ConfigError if training would need too much memory."""
    changed = replace(config, **values)
    check_memory(changed)
    return changed


def edit_settings(implemented: frozenset[str] | None = None) -> TrainingConfig:
    """Draw the widgets and return the settings that they show.

    Parameters
    ----------
    implemented : frozenset of str, optional
        Settings that have an effect, by name; the others are greyed out and say why. All of them by default.
    """
    config = current_settings()
    if implemented is None:
        _choose_preset(config)
    for group in dict.fromkeys(setting.group for setting in config.settings().values()):
        with st.expander(group, icon=GROUP_ICONS.get(group)) if group else nullcontext():
            edit_group(group, implemented)
            if group == AUGMENTATION:
                st.page_link("pages/preprocessing.py", label="See it on the images", icon=":material/visibility:")
    _write_address(config)
    return config


def _choose_preset(config: TrainingConfig) -> None:
    with st.container(horizontal=True, gap="small"):
        for name, preset in PRESETS.items():
            if st.button(preset.label, disabled=config == preset.config, help=preset.explanation, key=f"preset_{name}"):
                st.session_state["settings"] = preset.config
                st.rerun()


def edit_group(group: str, implemented: frozenset[str] | None = None) -> None:
    """Draw the settings of one group that have an effect beside the others; see `edit_settings`."""
    config = current_settings()
    for name, setting in config.settings().items():
        if setting.group == group and config.applies(name):
            if implemented is not None and name not in implemented:
                st.text_input(setting.title, setting.display(setting.default), disabled=True, key=f"{name}_fixed")
                st.caption("Only the reference implements it: your code decides.")
                continue
            _edit(setting, getattr(config, name))
            if name in config.cautions:
                st.caption(f":orange[{config.cautions[name]}]")


def _edit(setting: Setting, value: Any) -> None:
    """Draw one setting; in a group its explanation stands below it, otherwise behind a question mark."""
    match setting:
        case Choice():
            _edit_choice(setting, value)
        case Layers():
            _edit_layers(setting, list(value))
        case Number():
            _edit_number(setting, value)
    if setting.group:
        st.caption(setting.explain(value))


def _edit_choice(setting: Choice, value: str) -> None:
    key = f"{setting.name}_choice"
    st.session_state[key] = value

    def read() -> None:
        change(**{setting.name: st.session_state[key]})

    st.selectbox(setting.title, tuple(setting.table), key=key, on_change=callback(read), format_func=setting.display)


def _edit_number(setting: Number, value: float) -> None:
    def set_value(new: float) -> None:
        change(**{setting.name: new})

    _slider_and_field(
        setting.name, setting.title, value, (setting.low, setting.high), set_value,
        None if setting.group else setting.help,
        usual=setting.usual or (setting.low, setting.high), stops=setting.stops, step=setting.step,
    )  # fmt: skip


def _edit_layers(setting: Layers, layers: list[int]) -> None:
    def resize(count: float) -> None:
        change(**{setting.name: (layers + [NEW_LAYER_UNITS] * int(count))[: int(count)]})

    def set_units(position: int) -> Callable[[float], None]:
        return lambda units: change(**{setting.name: [*layers[:position], units, *layers[position + 1 :]]})

    _slider_and_field(
        "depth", setting.title, len(layers), (0, setting.most), resize, "Layers between the pixels and the classes.",
        usual=setting.usual_depth,
    )  # fmt: skip
    for position, units in enumerate(layers):
        _slider_and_field(
            f"units_{position}", f"Units of hidden layer {position + 1}", units, (setting.low, setting.high),
            set_units(position), "Neurons in this layer.", usual=setting.usual,
        )  # fmt: skip


def _slider_and_field(
    name: str,
    label: str,
    value: float,
    allowed: tuple[float, float],
    set_value: Callable[[float], None],
    help_text: str | None,
    usual: tuple[float, float] = (0.0, 1.0),
    stops: tuple[float, ...] = (),
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
                label, options, key=slider_key, on_change=callback(read), args=(slider_key,), help=help_text,
                format_func=lambda number: f"{number:g}",
            )  # fmt: skip
        else:
            st.slider(
                label, min(usual[0], value), max(usual[1], value), step=step, key=slider_key, on_change=callback(read),
                args=(slider_key,), help=help_text,
            )  # fmt: skip
        st.number_input(
            f"{label}, exactly", *allowed, step=step or (1 if isinstance(value, int) else 0.01), key=field_key,
            on_change=callback(read), args=(field_key,), label_visibility="collapsed", width=130,
            format=None if isinstance(value, int) else "%.6g",
        )  # fmt: skip
