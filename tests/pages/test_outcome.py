"""What became of a run, as the pages say it: its model's epoch, why there is no model, speed, and what it is worth."""

from dataclasses import replace

import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.jobs.start import start_run
from mnist_core.runs.files import write_npz
from mnist_core.runs.model_epoch import model_epoch
from mnist_core.runs.run import list_runs
from mnist_core.runs.status import Status
from mnist_core.training.config import TrainingConfig
from mnist_core.untrusted import UntrustedText
from pages.components.runs.outcome import images_per_second, seconds_left
from tests.helpers import by_label, texts, unescaped, wait
from tests.pages.test_training_page import HEADER, spec

DIVERGED = UntrustedText(
    "The loss grew to 1,024 nats (guessing gives 2.3) in epoch 1: the steps are too long. Lower the learning rate "
    "(it is 0.5) and start again."
)


@pytest.fixture
def kept_earlier(make_run, finished):
    """A run of 4 epochs that trained all of them, whose second one was the best."""
    config = TrainingConfig(epochs=4, patience=3, validation_fraction=0.1)
    run = make_run(config, state="finished", epoch=4, seconds=2.0, test_accuracy=0.9, test_loss=0.3)
    losses = (0.5, 0.3, 0.4, 0.35)
    rows = [f"{epoch},0.5,0.9,{loss},0.9,0.5,0.5\n" for epoch, loss in enumerate(losses, start=1)]
    (run.path / "metrics.csv").write_text(HEADER + "".join(rows))
    write_npz(run.path / "model.npz", finished.load_network().to_arrays())
    assert model_epoch(run) == 2
    return run


def test_training_says_and_marks_the_epoch_of_the_model(open_page, kept_earlier):
    app = open_page("training", run=kept_earlier.id)
    sentence = "The model is the one after epoch 2 of 4, which has the lowest validation loss."
    assert sentence in texts(app.markdown)
    for chart in app.get("vega_lite_chart"):
        assert "rule" in str(spec(chart)), "the epoch is marked"


def test_a_run_whose_last_epoch_is_kept_has_no_mark(open_page, finished):
    app = open_page("training")
    assert "The model is the one" not in texts(app.markdown)
    assert not any("rule" in str(spec(chart)) for chart in app.get("vega_lite_chart"))


def test_evaluation_overview_and_runs_name_the_epoch_of_the_model(open_page, kept_earlier):
    app = open_page("evaluation", run=kept_earlier.id)
    (epochs,) = [metric for metric in app.metric if metric.label == "Epochs"]
    assert (epochs.value, epochs.delta) == ("4 of 4", "model of epoch 2")
    assert "4 of 4 epochs, model of epoch 2" in texts(open_page("overview").markdown)
    app = open_page("runs", runs=kept_earlier.id)
    table = app.dataframe[0].value.set_index("name")
    assert table.loc[kept_earlier.id, "model"] == 2
    assert "Diamonds mark the epoch" in texts(app.caption)


def test_a_run_that_still_trains_says_which_epoch_was_saved_last(open_page, make_run, finished):
    run = make_run(TrainingConfig(epochs=90), state="queued", epoch=50, model_epoch=45)
    write_npz(run.path / "model.npz", finished.load_network().to_arrays())
    app = open_page("evaluation", run=run.id)
    assert "The model is the one after epoch 45 of 50, the last one saved." in texts(app.caption)
    assert "rule" not in str([spec(chart) for chart in open_page("training", run=run.id).get("vega_lite_chart")])


NO_MODEL = {
    "queued": "yet",
    "running": "yet",
    "paused": "paused before its first epoch was complete",
    "stopped": "stopped before its first epoch was complete",
    "failed": "because it failed",
    "finished": "is missing from its folder",
}


@pytest.mark.parametrize("state", NO_MODEL)
@pytest.mark.parametrize("page", ["evaluation", "inside", "draw", "upload"])
def test_a_run_without_a_model_says_why(open_page, make_run, page, state):
    error = DIVERGED if state == "failed" else None
    make_run(state=state, error=error, epoch=int(state == "finished"))
    app = open_page(page)
    said = unescaped(app.error) + unescaped(app.info)
    assert NO_MODEL[state] in said
    assert ("yet" in said) == (state in ("queued", "running")), "nothing will come"
    if state == "failed":
        assert "the steps are too long" in said


def test_a_failed_run_without_a_reason_says_so(open_page, make_run):
    make_run(state="failed")
    assert "None" not in unescaped(open_page("evaluation").error)


def test_a_run_that_diverged_is_not_resumed_but_started_again_with_a_lower_rate(open_page, make_run):
    run = make_run(TrainingConfig(epochs=1, hidden_layers=(4,)), state="failed", error=DIVERGED)
    app = open_page("training")
    assert "Resume" not in [button.label for button in app.button]
    by_label(app.button, "Start again with learning rate 0.1").click().run()
    (again,) = [other for other in list_runs() if other.id != run.id]
    assert again.config == replace(run.config, learning_rate=0.1), "the one change"
    assert again.dataset.checksums == run.dataset.checksums
    assert app.selectbox(key="run_picker").value == again.id
    wait(again)


def test_a_run_that_ran_out_of_space_is_resumed(open_page, make_run):
    make_run(state="failed", error=UntrustedText("The disk is full: free some space."))
    labels = [button.label for button in open_page("training").button]
    assert "Resume" in labels
    assert not [label for label in labels if label.startswith("Start again")]


def test_a_resumed_run_leads_on_although_the_state_changes_in_the_fragment(open_page, finished):
    app = open_page("training")
    app.number_input(key="more_epochs").set_value(1).run()
    by_label(app.button, "Train 1 more epoch").click().run()
    assert wait(finished.refresh()).status.epoch == 3


@pytest.mark.parametrize(
    ("status", "speed", "left"),
    [
        (Status("running", images_total=5000, images_done=128, seconds=0.05, images_per_second=2400.0), None, None),
        (Status("running", images_total=5000, images_done=2500, seconds=1.9), None, None),
        (Status("running", images_total=5000, images_done=4000, seconds=2.0), 2000, 248),
        (Status("running", images_total=5000, epoch=5, seconds=0.25), 100_000, 4.75),
        (Status("running", images_total=5000, epoch=50, seconds=25), 10_000, 25),
        (Status("running", images_total=5000, epoch=50, seconds=0), None, None),
        (Status("running", images_total=0, epoch=0, seconds=9), None, None),
    ],
)
def test_speed_and_time_left_are_said_once_they_mean_something(status, speed, left):
    assert images_per_second(status, 100) == (speed and pytest.approx(speed))
    assert seconds_left(status, 100) == (left and pytest.approx(left))


def test_a_young_run_shows_no_estimate(open_page, make_run):
    make_run(state="running", images_done=128, images_total=5000, images_per_second=2400.0, seconds=0.05)
    (bar,) = open_page("training").get("progress")
    assert bar.proto.text == "epoch 1 of 100 · 0 s so far"


def test_a_run_no_better_than_guessing_says_so(open_page, make_run, finished):
    run = make_run(TrainingConfig(epochs=1), state="finished", epoch=1, test_accuracy=0.1, test_loss=2.3)
    network = finished.load_network()
    network.biases[-1][0] = 1e4  # everything is a 0
    write_npz(run.path / "model.npz", network.to_arrays())
    for page in ("training", "evaluation"):
        assert "than guessing" in texts(open_page(page, run=run.id).warning)
        assert "than guessing" not in texts(open_page(page, run=finished.id).warning)


def test_guessing_is_not_judged_without_the_data(open_page, make_run, tiny_folder):
    folder = tiny_folder(train=60, test=60)
    run = wait(start_run(TrainingConfig(epochs=1, hidden_layers=()), load_dataset("full", folder)))
    for file in folder.iterdir():
        file.unlink()
    app = open_page("training", run=run.id)
    assert "accuracy on the test set" in texts(app.markdown)
    assert "than guessing" not in texts(app.warning)


def test_a_run_stopped_untested_says_so(open_page, make_run):
    make_run(state="stopped", epoch=5)
    assert "Stopped after 5 epochs, before the model was tested" in texts(open_page("training").info)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00stop", b"stop\xff", b"", b"dance\n", b"stop" * 10**6])
def test_a_damaged_request_is_none(open_page, make_run, content):
    run = make_run(state="queued")  # which lasts 30 s without a process
    (run.path / "control").write_bytes(content)
    app = open_page("training")
    assert not app.button(key="stop").disabled


def test_a_single_unit_has_no_plural(open_page, make_run):
    config = TrainingConfig(epochs=1, patience=1, validation_fraction=0.1)
    make_run(replace(config, epochs=3), state="finished", epoch=2, test_accuracy=0.9, test_loss=0.3)
    assert "had not improved for 1 epoch, so the model of epoch 1 was kept" in texts(open_page("training").info)
    make_run(TrainingConfig(epochs=1), state="finished", epoch=1, test_accuracy=0.9, test_loss=0.3)
    assert "1 of 1 epoch " in texts(open_page("overview").markdown)
