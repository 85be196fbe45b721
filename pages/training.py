"""Training: set the hyperparameters, start, and watch the loss fall."""

import math

import streamlit as st

from mnist_core.assignment.own_runs import start_again
from mnist_core.data.batches import epoch_batches, validation_size
from mnist_core.data.dataset import Dataset
from mnist_core.errors import counted
from mnist_core.jobs.job import read_request
from mnist_core.jobs.queue import place_in_queue
from mnist_core.jobs.start import request, resume_run, start_run
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import Network, num_parameters
from mnist_core.nn.optimizers import SGD
from mnist_core.runs.run import Run, find_run, list_runs
from mnist_core.runs.status import RESUMABLE
from mnist_core.runs.tables import Rows
from mnist_core.training.config import TrainingConfig
from mnist_core.training.divergence import has_diverged, with_shorter_steps
from mnist_core.training.layer_statistics import MEASURES
from mnist_core.training.loop import train
from mnist_core.training.memory import DataSize, check_memory, layer_sizes
from mnist_core.untrusted import UntrustedText
from pages.components.charts.curves import Look, curve, layer_chart, learning_rate_chart
from pages.components.code import code_behind
from pages.components.data import current_dataset
from pages.components.errors import callback, errors_shown, fragment, show_error
from pages.components.router import page
from pages.components.runs.diagnosis import diagnosis_of, show_diagnosis
from pages.components.runs.implementation import show_implementation, why_no_more
from pages.components.runs.outcome import (
    duration,
    epoch_of_model,
    fraction_done,
    images_per_second,
    kept_epoch,
    other_epoch,
    seconds_left,
)
from pages.components.runs.picker import architecture, pick_run, say_left_out, select_run, state_badge
from pages.components.settings import command_line, edit_settings
from pages.components.state import NumberIn, OneOf, parse_bool, remembered

REFRESH_SECONDS = 1.0
CHARTS = ("Curves", "Layers", "Learning rate")
MOST_EPOCHS = 10_000
MOST_SMOOTHING = 0.95


def show_start(config: TrainingConfig, dataset: Dataset, runs: list[Run]) -> None:
    """Describe the next run, and start it."""
    data = DataSize.of(dataset)
    check_memory(config, data)
    sizes, total = layer_sizes(config, data), data.images
    images = total - validation_size(total, config.validation_fraction)
    updates = -(-images // config.batch_size)
    st.markdown(
        f"**{architecture(sizes)}** · {num_parameters(sizes):,} parameters · "
        f"{ACTIVATIONS[config.activation].label}  \n"
        f"{counted(images, 'image')} · {counted(updates, 'update')} per epoch · {updates * config.epochs:,} in total"
    )
    busy = any(run.status.active for run in runs)
    known = any(run.config == config and run.status.test_accuracy is not None for run in runs)
    label = "Start another run" if busy else "Start training"
    if st.button(
        label, type="secondary" if busy or known else "primary", icon=":material/play_arrow:", width="stretch"
    ):
        run = start_run(config, dataset)
        select_run(run)
        st.rerun()


def watch(run_id: str, was_active: bool) -> None:
    """Show a run; redrawn every second while it is active."""
    show_run(find_run(run_id), was_active)


def show_run(run: Run, was_active: bool) -> None:
    """Progress, state and charts of a run."""
    if was_active != run.status.active:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        state_badge(run)
        st.markdown(_settings_line(run))
    with st.container():  # always there, as the next one, so that what comes and goes leaves the charts in their place
        show_implementation(run)
    show_progress(run)
    found = diagnosis_of(run)
    with st.container():
        show_message(run)
        show_diagnosis(run, found)
    show_charts(run)


def _settings_line(run: Run) -> str:
    config = run.config
    hidden = architecture(config.hidden_layers) or "none"
    return (
        f"hidden layers {hidden} · learning rate {config.learning_rate:g} · batch size {config.batch_size} · "
        f"seed {config.seed} · {' · '.join([*config.describe(), str(run.dataset.name)])}"
    )


def show_progress(run: Run) -> None:
    """Progress bar with epoch, time left and speed, and the Stop button."""
    status, epochs = run.status, run.epochs
    text = f"epoch {min(status.epoch + status.active, epochs)} of {epochs}"
    if status.state == "queued":
        place = place_in_queue(run.path.parent, run.id)
        text = f"number {place} in the queue: starts when a run before it ends" if place else "starting …"
    elif status.seconds:
        if status.active and (left := seconds_left(status, epochs)) is not None:
            text += f" · {duration(left)} left"
        if speed := images_per_second(status, epochs):
            text += f" · {speed:,.0f} images per second"
        text += f" · {duration(status.seconds)} {'so far' if status.active else 'in total'}"
    st.progress(min(fraction_done(status, epochs), 1.0), text)
    show_controls(run)


def show_controls(run: Run) -> None:
    """Buttons to pause, stop, resume or extend the run."""
    state = run.status.state
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if run.status.active:
            asked = read_request(run.path / "control")
            for verb, icon in (("pause", ":material/pause:"), ("stop", ":material/stop:")):
                label = {"pause": "Pausing …", "stop": "Stopping …"}[verb] if asked == verb else verb.capitalize()
                st.button(label, icon=icon, disabled=bool(asked), key=verb, on_click=callback(ask), args=(run, verb))
        elif reason := why_no_more(run):
            st.caption(reason)
        elif state in RESUMABLE:
            if state != "failed" or not offer_remedy(run):
                st.button("Resume", icon=":material/resume:", key="resume", on_click=callback(resume_run), args=(run,))
        elif state == "finished" and not run.stopped_early:
            more = remembered("more_epochs", 10, parse=NumberIn(1, MOST_EPOCHS))
            st.number_input("More epochs", 1, MOST_EPOCHS, width=140, **more.widget)
            st.button(
                f"Train {counted(more.value, 'more epoch')}", icon=":material/add:", key="train_more",
                on_click=callback(resume_run), args=(run, more.value),
            )  # fmt: skip


def offer_remedy(run: Run) -> bool:
    """Offer what a failure calls for, if it is more than to go on; return whether it is."""
    error = run.status.error
    config = with_shorter_steps(run.config) if error and has_diverged(error.plain) else None
    if config is None:
        return False
    label = f"Start again with learning rate {config.learning_rate:g}"
    if st.button(label, type="primary", icon=":material/restart_alt:", key=f"again_{run.id}"):
        select_run(start_again(run, config))
        st.rerun()
    return True


def ask(run: Run, verb: str) -> None:
    """Ask a run to pause or stop, unless it has just ended."""
    if run.refresh().status.active:
        request(run, verb)


def show_message(run: Run) -> None:
    """How an ended run ended, and where to continue."""
    status = run.status
    if status.state == "failed":
        show_error(status.error or UntrustedText("It failed without saying why: see log.txt in its folder."))
    elif status.state == "interrupted":
        st.warning(
            f"The training process ended unexpectedly {'after' if status.epoch else 'before the end of'} epoch "
            f"{max(status.epoch, 1)}, for example because the computer was switched off. Press Resume to continue from "
            "the last checkpoint; the result is the same.",
            icon=":material/power_off:",
        )
    elif run.stopped_early:
        st.info(
            f"Stopped early: the validation loss had not improved for {counted(run.config.patience, 'epoch')}, so the "
            f"model of epoch {other_epoch(run)} was kept.",
            icon=":material/verified:",
        )
    if status.test_accuracy is None:
        if status.state == "stopped":
            st.info(
                f"Stopped after {counted(status.epoch, 'epoch')}, before the model was tested: Evaluation tests it."
                if status.epoch
                else "Stopped before the end of the first epoch, so there is nothing to evaluate.",
                icon=":material/info:",
            )
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        kept = "" if run.stopped_early else epoch_of_model(run)
        st.markdown(
            f"**{status.test_accuracy:.2%}** accuracy on the test set of {run.dataset.name}" + f". {kept}" * bool(kept)
        )
        if st.button("See its errors", type="primary", icon=":material/fact_check:", key=f"errors_{run.id}"):
            select_run(run)
            st.switch_page("pages/evaluation.py")


def show_charts(run: Run) -> None:
    """Loss and accuracy, statistics of the layers, or the learning rate."""
    shown = remembered("charts", CHARTS[0], url="chart", parse=OneOf(CHARTS))
    st.segmented_control("Charts", CHARTS, label_visibility="collapsed", required=True, **shown.widget)
    if shown.value == "Layers":
        show_layers(run)
    elif shown.value == "Learning rate":
        show_learning_rate(run)
    else:
        show_curves(run)


def show_learning_rate(run: Run) -> None:
    """The learning rate of every update so far, and of those to come."""
    status, rows = run.status, run.metrics()
    epochs = run.epochs if status.active or not rows else rows[-1].epoch
    done = fraction_done(status, run.epochs) * run.epochs if status.active else len(rows) and rows[-1].epoch
    updates = -(-status.images_total // run.config.batch_size)
    st.altair_chart(learning_rate_chart(rows, run.config, done, epochs, updates), key="rate_chart")
    st.caption(
        "Learning rate of each update. Dots: as recorded with the last mini-batch of an epoch. Faint: still to come."
        + (" Additional epochs use the final learning rate." if status.more_epochs else "")
    )


def pick_look() -> tuple[bool, Look]:
    """Draw the switches of the curves; return whether mini-batches are shown, and the look."""
    batches = remembered("show_batches", True, url="batches", parse=parse_bool)
    logarithmic = remembered("logarithmic", False, url="log", parse=parse_bool)
    smoothing = remembered("smoothing", 0.0, url="smooth", parse=NumberIn(0.0, MOST_SMOOTHING))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.toggle("Mini-batches", help="Also draw the loss of each mini-batch, faintly.", **batches.widget)
        st.toggle("Log scale", help="Draw the loss on a logarithmic axis.", **logarithmic.widget)
        st.slider(
            "Smoothing", 0.0, MOST_SMOOTHING, step=0.05, width=200,
            help="Exponential moving average: the weight of the previous points.", **smoothing.widget,
        )  # fmt: skip
    return batches.value, Look(smoothing.value, logarithmic.value)


def show_curves(run: Run) -> None:
    """Loss and accuracy over the epochs."""
    rows = run.metrics()
    epochs = run.epochs if run.status.active or not rows else rows[-1].epoch
    batches, look = pick_look()
    steps = run.steps() if batches else Rows()
    kept = kept_epoch(run)
    loss = curve(rows, "loss", "loss (cross-entropy, nats)", epochs, look=look, steps=steps, kept=kept)
    st.altair_chart(loss, key="loss_chart")
    accuracy = curve(rows, "accuracy", "accuracy", epochs, percent=True, look=Look(look.smoothing), kept=kept)
    st.altair_chart(accuracy, key="accuracy_chart")
    say_left_out(rows, steps)
    if rows:
        last = rows[-1]
        text = f"After epoch {last.epoch}: training loss {last.train_loss:.4f} nats"
        text += f", training accuracy {last.train_accuracy:.2%}"
        if not math.isnan(last.val_loss):
            text += f", validation loss {last.val_loss:.4f} nats, validation accuracy {last.val_accuracy:.2%}"
        augmented = ", on augmented images" if run.config.augmentation else ""
        dropped = ", with dropout" if run.config.dropout else ""
        st.caption(
            f"{text}. Training loss and accuracy are means over the mini-batches of the epoch, before each update"
            f"{augmented}{dropped}."
        )
    else:  # below the charts, which keep their place when it goes
        st.caption("The curves start after the first epoch." if run.status.active else "No epoch was completed.")


def show_layers(run: Run) -> None:
    """Gradients, activations, and units without slope of each layer."""
    rows = run.layers()
    if not rows:
        st.caption("This run has no layer statistics.")
        return
    names = [*(f"layer {layer + 1}" for layer in range(len(run.config.hidden_layers))), "output"]
    for measure in MEASURES:
        if any(not math.isnan(getattr(row, measure.name)) for row in rows):
            chart = layer_chart(rows, measure.name, measure.label, names, measure.logarithmic)
            st.altair_chart(chart, key=f"{measure.name}_chart")
            st.caption(measure.explanation)
    say_left_out(rows)


with page(__file__):
    dataset = current_dataset()
    runs = [run for run in list_runs() if not run.problem]
    st.title("Training")
    monitor, settings = st.columns([1.55, 1], gap="large")
    with monitor:
        if runs:
            run = pick_run(runs, "Run")
            every = REFRESH_SECONDS if run.status.active else None
            fragment(watch, run_every=every)(run.id, run.status.active)
        else:
            with st.container(border=True):
                st.markdown("#### No run yet")
                st.markdown(
                    "Press **Start training** to train the reference network, or choose a preset or move the sliders "
                    "first. Its loss and accuracy will appear here."
                )
    with settings, st.container(border=True):
        st.markdown("**The next run**")
        start = st.container()
        config = edit_settings()
        with st.expander("As a command line", icon=":material/terminal:"):
            st.code(command_line(config, dataset), language="sh", wrap_lines=True)
            st.caption("The address of this page contains the settings too: share it as a link.")
        with start, errors_shown():
            show_start(config, dataset, runs)

    code_behind(
        train,
        Network.forward_pass,
        Network.deltas,
        Network.deltas_below,
        Network.back_propagate,
        SGD.step,
        epoch_batches,
    )
