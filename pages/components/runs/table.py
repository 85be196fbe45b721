"""The table of all runs: filter, sort and select; the selection is in the address as ``/runs?runs=a,b``."""

from datetime import datetime

import pandas as pd
import streamlit as st

from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.optimizers import OPTIMIZERS
from mnist_core.runs.model_epoch import model_epoch
from mnist_core.runs.run import Run
from mnist_core.untrusted import UntrustedText
from pages.components.runs.diagnosis import marks
from pages.components.runs.picker import architecture
from pages.components.state import Remembered, SomeOf, remembered
from pages.components.tables import table_height

COLUMNS = {
    "name": st.column_config.TextColumn("name", width="medium", help="The name of the run, or its id"),
    "state": st.column_config.TextColumn("state", width="small"),
    "diagnosis": st.column_config.TextColumn(
        "diagnosis",
        help="What keeps it from learning, or healthy. With very many runs, the newest are judged first.",
    ),
    "accuracy": st.column_config.NumberColumn("test accuracy", format="%.2f %%", help="Accuracy on the test set"),
    "loss": st.column_config.NumberColumn("test loss", format="%.4f", help="Cross-entropy in nats"),
    "layers": st.column_config.TextColumn("hidden layers"),
    "activation": st.column_config.TextColumn("activation", width="small"),
    "optimizer": st.column_config.TextColumn("optimizer", width="small"),
    "rate": st.column_config.NumberColumn("learning rate", format="%g"),
    "batch": st.column_config.NumberColumn("batch", format="%d"),
    "epochs": st.column_config.TextColumn("epochs", help="Completed of planned", width="small"),
    "model": st.column_config.NumberColumn(
        "model of epoch",
        format="%d",
        width="small",
        help="The epoch whose parameters are kept and tested: with early stopping, that of the lowest validation loss",
    ),
    "seconds": st.column_config.NumberColumn("seconds", format="%.1f", help="Training time"),
    "started": st.column_config.DatetimeColumn("started", format="D MMM YYYY, HH:mm:ss"),
    "tags": st.column_config.ListColumn("tags"),
    "note": st.column_config.TextColumn("note", width="medium"),
    "data": st.column_config.TextColumn("data set"),
}


def row(run: Run) -> dict:
    """One row of the table; a damaged run has only a state and the reason."""
    facts = {
        "name": run.about.name.plain or UntrustedText(run.id).plain,
        "state": run.status.state,
        "started": datetime.fromtimestamp(run.created),
    }
    facts |= {"tags": [tag.plain for tag in run.about.tags], "note": run.about.note.plain}
    if run.problem:
        return {**facts, "note": UntrustedText(run.problem).plain}
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
        "model": model_epoch(run),
        "seconds": status.seconds,
        "data": run.dataset.name.plain,
    }


def filter_runs(runs: list[Run], rows: dict[str, dict]) -> list[Run]:
    """Draw the filters, which are in the address; return the runs that pass all of them.

    Parameters
    ----------
    runs : list of Run
    rows : dict
        Their rows of the table by id, in whose text the words are searched.
    """
    states = sorted({run.status.state for run in runs})
    tags = sorted({tag.plain for run in runs for tag in run.about.tags})
    text = remembered("runs_text", "", url="filter")
    chosen_states = remembered("runs_states", [], url="state", parse=SomeOf(states))
    chosen_tags = remembered("runs_tags", [], url="tag", parse=SomeOf(tags))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Filter", placeholder="e.g. relu 300-100 adam", width=280, **text.widget)
        st.multiselect("State", states, width=240, **chosen_states.widget)
        st.multiselect("Tags", tags, width=240, disabled=not tags, **chosen_tags.widget)
    terms = text.value.lower().split()
    return [
        run
        for run in runs
        if (not chosen_states.value or run.status.state in chosen_states.value)
        and set(chosen_tags.value) <= {tag.plain for tag in run.about.tags}
        and (not terms or _has_all(terms, [run.id, *rows[run.id].values()]))
    ]


def _has_all(terms: list[str], facts: list) -> bool:
    text = " ".join(map(str, facts)).lower()
    return all(term in text for term in terms)


def _selection() -> Remembered:
    return remembered("selected_runs", [], url="runs", parse=_parse_ids)


def _parse_ids(text: str) -> list[str]:
    return list(dict.fromkeys(filter(None, text.split(","))))


def read_selection(runs: list[Run]) -> list[str]:
    """Ids of the selected runs that exist; a warning names the others."""
    known = {run.id for run in runs}
    chosen = _selection().value
    if missing := [run_id for run_id in chosen if run_id not in known]:
        st.warning(
            UntrustedText(f"There is no run {', '.join(missing)} here. It may have been deleted.").markdown,
            icon=":material/search_off:",
        )
    return [run_id for run_id in chosen if run_id in known]


def write_selection(run_ids: list[str]) -> None:
    """Select runs, in the session and in the address."""
    _selection().set(list(dict.fromkeys(run_ids)))


def add_to_selection(run_ids: list[str]) -> None:
    """Select further runs."""
    write_selection([*_selection().value, *run_ids])


def select_runs(runs: list[Run]) -> list[Run]:
    """Draw filters and table; return the selected runs in the order of selection, hidden ones included."""
    selected = read_selection(runs)
    rows = {run.id: row(run) for run in runs}
    shown = filter_runs(runs, rows)
    if not shown:
        st.info("No run matches these filters: remove one of them.", icon=":material/filter_alt_off:")
    else:
        selected = _draw(shown, rows, selected)
    write_selection(selected)
    if hidden := len(set(selected) - {run.id for run in shown}):
        st.caption(
            f"{hidden} of the {len(selected)} selected runs {'is' if hidden == 1 else 'are'} hidden by the filters."
        )
    by_id = {run.id: run for run in runs}
    return [by_id[run_id] for run_id in selected]


def _draw(shown: list[Run], rows: dict[str, dict], selected: list[str]) -> list[str]:
    """Draw the table; return the ids selected before, then those newly selected in it."""
    positions = {run.id: position for position, run in enumerate(shown)}
    # Rows are selected by position, so other rows make another table, which starts with the selection so far.
    key = f"runs_table_{hash(tuple(positions))}"
    if key not in st.session_state:
        ticked = [positions[run_id] for run_id in selected if run_id in positions]
        st.session_state[key] = {"selection": {"rows": ticked}}
    event = st.dataframe(
        pd.DataFrame([rows[run.id] for run in shown], columns=list(COLUMNS)).assign(diagnosis=marks(shown)),
        hide_index=True,
        column_config=COLUMNS,
        height=table_height(len(shown), 10),
        key=key,
        on_select="rerun",
        selection_mode="multi-row",
    )
    chosen = [shown[position].id for position in event.selection.rows if position < len(shown)]
    kept = [run_id for run_id in selected if run_id in chosen or run_id not in positions]
    return kept + [run_id for run_id in chosen if run_id not in kept]
