"""The settings of the next run: widgets, address, command line and presets."""

import shlex
import tracemalloc
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from mnist_core.cli import build_parser
from mnist_core.commands.train import asked_config
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.training.config import PRESETS, TrainingConfig
from mnist_core.training.memory import DataSize
from pages.components import settings
from pages.components.settings import command_line
from tests.helpers import WiderConfig, by_label, texts, unescaped


def test_settings_survive_a_page_switch(open_page):
    app = open_page("training")
    app.number_input(key="epochs_field").set_value(500).run()
    assert (app.slider(key="epochs_slider").value, app.slider(key="epochs_slider").max) == (500, 500)
    app.slider(key="depth_slider").set_value(3).run()
    app.number_input(key="units_2_field").set_value(17).run()
    expected = TrainingConfig(epochs=500, hidden_layers=(128, 64, 17))
    assert app.session_state["settings"] == expected

    app.switch_page("pages/dataset.py").run()
    app.switch_page("pages/training.py").run()
    assert app.session_state["settings"] == expected
    assert app.number_input(key="units_2_field").value == 17
    by_label(app.button, "Reference recipe").click().run()
    assert app.session_state["settings"] == TrainingConfig()
    assert app.number_input(key="epochs_field").value == 100


@pytest.mark.parametrize(
    ("name", "on_slider", "beyond"),
    [
        ("epochs", 7, 500),
        ("learning_rate", 0.05, 0.0123),
        ("batch_size", 512, 100),
        ("validation_fraction", 0.25, 0.6),
        ("seed", 3, 2**32 - 1),
    ],
)
def test_slider_and_field_stay_in_step_both_ways(open_page, name, on_slider, beyond):
    app = open_page("training")

    def slider():
        kind = app.select_slider if name in ("learning_rate", "batch_size") else app.slider
        return kind(key=f"{name}_slider")

    def shown():
        return slider().value, app.number_input(key=f"{name}_field").value

    slider().set_value(on_slider).run()
    assert shown() == (on_slider, on_slider)
    app.number_input(key=f"{name}_field").set_value(beyond).run()
    assert shown() == (beyond, beyond)
    assert getattr(app.session_state["settings"], name) == beyond
    slider().set_value(on_slider).run()
    assert shown() == (on_slider, on_slider)
    assert app.session_state["settings"] == TrainingConfig(**{name: on_slider})


@pytest.mark.parametrize(
    ("depth", "units", "line"),
    [
        (0, [], "**784-10** · 7,850 parameters"),
        (1, [128], "**784-128-10** · 101,770 parameters"),
        (2, [128, 64], "**784-128-64-10** · 109,386 parameters"),
        (3, [128, 64, 64], "**784-128-64-64-10** · 113,546 parameters"),
        (4, [128, 64, 64, 64], "**784-128-64-64-64-10** · 117,706 parameters"),
    ],
)
def test_as_many_fields_as_hidden_layers(open_page, depth, units, line):
    sizes = [784, *units, 10]
    assert f"{sum((a + 1) * b for a, b in pairwise(sizes)):,} parameters" in line
    app = open_page("training")
    app.slider(key="depth_slider").set_value(depth).run()
    fields = [field for field in app.number_input if field.key.startswith("units_")]
    assert [field.value for field in fields] == units
    assert line in texts(app.markdown)


def test_settings_come_from_the_address_and_go_there(open_page):
    app = open_page("overview")
    app.switch_page("pages/training.py")
    for name, text in {"lr": "0.1", "layers": "300-100", "epochs": "7", "batch": "many", "seed": "-1"}.items():
        app.query_params[name] = text
    app.run()
    expected = TrainingConfig(learning_rate=0.1, hidden_layers=(300, 100), epochs=7)
    assert app.session_state["settings"] == expected
    warned = texts(app.warning)
    assert "batch=many, which is ignored: batch_size is 'many', expected a whole number from 1 to 100,000" in warned
    assert "seed=-1, which is ignored: seed is -1, expected a whole number from 0" in warned

    app.slider(key="depth_slider").set_value(0).run()
    app.number_input(key="learning_rate_field").set_value(0.5).run()
    address = {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}
    assert address == {"layers": "none", "epochs": "7"}


@pytest.mark.parametrize(
    "config",
    [
        TrainingConfig(),
        TrainingConfig(
            epochs=3,
            batch_size=64,
            learning_rate=0.0123,
            seed=1,
            hidden_layers=(300, 100),
            validation_fraction=0.15,
        ),
        TrainingConfig(hidden_layers=()),
        *(preset.config for preset in PRESETS.values()),
    ],
)
@pytest.mark.parametrize("folder", [None, "/data/my digits"])
def test_the_command_line_says_the_same(config, folder):
    dataset = SimpleNamespace(source="full" if folder else "sample", data_dir=folder)
    program, dash, package, *arguments = shlex.split(command_line(config, dataset))
    assert (program, dash, package) == ("python", "-m", "mnist_core")
    arguments = build_parser().parse_args(arguments)
    parsed = vars(arguments)
    assert asked_config(arguments) == config
    assert parsed["data_dir"] == (Path(folder) if folder else None)
    assert parsed["source"] == ("auto" if folder else "sample")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_one_click_and_goes_into_the_address(open_page, name):
    app = open_page("training")
    if name == "reference":
        app.number_input(key="epochs_field").set_value(3).run()
    app.button(key=f"preset_{name}").click().run()
    assert app.session_state["settings"] == PRESETS[name].config
    assert app.button(key=f"preset_{name}").disabled
    address = {key: value[0] if isinstance(value, list) else value for key, value in app.query_params.items()}
    again = open_page("overview")
    again.switch_page("pages/training.py")
    for key, value in address.items():
        again.query_params[key] = value
    again.run()
    assert again.session_state["settings"] == PRESETS[name].config
    assert not again.warning


def test_choices_and_their_explanations_stand_side_by_side(open_page):
    app = open_page("training")
    app.selectbox(key="optimizer_choice").set_value("nesterov").run()
    app.number_input(key="momentum_field").set_value(0.95).run()
    app.selectbox(key="activation_choice").set_value("relu").run()
    app.selectbox(key="schedule_choice").set_value("one_cycle").run()
    app.slider(key="elastic_slider").set_value(0.5).run()
    expected = TrainingConfig(optimizer="nesterov", momentum=0.95, activation="relu", schedule="one_cycle", elastic=0.5)
    assert app.session_state["settings"] == expected
    shown = texts(app.caption)
    for setting in TrainingConfig.settings().values():
        assert (setting.explanation in shown) == bool(setting.group)
    assert ACTIVATIONS["relu"].explanation in shown
    assert ACTIVATIONS["tanh"].explanation not in shown


def test_a_new_setting_is_one_field(open_page, monkeypatch):
    monkeypatch.setattr(settings, "TrainingConfig", WiderConfig)
    app = open_page("overview")
    app.switch_page("pages/training.py")
    app.query_params["noise"] = "0.25"
    app.run()
    assert app.session_state["settings"] == WiderConfig(noise=0.25)
    slider = app.slider(key="noise_slider")
    assert (slider.label, slider.value, slider.max) == ("Noise (pixels)", 0.25, 1.0)
    assert "Adds this much noise." in texts(app.caption)
    assert "--noise 0.25" in texts(app.code)
    app.number_input(key="noise_field").set_value(2.0).run()
    assert app.query_params["noise"] in ("2", ["2"])
    assert app.session_state["settings"] == WiderConfig(noise=2.0)


def test_a_learning_rate_that_is_high_for_adam_is_cautioned(open_page):
    app = open_page("training")
    app.selectbox(key="optimizer_choice").set_value("adamw").run()
    assert "0.5 is high for adamw: try 0.003" in texts(app.caption)
    app.number_input(key="learning_rate_field").set_value(0.003).run()
    assert "is high for" not in texts(app.caption)


def test_early_stopping_brings_its_validation_fraction_and_goes_with_it(open_page):
    app = open_page("training")
    app.number_input(key="patience_field").set_value(5).run()
    assert app.session_state["settings"] == TrainingConfig(patience=5, validation_fraction=0.1)
    app.number_input(key="validation_fraction_field").set_value(0.0).run()
    assert app.session_state["settings"] == TrainingConfig()


HUGE = "-".join(["10000"] * 10)


def test_an_address_with_a_network_that_needs_too_much_memory_builds_none(open_page):
    app = open_page("training", batch="64")
    tracemalloc.start()
    try:
        app.query_params["layers"] = HUGE
        del app.session_state["settings"]
        app.run()
        assert tracemalloc.get_traced_memory()[1] < 3e7
    finally:
        tracemalloc.stop()
    (warning,) = app.warning
    assert "reduce hidden_layers" in unescaped([warning])
    assert app.session_state["settings"] == TrainingConfig(batch_size=64)
    assert "109,386 parameters" in texts(app.markdown)


def test_a_field_that_asks_for_too_much_memory_says_so_and_stays_as_it_was(open_page):
    app = open_page("training")
    app.number_input(key="units_0_field").set_value(10_000).run()
    assert not app.error
    app.number_input(key="units_1_field").set_value(10_000).run()
    assert "GB of memory, more than the 2 GB allowed: reduce hidden_layers (10000-10000)" in unescaped(app.error)
    assert app.session_state["settings"] == TrainingConfig(hidden_layers=(10_000, 64))
    assert app.number_input(key="units_1_field").value == app.slider(key="units_1_slider").value == 64
    app.number_input(key="units_1_field").set_value(32).run()
    assert not app.error
    assert app.session_state["settings"] == TrainingConfig(hidden_layers=(10_000, 32))


def test_settings_that_fit_mnist_and_not_these_data_are_refused_where_the_run_would_start(open_page, monkeypatch):
    monkeypatch.setattr(DataSize, "of", lambda dataset: DataSize(60_000, 500 * 500, 10))
    app = open_page("training")
    assert "use fewer or smaller images" in unescaped(app.error)
    assert "Start training" not in [button.label for button in app.button]
