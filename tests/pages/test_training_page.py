"""Training: settings, start, and every state of a run."""

import json
import shutil
from dataclasses import asdict, replace
from itertools import product

import numpy as np
import pytest

from mnist_core.data.batches import split_validation
from mnist_core.data.dataset import load_dataset
from mnist_core.jobs.queue import ticket_of
from mnist_core.jobs.start import start_run
from mnist_core.runs.files import write_json
from mnist_core.runs.run import list_runs
from mnist_core.training.config import TrainingConfig
from mnist_core.untrusted import UntrustedText
from pages.components.charts.curves import Look, curve, horizon, smooth
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


def test_the_count_of_images_is_what_is_trained_on(open_page, tiny_folder):
    app = open_page("overview")
    use_folder(app, tiny_folder(train=4, test=3, classes=2))
    app.switch_page("pages/training.py").run()
    app.number_input(key="validation_fraction_field").set_value(0.1).run()
    training, validation = split_validation(4, 0.1, TrainingConfig().seed)
    assert (len(training), len(validation)) == (3, 1)
    assert "3 images · 1 update per epoch · 100 in total" in texts(app.markdown)


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
    said = (
        "Stopped before the end of the first epoch" if run.status.test_accuracy is None else "accuracy on the test set"
    )
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
    assert progress(app) == "epoch 5 of 100 · 3 min 23 s left · 1,889 images per second · 9 s so far"
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
            {"state": "failed", "error": UntrustedText("The disk is full: free some space.")},
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


def test_a_waiting_run_shows_its_place(open_page, make_run):
    run = make_run(state="queued")
    queue = run.path.parent / ".queue"
    queue.mkdir()
    for ticket in (ticket_of(0, "an-earlier-one"), ticket_of(1, run.id)):
        (queue / f"{ticket}.lock").touch()
    assert progress(open_page("training")) == "number 2 in the queue: starts when a run before it ends"


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
    gradients, activations, saturated, dead = app.get("vega_lite_chart")
    names = {point["set"] for point in points(gradients)}
    assert names == {"layer 1", "layer 2", "output"} == {point["set"] for point in points(activations)}
    for chart in (saturated, dead):
        assert {point["set"] for point in points(chart)} == {"layer 1", "layer 2"}
    assert points(gradients)[0]["epoch"] == 0
    app.button_group(key="charts").set_value("Learning rate").run()
    (rate,) = app.get("vega_lite_chart")
    recorded = [point["value"] for point in points(rate) if point["set"] == "recorded"]
    assert recorded == pytest.approx([row.learning_rate for row in trained.metrics()])
    used = {point["epoch"]: point["value"] for point in points(rate) if point["set"] == "used"}
    assert min(used) == 0
    assert used[0] == pytest.approx(0.01 / 25), "the warm-up is seen from its start"
    assert used[max(used)] == pytest.approx(0.01 / 100)
    assert max(used.values()) == pytest.approx(0.01)
    assert len([epoch for epoch in used if epoch < 0.9]) > 50, "the rise within the first epoch is seen"


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
    assert "the validation loss had not improved for 3 epochs, so the model of epoch 6 was kept" in texts(app.info)
    assert not [button for button in app.button if button.key == "train_more"]


def test_a_run_from_before_layer_statistics_says_so(open_page, finished):
    (finished.path / "layers.csv").unlink()
    app = open_page("training")
    app.button_group(key="charts").set_value("Layers").run()
    assert "has no layer statistics" in texts(app.caption)


def test_the_picker_gives_a_run_that_ends_its_new_label_and_knows_the_old_one(open_page, make_run, finished):
    run = make_run(state="running", epoch=1)
    app = open_page("training", run=run.id)
    picker = app.selectbox(key="run_picker")
    before = picker.proto.raw_value
    assert before.endswith("active")
    write_json(run.path / "status.json", asdict(replace(run.status, state="stopped")))
    app.run()
    picker = app.selectbox(key="run_picker")
    assert picker.proto.set_value
    assert picker.proto.raw_value == before.replace("active", "stopped")
    app.query_params["run"] = before
    app.run()
    assert app.query_params["run"] == run.id
    assert app.selectbox(key="run_picker").value == run.id
    assert "There is no run" not in texts(app.warning)
