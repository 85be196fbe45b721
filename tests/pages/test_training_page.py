"""Training: settings, start, and every state of a run."""

import inspect
import json
import textwrap

import numpy as np
import pytest

from mnist_core.network import Network
from mnist_core.runs import list_runs
from mnist_core.training import TrainingConfig
from pages.components.charts import horizon
from tests.pages.conftest import by_label, texts, wait

HEADER = "epoch,train_loss,train_accuracy,val_loss,val_accuracy,learning_rate,seconds\n"


def progress(app):
    (bar,) = app.get("progress")
    return bar.proto.text


def test_without_runs_it_says_what_to_do_and_offers_the_reference_recipe(open_page):
    app = open_page("training")
    assert "No run yet" in texts(app.markdown)
    assert "**784-128-64-10** · 109,386 parameters" in texts(app.markdown)
    assert "4,000 images · 32 updates an epoch · 3,200 in all" in texts(app.markdown)
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


def test_no_hidden_layer_at_all(open_page):
    app = open_page("training")
    app.slider(key="depth_slider").set_value(0).run()
    assert "**784-10** · 7,850 parameters" in texts(app.markdown)


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
    assert f"**{run.status.test_accuracy:.2%}** accuracy on the test set of MNIST (sample of 5,000)" in texts(
        app.markdown
    )
    assert progress(app).startswith("epoch 2 of 2")
    assert f"training loss {run.metrics()[-1].train_loss:.4f} nats" in texts(app.caption)
    by_label(app.button, "What does it get wrong?").click().run()
    assert app.title[0].value == "Evaluation"
    assert app.selectbox(key="run_picker").value == run.id


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
        ({"state": "queued"}, "caption", "The curves begin when the first epoch is done."),
        ({"state": "stopped"}, "info", "Stopped before the first epoch was done"),
        (
            {"state": "failed", "error": "The disk is full: free some space."},
            "error",
            "The disk is full: free some space.",
        ),
        ({"state": "running", "epoch": 3, "heartbeat": 1.0}, "warning", "ended without a word after epoch 3"),
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
    assert "There is no run '20200101-000000-dead'" in app.warning[0].value
    assert app.selectbox(key="run_picker").value == finished.id


def test_the_curves_have_a_point_an_epoch_for_each_set(open_page, finished):
    app = open_page("training")
    charts = app.get("vega_lite_chart")
    assert len(charts) == 2
    assert [json.loads(chart.proto.spec)["encoding"]["x"]["scale"]["domain"] for chart in charts] == [[1, 2], [1, 2]]
    assert all(
        json.loads(chart.proto.spec)["encoding"]["color"]["scale"]["domain"] == ["training", "validation"]
        for chart in charts
    )
    last = finished.metrics()[-1]
    assert not np.isnan(last.val_loss)
    assert f"validation loss {last.val_loss:.4f} nats, validation accuracy {last.val_accuracy:.2%}" in texts(
        app.caption
    )


def test_the_code_behind_is_the_source(open_page):
    code = [block.value for block in open_page("training").code]
    assert textwrap.dedent(inspect.getsource(Network.back_propagate)).rstrip() in code


def test_the_epoch_axis_fits_the_curve():
    assert [horizon(done, 100) for done in (1, 6, 7, 12, 13, 24, 25, 100)] == [7, 13, 25, 25, 50, 50, 100, 100]
    assert horizon(1, 3) == 3
    assert all(done <= horizon(done, 5000) <= 5000 for done in range(1, 5001))
