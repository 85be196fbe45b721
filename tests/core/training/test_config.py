"""The settings of a training run: one field states each of them for every place that uses it."""

import json
import math
from dataclasses import fields

import numpy as np
import pytest

from mnist_core import cli
from mnist_core.commands import train
from mnist_core.errors import ConfigError
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.training.config import PRESETS, TrainingConfig
from mnist_core.training.setting import Choice, Layers, Number
from tests.helpers import WiderConfig


def test_the_default_is_the_reference_recipe():
    config = TrainingConfig()
    assert config.to_dict() == {
        "epochs": 100, "batch_size": 128, "learning_rate": 0.5, "seed": 695, "hidden_layers": [128, 64],
        "activation": "sigmoid", "validation_fraction": 0.0, "initialization": "uniform", "optimizer": "sgd",
        "momentum": 0.9, "schedule": "constant", "warmup": 0.0, "weight_decay": 0.0, "dropout": 0.0,
        "label_smoothing": 0.0, "patience": 0, "shift": 0.0, "rotation": 0.0, "scale": 0.0, "shear": 0.0,
        "elastic": 0.0, "blas_threads": 0,
    }  # fmt: skip
    assert TrainingConfig.from_dict(config.to_dict()) == config == PRESETS["reference"].config


def test_a_run_of_before_the_optimizers_is_still_read():
    old = {"epochs": 3, "batch_size": 128, "learning_rate": 0.5, "seed": 695, "hidden_layers": [8],
           "activation": "sigmoid", "validation_fraction": 0.0}  # fmt: skip
    assert TrainingConfig.from_dict(old) == TrainingConfig(epochs=3, hidden_layers=(8,))


def test_early_stopping_needs_validation_images():
    with pytest.raises(ConfigError, match="patience is 3 and validation_fraction is 0"):
        TrainingConfig(patience=3)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("epochs", 0, "from 1 to 10,000"),
        ("epochs", 2.5, "a whole number"),
        ("epochs", True, "a whole number"),
        ("batch_size", 0, "from 1 to 100,000"),
        ("batch_size", "128", "a whole number"),
        ("learning_rate", 0, "from 1e-08 to 1,000,000"),
        ("learning_rate", math.nan, "from 1e-08"),
        ("learning_rate", math.inf, "from 1e-08"),
        ("learning_rate", 10**400, "from 1e-08"),
        ("learning_rate", None, "a number"),
        ("seed", -1, "from 0 to 4,294,967,295"),
        ("hidden_layers", (128, 0), "from 1 to 10,000"),
        ("hidden_layers", (1,) * 11, "at most 10"),
        ("hidden_layers", "128", "a list"),
        ("activation", "cubic", "sigmoid"),
        ("optimizer", "sdg", "expected one of sgd, momentum, nesterov, adam, adamw"),
        ("schedule", 3, "constant, step, cosine, one_cycle"),
        ("initialization", "", "uniform, glorot, he"),
        ("dropout", 1.0, "from 0.0 to 0.9"),
        ("momentum", 1, "from 0.0 to 0.999"),
        ("patience", 1.5, "a whole number"),
        ("elastic", math.nan, "from 0.0 to 10.0"),
        ("validation_fraction", 0.95, "from 0.0 to 0.9"),
        ("validation_fraction", -0.1, "from 0.0 to 0.9"),
        *[("epochs", value, "a whole number") for value in (math.nan, "3", None, 3.0)],
        *[("learning_rate", value, "a number") for value in ("0.5", True)],
        *[("hidden_layers", value, "a list") for value in (None, 128)],
        *[("hidden_layers", value, "a whole number") for value in ((True,), ("8",), (8.5,), ((8,),))],
        *[("activation", value, "expected one of sigmoid") for value in (None, "", 3, ["sigmoid"])],
    ],
)
def test_a_bad_value_is_named_with_its_range(field, value, expected):
    with pytest.raises(ConfigError) as caught:
        TrainingConfig(**{field: value})
    assert str(caught.value).startswith(f"{field} is ")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [("epochs", np.int64(3)), ("seed", np.uint32(3)), ("learning_rate", np.float32(0.25)), ("hidden_layers", [8, 4])],
)
def test_a_config_is_written_as_plain_json(field, value):
    config = TrainingConfig(**{field: value})
    assert isinstance(config.hidden_layers, tuple)
    assert TrainingConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_an_unknown_field_is_refused():
    with pytest.raises(ConfigError, match="Unknown field 'momentun'"):
        TrainingConfig.from_dict({"momentun": 0.9})


SETTINGS = TrainingConfig.settings()


@pytest.mark.parametrize("name", SETTINGS)
def test_each_field_states_everything_about_its_setting(name):
    setting = SETTINGS[name]
    assert list(SETTINGS) == [field.name for field in fields(TrainingConfig)]
    assert setting.label[0].isupper()
    assert setting.explanation.endswith(".")
    assert setting.check(setting.default) == setting.default
    assert setting.applies_to is None or set(setting.applies_to[1]) < set(SETTINGS[setting.applies_to[0]].table)
    if isinstance(setting, Choice):
        assert all(setting.display(value) and setting.explain(value) != setting.explanation for value in setting.table)
    if isinstance(setting, Number):
        assert setting.low < setting.high
        shown = setting.stops or setting.usual
        assert [*shown] == sorted(shown)
        assert setting.check(shown[0]) < setting.check(shown[-1])
        assert {type(value) for value in shown} == {type(setting.default)}


def test_options_and_names_in_the_address_are_unique():
    for names in ([setting.url for setting in SETTINGS.values()], [setting.option for setting in SETTINGS.values()]):
        assert len(set(names)) == len(names) == len(SETTINGS)
    assert SETTINGS["learning_rate"].url == "lr"  # shared links rely on these
    assert SETTINGS["epochs"].url == "epochs"


UNUSUAL = [
    ("hidden_layers", (), "none", ["--hidden-layers"], "none"),
    ("hidden_layers", (300, 100), "300-100", ["--hidden-layers", "300", "100"], "300-100"),
    ("learning_rate", 1e-7, "1e-07", ["--learning-rate", "1e-07"], "1e-07"),
    ("seed", 2**32 - 1, "4294967295", ["--seed", "4294967295"], "4294967295"),
    ("schedule", "one_cycle", "one_cycle", ["--schedule", "one_cycle"], "one-cycle"),
]


@pytest.mark.parametrize(("name", "value", "text", "arguments", "shown"), UNUSUAL)
def test_a_value_is_written_for_address_command_line_and_people(name, value, text, arguments, shown):
    setting = SETTINGS[name]
    assert setting.to_text(value) == text
    assert setting.parse(text) == value
    assert setting.to_arguments(value) == arguments == TrainingConfig(**{name: value}).arguments
    assert setting.display(value) == shown


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [("seed", "-1", "seed is -1"), ("batch_size", "many", "batch_size is 'many'"), ("hidden_layers", "5-x", "'5-x'"),
     ("hidden_layers", "5-0", "hidden_layers is 0"), ("activation", "ReLU", "activation is 'ReLU'")],
)  # fmt: skip
def test_a_bad_text_is_named_as_it_was_written(name, text, found):
    with pytest.raises(ConfigError, match=found):
        SETTINGS[name].parse(text)


def test_scales_of_sweeps_are_stated():
    logarithmic = {name for name, item in SETTINGS.items() if isinstance(item, Number) and item.logarithmic}
    assert logarithmic == {"learning_rate", "batch_size", "weight_decay"}
    assert [name for name, item in SETTINGS.items() if isinstance(item, Layers)] == ["hidden_layers"]


def test_a_config_describes_what_is_special_about_it():
    assert TrainingConfig(epochs=3, momentum=0.5).describe() == []  # SGD has no momentum
    assert TrainingConfig(optimizer="nesterov", momentum=0.5).describe() == ["Nesterov", "momentum 0.5"]
    stopped = TrainingConfig(validation_fraction=0.1, patience=5, blas_threads=2)
    assert stopped.describe() == ["early stopping patience 5 epochs", "BLAS threads 2"]
    best = ["ReLU", "He", "AdamW", "one-cycle", "weight decay 0.01", "augmented"]
    assert PRESETS["best"].config.describe() == best


def test_a_learning_rate_that_is_high_for_adam_is_cautioned():
    assert "0.5 is high for adam" in TrainingConfig(optimizer="adam").cautions["learning_rate"]
    assert TrainingConfig(optimizer="adam", learning_rate=0.003).cautions == TrainingConfig().cautions == {}


def test_every_setting_and_choice_is_explained_on_the_command_line(capsys):
    with pytest.raises(SystemExit):
        cli.build_parser().parse_args(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for setting in SETTINGS.values():
        assert f"{setting.option} " in text
        assert setting.explanation in text
    assert all(f"{name}: {record.explanation}" in text for name, record in ACTIVATIONS.items())
    assert "(default: 128 64)" in text


def test_a_new_setting_is_one_field(monkeypatch):
    with pytest.raises(ConfigError, match=r"noise is 3\.0, expected a number from 0\.0 to 2\.0\."):
        WiderConfig(noise=3.0)
    monkeypatch.setattr(train, "TrainingConfig", WiderConfig)
    config = WiderConfig(noise=0.25, epochs=3)
    arguments = cli.build_parser().parse_args(["train", *config.arguments])
    assert train.asked_config(arguments) == config == WiderConfig.from_dict(config.to_dict())
    assert config.describe() == ["noise 0.25 pixels"]
    assert "noise" not in TrainingConfig.settings()


@pytest.mark.parametrize("value", [10**400, -(10**5000), 1e300], ids=["large", "largest", "float"])
@pytest.mark.parametrize("name", ["learning_rate", "seed", "epochs"])
def test_a_number_of_any_length_is_refused_in_a_short_sentence(name, value):
    if isinstance(value, float) and name != "learning_rate":
        value = int(value)
    with pytest.raises(ConfigError, match=f"^{name} is a number of more than 30 digits, expected") as caught:
        TrainingConfig(**{name: value})
    assert len(str(caught.value)) < 200
