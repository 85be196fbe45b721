"""The table of all runs: filtered, sorted, and chosen from; the choice lives in the address as ``/runs?runs=a,b``."""

from datetime import datetime

import pandas as pd
import streamlit as st

from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.optimizers import OPTIMIZERS
from mnist_core.runs.run import Run
from pages.components.runs.picker import architecture

SELECTED = "selected_runs"
MAX_IN_ADDRESS = 100
COLUMNS = {
    "name": st.column_config.TextColumn("name", width="medium", help="Its name where it has one, else its id"),
    "state": st.column_config.TextColumn("state", width="small"),
    "accuracy": st.column_config.NumberColumn("test accuracy", format="%.2f %%", help="On the test set of its data"),
    "loss": st.column_config.NumberColumn("test loss", format="%.4f", help="Cross-entropy in nats"),
    "layers": st.column_config.TextColumn("hidden layers"),
    "activation": st.column_config.TextColumn("activation", width="small"),
    "optimizer": st.column_config.TextColumn("optimizer", width="small"),
    "rate": st.column_config.NumberColumn("learning rate", format="%g"),
    "batch": st.column_config.NumberColumn("batch", format="%d"),
    "epochs": st.column_config.TextColumn("epochs", help="Done of those asked for", width="small"),
    "seconds": st.column_config.NumberColumn("seconds", format="%.1f", help="Time of training"),
    "started": st.column_config.DatetimeColumn("started", format="D MMM YYYY, HH:mm:ss"),
    "tags": st.column_config.ListColumn("tags"),
    "note": st.column_config.TextColumn("note", width="medium"),
    "data": st.column_config.TextColumn("data set"),
}


def row(run: Run) -> dict:
    """What the table says of a run; a damaged one has a state and the reason alone."""
    facts = {
        "name": run.about.name or run.id,
        "state": run.status.state,
        "started": datetime.fromtimestamp(run.created),
    }
    facts |= {"tags": list(run.about.tags), "note": run.about.note}
    if run.problem:
        return {**facts, "note": run.problem}
    status, config = run.status, run.config
    return {
        **facts,
        "accuracy": None if status.test_accuracy is None else 100 * status.test_accuracy,
        "loss": status.test_loss,
        "layers": architecture(config.hidden_layers) or "none",
        "activation": ACTIVATIONS[config.activation].label,
        "optimizer": OPTIMIZERS[config.optimizer].label,
        "rate": config.learning_rate,
        "batch": config.batch_size,
        "epochs": f"{status.epoch} of {run.epochs}",
        "seconds": status.seconds,
        "data": run.dataset.name,
    }


def filter_runs(runs: list[Run]) -> list[Run]:
    """Draw the filters; return the runs that pass them all."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = (
            st.text_input("Filter", key="runs_text", placeholder="e.g. relu 300-100 adam", width=280).lower().split()
        )
        states = st.multiselect("State", sorted({run.status.state for run in runs}), key="runs_states", width=240)
        known = sorted({tag for run in runs for tag in run.about.tags})
        tags = st.multiselect("Tags", known, key="runs_tags", width=240, disabled=not known)
    runs = [run for run in runs if not states or run.status.state in states]
    runs = [run for run in runs if set(tags) <= set(run.about.tags)]
    return [run for run in runs if all(word in _text(run) for word in words)] if words else runs


def _text(run: Run) -> str:
    """All that the text filter looks at, in small letters."""
    return " ".join([run.id, *map(str, row(run).values())]).lower()


def read_selection(runs: list[Run]) -> list[str]:
    """Ids of the chosen runs that are there: those of the address, else those of this session."""
    there = {run.id for run in runs}
    wanted = st.session_state.get(SELECTED, [])
    if "runs" in st.query_params:
        wanted = list(dict.fromkeys(filter(None, st.query_params["runs"].split(","))))
        if missing := [run_id for run_id in wanted if run_id not in there]:
            st.warning(f"There is no run {', '.join(missing)} here (any more).", icon=":material/search_off:")
    return [run_id for run_id in wanted if run_id in there]


def write_selection(run_ids: list[str]) -> None:
    """Keep the choice in the session and in the address."""
    st.session_state[SELECTED] = run_ids
    if run_ids:
        st.query_params["runs"] = ",".join(run_ids[:MAX_IN_ADDRESS])
    else:
        st.query_params.pop("runs", None)


def select_runs(runs: list[Run]) -> list[Run]:
    """Draw filters and table; return the chosen runs in the order of choice, also those that the filters hide."""
    selected = read_selection(runs)
    shown = filter_runs(runs)
    if not shown:
        st.info("No run passes these filters: take one of them away.", icon=":material/filter_alt_off:")
    else:
        selected = _draw(shown, selected)
    write_selection(selected)
    if hidden := len(set(selected) - {run.id for run in shown}):
        st.caption(
            f"{hidden} of the {len(selected)} chosen runs {'is' if hidden == 1 else 'are'} hidden by the filters."
        )
    by_id = {run.id: run for run in runs}
    return [by_id[run_id] for run_id in selected]


def _draw(shown: list[Run], selected: list[str]) -> list[str]:
    """Draw the table; return the ids chosen in it and, first, those chosen before."""
    positions = {run.id: position for position, run in enumerate(shown)}
    # Rows are chosen by their position, so other rows are another table, which begins with the choice so far.
    key = f"runs_table_{hash(tuple(positions))}"
    if key not in st.session_state:
        rows = [positions[run_id] for run_id in selected if run_id in positions]
        st.session_state[key] = {"selection": {"rows": rows}}
    event = st.dataframe(
        pd.DataFrame([row(run) for run in shown], columns=list(COLUMNS)),
        hide_index=True,
        column_config=COLUMNS,
        height=38 + 35 * min(len(shown), 10),
        key=key,
        on_select="rerun",
        selection_mode="multi-row",
    )
    chosen = [shown[position].id for position in event.selection.rows if position < len(shown)]
    kept = [run_id for run_id in selected if run_id in chosen or run_id not in positions]
    return kept + [run_id for run_id in chosen if run_id not in kept]
