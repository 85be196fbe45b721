"""Training: set the hyperparameters, start, and watch the loss fall."""

import math

import streamlit as st

from mnist_core.data.batches import epoch_batches, validation_size
from mnist_core.data.dataset import Dataset
from mnist_core.jobs.queue import place_in_queue
from mnist_core.jobs.start import request, resume_run, start_run
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import Network
from mnist_core.nn.optimizers import SGD
from mnist_core.runs.run import Run, find_run, list_runs
from mnist_core.runs.status import RESUMABLE
from mnist_core.training.config import TrainingConfig
from mnist_core.training.loop import build_network, train
from pages.components.charts.curves import Look, curve, layer_chart, learning_rate_chart
from pages.components.code import code_behind
from pages.components.data import current_dataset
from pages.components.errors import callback, fragment, show_error
from pages.components.router import page
from pages.components.runs.picker import architecture, pick_run, select_run, state_badge
from pages.components.settings import command_line, edit_settings
from pages.components.state import NumberIn, OneOf, parse_bool, remembered

REFRESH_SECONDS = 1.0
CHARTS = ("Curves", "Layers", "Learning rate")
MOST_EPOCHS = 10_000
MOST_SMOOTHING = 0.95


def show_start(config: TrainingConfig, dataset: Dataset, runs: list[Run]) -> None:
    """Describe the next run, and start it."""
    network = build_network(config, dataset)
    total = len(dataset.train_labels)
    images = total - validation_size(total, config.validation_fraction)
    updates = -(-images // config.batch_size)
    st.markdown(
        f"**{architecture(network.layer_sizes)}** · {network.num_parameters:,} parameters · "
        f"{ACTIVATIONS[config.activation].label}  \n"
        f"{images:,} images · {updates:,} updates per epoch · {updates * config.epochs:,} in total"
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
    if was_active and not run.status.active:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        state_badge(run)
        st.markdown(_settings_line(run))
    show_progress(run)
    show_message(run)
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
    done = status.epoch + (status.images_done / status.images_total if status.images_total else 0)
    text = f"epoch {min(status.epoch + status.active, epochs)} of {epochs}"
    if status.state == "queued":
        place = place_in_queue(run.path.parent, run.id)
        text = f"number {place} in the queue: starts when a run before it ends" if place else "starting …"
    elif status.images_per_second:
        if status.active:
            text += f" · {duration((epochs - done) * status.images_total / status.images_per_second)} left"
        text += f" · {status.images_per_second:,.0f} images per second · {duration(status.seconds)} so far"
    st.progress(min(done / epochs, 1.0), text if status.active else text.replace(" so far", " in total"))
    show_controls(run)


def show_controls(run: Run) -> None:
    """Buttons to pause, stop, resume or extend the run."""
    state = run.status.state
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if run.status.active:
            asked = _asked(run)
            for verb, icon in (("pause", ":material/pause:"), ("stop", ":material/stop:")):
                label = {"pause": "Pausing …", "stop": "Stopping …"}[verb] if asked == verb else verb.capitalize()
                st.button(label, icon=icon, disabled=bool(asked), key=verb, on_click=callback(ask), args=(run, verb))
        elif state in RESUMABLE:
            if st.button("Resume", icon=":material/resume:", key="resume"):
                resume_run(run)
                st.rerun()
        elif state == "finished" and not run.stopped_early:
            more = remembered("more_epochs", 10, parse=NumberIn(1, MOST_EPOCHS))
            st.number_input("More epochs", 1, MOST_EPOCHS, width=140, **more.widget)
            if st.button(f"Train {more.value} more epochs", icon=":material/add:", key="train_more"):
                resume_run(run, more.value)
                st.rerun()


def ask(run: Run, verb: str) -> None:
    """Ask a run to pause or stop, unless it has just ended."""
    if run.refresh().status.active:
        request(run, verb)


def _asked(run: Run) -> str:
    try:
        return (run.path / "control").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def duration(seconds: float) -> str:
    """Write seconds as people say them, such as 45 s, 2 min 5 s or 1 h 20 min."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def show_message(run: Run) -> None:
    """How an ended run ended, and where to continue."""
    status = run.status
    if status.state == "failed":
        show_error(status.error)
    elif status.state == "interrupted":
        st.warning(
            f"The training process ended unexpectedly after epoch {status.epoch}, for example because the computer was "
            "switched off. Press Resume to continue from the last checkpoint; the result is the same.",
            icon=":material/power_off:",
        )
    elif run.stopped_early:
        st.info(
            f"Stopped early: the validation loss had not improved for {run.config.patience} epochs, so the model "
            f"of epoch {status.epoch - run.config.patience} was kept.",
            icon=":material/verified:",
        )
    if status.test_accuracy is None:
        if status.state == "stopped":
            st.info(
                "Stopped before the end of the first epoch, so there is nothing to evaluate.", icon=":material/info:"
            )
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{status.test_accuracy:.2%}** accuracy on the test set of {run.dataset.name}")
        if st.button("See its errors", type="primary", icon=":material/fact_check:"):
            select_run(run)
            st.switch_page("pages/evaluation.py")


def show_charts(run: Run) -> None:
    """Loss and accuracy, statistics of the layers, or the learning rate."""
    shown = remembered("charts", CHARTS[0], url="chart", parse=OneOf(CHARTS))
    st.segmented_control("Charts", CHARTS, label_visibility="collapsed", required=True, **shown.widget)
    if shown.value == "Layers":
        show_layers(run)
    elif shown.value == "Learning rate":
        rows = run.metrics()
        epochs = run.epochs if run.status.active or not rows else rows[-1].epoch
        st.altair_chart(learning_rate_chart(rows, run.config, epochs), key="rate_chart")
        more = " Additional epochs use the final learning rate." if run.status.more_epochs else ""
        st.caption(f"Learning rate at the end of each epoch; the faint line is the schedule.{more}")
    else:
        show_curves(run)


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
    if not rows:
        st.caption("The curves start after the first epoch." if run.status.active else "No epoch was completed.")
    epochs = run.epochs if run.status.active or not rows else rows[-1].epoch
    batches, look = pick_look()
    steps = run.steps() if batches else []
    loss = curve(rows, "loss", "loss (cross-entropy, nats)", epochs, look=look, steps=steps)
    st.altair_chart(loss, key="loss_chart")
    accuracy = curve(rows, "accuracy", "accuracy", epochs, percent=True, look=Look(look.smoothing))
    st.altair_chart(accuracy, key="accuracy_chart")
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


def show_layers(run: Run) -> None:
    """Gradients, activations and saturation of each layer."""
    rows = run.layers()
    if not rows:
        st.caption("This run has no layer statistics.")
        return
    count = len(run.config.hidden_layers)
    names = [*(f"layer {layer + 1}" for layer in range(count)), "output"]
    gradients = layer_chart(rows, "gradient_rms", "gradient (root mean square)", names, logarithmic=True)
    st.altair_chart(gradients, key="gradient_chart")
    st.caption(
        "Size of the gradient in each layer. If the first layers are orders of magnitude below the last, the gradients "
        "vanish on the way back: compare six sigmoid layers with six ReLU layers and He initialization."
    )
    st.altair_chart(
        layer_chart(rows, "activation_std", "activation (standard deviation)", names, False), key="activation_chart"
    )
    st.caption(
        "How much the activations of each layer vary across images and units. Near 0, the layer passes on no signal."
    )
    if count:
        st.altair_chart(layer_chart(rows, "saturated", "fraction saturated", names, False), key="saturated_chart")
        st.caption(
            "Fraction of hidden activations whose slope is below 5 % of the largest one: saturated or, in ReLU, dead."
        )


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
        with start:
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
