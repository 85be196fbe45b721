"""Training: settings, start, and every state of a run."""

import json
import shlex
import shutil
from itertools import pairwise, product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mnist_core.cli import asked_config, build_parser
from mnist_core.data.batches import split_validation
from mnist_core.data.dataset import load_dataset
from mnist_core.jobs.start import start_run
from mnist_core.runs.files import write_json
from mnist_core.runs.run import list_runs
from mnist_core.training.config import EXPLANATIONS, PRESETS, TrainingConfig
from pages.components.charts.curves import Look, curve, horizon, smooth
from pages.components.settings import command_line
from tests.helpers import by_label, texts, unescaped, use_folder, wait

HEADER = "epoch,train_loss,train_accuracy,val_loss,val_accuracy,learning_rate,seconds\n"


def spec(chart):
    return json.loads(chart.proto.spec)


def domain(chart):
    """Ends of the epoch axis."""
    return spec(chart)["layer"][0]["encoding"]["x"]["scale"]["domain"]


def points(chart):
    """Rows of the data of a chart."""
    import pyarrow

    (data,) = {dataset.name: dataset.data.data for dataset in chart.proto.datasets}.values()
    return pyarrow.ipc.open_stream(data).read_pandas().to_dict("records")


def progress(app):
    (bar,) = app.get("progress")
    return bar.proto.text


def test_without_runs_it_says_what_to_do_and_offers_the_reference_recipe(open_page):
    app = open_page("training")
    assert "No run yet" in texts(app.markdown)
    assert "**784-128-64-10** · 109,386 parameters" in texts(app.markdown)
    assert "5,000 images · 40 updates per epoch · 4,000 in total" in texts(app.markdown)
    assert by_label(app.button, "Reference recipe").disabled
    assert app.session_state["settings"] == TrainingConfig()


def test_slider_and_field_show_the_same_and_hold_values_beyond_the_slider(open_page):
    app = open_page("training")
    app.slider(key="epochs_slider").set_value(7).run()
    assert app.number_input(key="epochs_field").value == 7
    app.number_input(key="epochs_field").set_value(500).run()
    assert (app.slider(key="epochs_slider").value, app.slider(key="epochs_slider").max) == (500, 500)
    app.number_input(key="learning_rate_field").set_value(0.0123).run()
    assert app.select_slider(key="learning_rate_slider").value == 0.0123
    app.select_slider(key="batch_size_slider").set_value(64).run()
    assert app.number_input(key="batch_size_field").value == 64
    app.number_input(key="validation_fraction_field").set_value(0.15).run()
    app.slider(key="depth_slider").set_value(3).run()
    app.number_input(key="units_2_field").set_value(17).run()
    expected = TrainingConfig(
        epochs=500, learning_rate=0.0123, batch_size=64, hidden_layers=(128, 64, 17), validation_fraction=0.15
    )
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


def test_the_count_of_images_is_what_is_trained_on(open_page, tiny_folder):
    app = open_page("overview")
    use_folder(app, tiny_folder(train=4, test=3, classes=2))
    app.switch_page("pages/training.py").run()
    app.number_input(key="validation_fraction_field").set_value(0.1).run()
    training, validation = split_validation(4, 0.1, TrainingConfig().seed)
    assert (len(training), len(validation)) == (3, 1)
    assert "3 images · 1 updates per epoch · 100 in total" in texts(app.markdown)


def test_start_trains_in_a_process_of_its_own_and_leads_to_the_evaluation(open_page):
    app = open_page("training")
    app.number_input(key="epochs_field").set_value(2).run()
    app.number_input(key="learning_rate_field").set_value(0.25).run()
    by_label(app.button, "Start training").click().run()
    (run,) = list_runs()
    assert app.query_params["run"] in (run.id, [run.id])
    assert (
        json.loads((run.path / "config.json").read_text())["training"]
        == TrainingConfig(epochs=2, learning_rate=0.25).to_dict()
    )

    run = wait(run)
    app.run()
    assert not app.exception
    assert f"**{run.status.test_accuracy:.2%}** accuracy on the test set of MNIST (sample of 6,000)" in texts(
        app.markdown
    )
    assert progress(app).startswith("epoch 2 of 2")
    assert f"training loss {run.metrics()[-1].train_loss:.4f} nats" in texts(app.caption)
    by_label(app.button, "See its errors").click().run()
    assert app.title[0].value == "Evaluation"
    assert app.selectbox(key="run_picker").value == run.id


def test_a_started_run_has_the_exact_settings_and_stops_when_asked(open_page):
    app = open_page("training")
    app.number_input(key="epochs_field").set_value(500).run()
    app.number_input(key="learning_rate_field").set_value(0.0123).run()
    by_label(app.button, "Start training").click().run()
    (run,) = list_runs()
    asked = json.loads((run.path / "config.json").read_text())["training"]
    assert (asked["epochs"], asked["learning_rate"]) == (500, 0.0123)
    assert app.selectbox(key="run_picker").value == run.id
    assert progress(app) == "starting …" or progress(app).startswith("epoch ")
    app.button(key="stop").click().run()
    run = wait(run)
    assert run.status.state == "stopped"
    assert run.status.epoch < 500
    app.run()
    assert "stop" not in [button.key for button in app.button]
    said = "Stopped before the end of the first epoch" if run.status.test_accuracy is None else "accuracy on the test set"
    assert said in texts(app.info) + texts(app.markdown)


def test_a_run_stopped_later_leads_to_its_evaluation(open_page, finished):
    content = json.loads((finished.path / "status.json").read_text())
    write_json(finished.path / "status.json", {**content, "state": "stopped", "epoch": 1})
    app = open_page("training")
    assert progress(app).startswith("epoch 1 of 2")
    assert f"**{finished.status.test_accuracy:.2%}** accuracy on the test set" in texts(app.markdown)
    by_label(app.button, "See its errors").click().run()
    assert app.title[0].value == "Evaluation"
    assert app.metric[3].value == "1 of 2"


def test_a_run_deleted_while_it_is_shown_is_said(open_page, finished, make_run):
    lost = make_run(state="running")
    app = open_page("training")
    assert app.selectbox(key="run_picker").value == lost.id
    shutil.rmtree(lost.path)
    app.run()
    assert f"There is no run {lost.id!r} here. It may have been deleted" in unescaped(app.warning)
    assert app.selectbox(key="run_picker").value == finished.id


def test_damaged_metrics_are_said_in_a_sentence(open_page, finished):
    (finished.path / "metrics.csv").write_text(HEADER + "1,a,b,c,d,e,f\n")
    app = open_page("training")
    assert f"The metrics of run {finished.id} can't be read" in texts(app.error)
    assert by_label(app.button, "Start training")  # another run can still be started


def test_a_damaged_run_is_not_offered(open_page, finished, make_run):
    damaged = make_run()
    (damaged.path / "config.json").write_text("{")
    app = open_page("training")
    assert app.selectbox(key="run_picker").value == finished.id
    assert len(app.selectbox(key="run_picker").options) == 1


def test_a_running_run_is_found_by_a_new_session_and_can_be_stopped(open_page, finished, make_run):
    run = make_run(state="running", epoch=4, images_done=1000, images_total=4000, images_per_second=2000.0, seconds=9.0)
    (run.path / "metrics.csv").write_text(HEADER + "1,0.5,0.9,nan,nan,0.5,2\n2,0.4,0.92,nan,nan,0.5,2\n")
    app = open_page("training")
    assert app.selectbox(key="run_picker").value == run.id
    assert progress(app) == "epoch 5 of 100 · 3 min 12 s left · 2,000 images per second · 9 s so far"
    assert "After epoch 2: training loss 0.4000 nats, training accuracy 92.00%" in texts(app.caption)
    assert by_label(app.button, "Start another run")
    app.button(key="stop").click().run()
    assert (run.path / "control").read_text() == "stop\n"
    assert app.button(key="stop").disabled


@pytest.mark.parametrize(
    ("status", "where", "words"),
    [
        ({"state": "queued"}, "caption", "The curves start after the first epoch."),
        ({"state": "stopped"}, "info", "Stopped before the end of the first epoch"),
        (
            {"state": "failed", "error": "The disk is full: free some space."},
            "error",
            "The disk is full: free some space.",
        ),
        ({"state": "running", "epoch": 3, "heartbeat": 1.0}, "warning", "ended unexpectedly after epoch 3"),
    ],
)
def test_other_states_are_said_in_words(open_page, make_run, status, where, words):
    make_run(**status)
    app = open_page("training")
    assert words in texts(getattr(app, where))


def test_a_run_that_is_gone_is_said_and_the_newest_is_shown(open_page, finished):
    app = open_page("training")
    app.query_params["run"] = "20200101-000000-dead"
    app.run()
    assert "There is no run '20200101-000000-dead'" in unescaped(app.warning)
    assert app.selectbox(key="run_picker").value == finished.id


def test_the_curves_have_a_point_an_epoch_for_each_set(open_page, finished):
    app = open_page("training")
    charts = app.get("vega_lite_chart")
    assert len(charts) == 2
    for chart, measure in zip(charts, ("loss", "accuracy"), strict=True):
        plain = [point for point in points(chart) if point["kind"] == "plain"]
        assert [(point["set"], point["epoch"]) for point in plain] == list(product(("training", "validation"), (1, 2)))
        assert plain[1]["value"] == pytest.approx(getattr(finished.metrics()[1], f"train_{measure}"))
        encoding = spec(chart)["layer"][0]["encoding"]
        assert encoding["color"]["scale"]["domain"] == ["training", "validation"]
    assert domain(charts[0]) == [0, 2]
    assert domain(charts[1]) == [1, 2]
    last = finished.metrics()[-1]
    assert not np.isnan(last.val_loss)
    assert f"validation loss {last.val_loss:.4f} nats, validation accuracy {last.val_accuracy:.2%}" in texts(
        app.caption
    )


def test_the_epoch_axis_fits_the_curve():
    assert [horizon(done, 100) for done in (1, 6, 7, 12, 13, 24, 25, 100)] == [7, 13, 25, 25, 50, 50, 100, 100]
    assert horizon(1, 3) == 3
    assert all(done <= horizon(done, 5000) <= 5000 for done in range(1, 5001))


def test_pause_resume_and_more_epochs(open_page, make_run):
    running = make_run(state="running", epoch=4, seconds=1.0)
    app = open_page("training")
    app.button(key="pause").click().run()
    assert (running.path / "control").read_text() == "pause\n"
    assert app.button(key="pause").label == "Pausing …"
    assert app.button(key="stop").disabled

    paused = make_run(TrainingConfig(epochs=2, hidden_layers=()), state="paused")
    app.query_params["run"] = paused.id
    app.run()
    app.button(key="resume").click().run()
    finished = wait(paused.refresh())
    assert (finished.status.state, finished.status.epoch) == ("finished", 2)

    app.run()
    app.number_input(key="more_epochs").set_value(3).run()
    app.button(key="train_more").click().run()
    finished = wait(finished.refresh())
    assert (finished.status.state, finished.status.epoch) == ("finished", 5)
    app.run()
    assert progress(app).startswith("epoch 5 of 5")


def test_settings_come_from_the_address_and_go_there(open_page):
    app = open_page("overview")
    app.switch_page("pages/training.py")
    for name, text in {"lr": "0.1", "layers": "300-100", "epochs": "7", "batch": "many", "seed": "-1"}.items():
        app.query_params[name] = text
    app.run()
    expected = TrainingConfig(learning_rate=0.1, hidden_layers=(300, 100), epochs=7)
    assert app.session_state["settings"] == expected
    warned = texts(app.warning)
    assert "batch=many, which is left out: batch_size is 'many', expected a whole number from 1 to 100,000" in warned
    assert "seed=-1, which is left out: seed is -1, expected a whole number from 0" in warned

    app.slider(key="depth_slider").set_value(0).run()
    app.number_input(key="learning_rate_field").set_value(0.5).run()
    address = {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}
    assert address == {"layers": "none", "epochs": "7"}


@pytest.mark.parametrize(
    "config",
    [
        TrainingConfig(),
        TrainingConfig(3, 64, 0.0123, 1, (300, 100), "sigmoid", 0.15),
        TrainingConfig(hidden_layers=()),
        *PRESETS.values(),
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


def test_a_waiting_run_shows_its_place(open_page, make_run):
    run = make_run(state="queued")
    queue = run.path.parent / ".queue"
    queue.mkdir()
    for name in ("00000000-000000-0000", run.id):
        (queue / f"{name}.lock").touch()
    assert progress(open_page("training")) == "number 2 in the queue: it starts when a run before it ends"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_one_click_and_goes_into_the_address(open_page, name):
    app = open_page("training")
    if name == "reference":
        app.number_input(key="epochs_field").set_value(3).run()
    app.button(key=f"preset_{name}").click().run()
    assert app.session_state["settings"] == PRESETS[name]
    assert app.button(key=f"preset_{name}").disabled
    address = {key: value[0] if isinstance(value, list) else value for key, value in app.query_params.items()}
    again = open_page("overview")
    again.switch_page("pages/training.py")
    for key, value in address.items():
        again.query_params[key] = value
    again.run()
    assert again.session_state["settings"] == PRESETS[name]
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
    beside = set(EXPLANATIONS) - {
        "epochs",
        "learning_rate",
        "batch_size",
        "hidden_layers",
        "validation_fraction",
        "seed",
    }
    assert all(EXPLANATIONS[name] in shown for name in beside)


def test_a_learning_rate_that_is_high_for_adam_is_said(open_page):
    app = open_page("training")
    app.selectbox(key="optimizer_choice").set_value("adamw").run()
    assert "0.5 is high for adamw: try 0.003" in texts(app.caption)
    app.number_input(key="learning_rate_field").set_value(0.003).run()
    assert "is high for" not in texts(app.caption)


def test_early_stopping_brings_its_validation_share_and_goes_with_it(open_page):
    app = open_page("training")
    app.number_input(key="patience_field").set_value(5).run()
    assert app.session_state["settings"] == TrainingConfig(patience=5, validation_fraction=0.1)
    app.number_input(key="validation_fraction_field").set_value(0.0).run()
    assert app.session_state["settings"] == TrainingConfig()


@pytest.fixture
def trained(make_run):
    """A run with two hidden layers, an optimizer with memory, and a schedule."""
    config = TrainingConfig(
        epochs=3,
        hidden_layers=(12, 8),
        optimizer="adam",
        learning_rate=0.01,
        schedule="one_cycle",
        validation_fraction=0.1,
    )
    return wait(start_run(config, load_dataset("sample")))


def test_charts_of_layers_and_learning_rate(open_page, trained):
    app = open_page("training")
    charts = app.button_group(key="charts")
    charts.set_value("Layers").run()
    gradients, activations, flat = app.get("vega_lite_chart")
    names = {point["set"] for point in points(gradients)}
    assert names == {"layer 1", "layer 2", "output"} == {point["set"] for point in points(activations)}
    assert {point["set"] for point in points(flat)} == {"layer 1", "layer 2"}
    assert points(gradients)[0]["epoch"] == 0
    app.button_group(key="charts").set_value("Learning rate").run()
    (rate,) = app.get("vega_lite_chart")
    used = [point["value"] for point in points(rate) if point["set"] == "used"]
    assert used == pytest.approx([row.learning_rate for row in trained.metrics()])
    assert max(point["value"] for point in points(rate)) == pytest.approx(0.01, rel=0.01)


def test_mini_batches_smoothing_and_logarithm(open_page, trained):
    app = open_page("training")
    app.toggle(key="show_batches").set_value(False).run()
    app.toggle(key="logarithmic").set_value(True).run()
    app.slider(key="smoothing").set_value(0.5).run()
    loss, accuracy = app.get("vega_lite_chart")
    assert spec(loss)["layer"][0]["encoding"]["y"]["scale"]["type"] == "log"
    assert "type" not in spec(accuracy)["layer"][0]["encoding"]["y"]["scale"]
    rows = trained.metrics()
    smoothed = [point["value"] for point in points(loss) if (point["set"], point["kind"]) == ("training", "plain")]
    assert smoothed == pytest.approx(smooth([row.train_loss for row in rows], 0.5))
    raw = [point["value"] for point in points(loss) if (point["set"], point["kind"]) == ("training", "faint")]
    assert raw == pytest.approx([row.train_loss for row in rows])


def test_smoothing_is_a_debiased_moving_average():
    assert smooth([3.0, 3.0, 3.0], 0.9) == pytest.approx([3, 3, 3])
    assert smooth([1.0, 5.0], 0.0) == [1, 5]
    assert smooth([0.0, 1.0], 0.5) == pytest.approx([0, 2 / 3])


def test_a_loss_of_zero_is_left_out_of_a_logarithmic_axis(finished):
    rows = [row._replace(train_loss=0.0) for row in finished.metrics()]
    chart = curve(rows, "loss", "loss", 2, look=Look(logarithmic=True))
    assert (chart.data["set"] == "validation").all()


def test_a_run_that_stopped_early_says_which_model_was_kept(open_page, make_run):
    config = TrainingConfig(epochs=50, patience=3, validation_fraction=0.1)
    make_run(config, state="finished", epoch=9, test_accuracy=0.9, test_loss=0.3)
    app = open_page("training")
    assert "in 3 epochs the validation loss had not improved, so the model of epoch 6 was kept" in texts(app.info)
    assert not [button for button in app.button if button.key == "train_more"]


def test_a_run_from_before_layer_statistics_says_so(open_page, finished):
    (finished.path / "layers.csv").unlink()
    app = open_page("training")
    app.button_group(key="charts").set_value("Layers").run()
    assert "has no layer statistics" in texts(app.caption)
