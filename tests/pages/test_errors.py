"""Errors of pages, callbacks, fragments and dialogs are said in a sentence, and the page stays."""

import shutil

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.jobs import job
from mnist_core.runs import schema
from mnist_core.runs.files import worker_lock
from tests.helpers import by_label, full_disk, unescaped


def script():
    import streamlit as st

    from mnist_core.errors import RunError
    from pages.components.errors import callback, errors_shown, fragment

    def fail(what):
        raise RunError(f"The {what} failed: try again.")

    with errors_shown():
        st.button("In the callback", on_click=callback(fail), args=("callback",))
        fragment(lambda: st.button("In the fragment") and fail("fragment"))()
        if st.button("In the page"):
            fail("page")
        st.text("the page goes on")


@pytest.mark.parametrize("where", ["callback", "fragment", "page"])
def test_an_error_is_said_once_and_the_page_stays(where):
    app = AppTest.from_function(script).run()
    by_label(app.button, f"In the {where}").click().run()
    assert [error.value for error in app.error] == [f"The {where} failed: try again."]
    assert len(app.button) == 3
    assert [text.value for text in app.text] == ([] if where == "page" else ["the page goes on"])
    app.run()
    assert not app.error


def live_script():
    import streamlit as st

    from mnist_core.errors import RunError
    from pages.components.errors import callback, fragment

    def fail():
        raise RunError("It *failed*: try again.")

    fragment(lambda: st.button("Fail", on_click=callback(fail)), run_every=1.0)()


def test_an_error_of_a_live_fragment_outlives_its_next_tick():
    app = AppTest.from_function(live_script).run()
    app.button[0].click().run()
    assert not app.error, "the next tick would take it away"
    (toast,) = app.toast  # stays for ten seconds, whatever is drawn
    assert unescaped([toast]) == "It *failed*: try again."
    app.run()
    assert not app.toast
    assert not app.error


def disk_script():
    import errno

    import streamlit as st

    from pages.components.errors import callback, dialog, errors_shown, fragment

    def fail(where):
        raise OSError(errno.ENOSPC, "No space left on device", f"/{where}")

    with errors_shown():
        st.button("In the callback", on_click=callback(fail), args=("callback",))
        st.text_input("In the change", on_change=callback(fail), args=("change",))
        fragment(lambda: st.button("In the fragment") and fail("fragment"))()
        if st.button("In the dialog"):
            dialog("Dialog")(lambda: fail("dialog"))()
        if st.button("In the page"):
            fail("page")


@pytest.mark.parametrize("where", ["callback", "fragment", "dialog", "page"])
def test_an_error_of_the_disk_is_said_in_a_sentence_and_the_page_stays(where):
    app = AppTest.from_function(disk_script).run()
    by_label(app.button, f"In the {where}").click().run()
    assert [unescaped([error]) for error in app.error] == [
        f"Can't use /{where} (No space left on device): free some space on its disk, then try again."
    ]
    app.run()
    assert not app.error
    app.text_input[0].set_value("x").run()
    assert len(app.error) == 1
    assert len(app.button) == 4


@pytest.mark.parametrize("verb", ["pause", "stop"])
def test_a_full_disk_keeps_the_training_page_in_place(open_page, make_run, monkeypatch, verb):
    run = make_run(state="running", epoch=3)
    with worker_lock(run.path):
        app = open_page("training")
        monkeypatch.setattr(job, "write_atomically", full_disk)
        app.button(key=verb).click().run()
    assert f"Can't write to {run.path} (No space left on device)" in app.error[0].value
    assert not app.button(key=verb).disabled
    monkeypatch.undo()


def test_a_run_deleted_before_stop_is_clicked_keeps_the_training_page_in_place(open_page, finished, make_run):
    lost = make_run(state="running", epoch=3)
    app = open_page("training")
    shutil.rmtree(lost.path)
    app.button(key="stop").click().run()
    assert lost.id in unescaped(app.warning)
    assert app.selectbox(key="run_picker").value == finished.id


def test_a_full_disk_keeps_the_runs_page_in_place(open_page, finished, monkeypatch):
    app = open_page("runs", runs=finished.id)
    app.button(key=f"edit_{finished.id}").click().run()
    app.text_input(key=f"name_{finished.id}").set_value("kept")
    monkeypatch.setattr(schema, "write_json", full_disk)
    by_label(app.button, "Save").click().run()
    assert "(No space left on device)" in app.error[0].value
    assert app.button(key=f"edit_{finished.id}")


def test_a_run_deleted_elsewhere_keeps_the_runs_page_in_place(open_page, finished, make_run):
    other = make_run(state="stopped")
    app = open_page("runs", runs=other.id)
    app.button(key="delete").click().run()
    shutil.rmtree(other.path)
    app.button(key="delete_confirmed").click().run()
    assert f"Run {other.id}" in app.error[0].value
    assert len(app.dataframe[0].value) == 1
