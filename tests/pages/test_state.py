"""Remembered values: where they come from, where they are written, and that they survive what Streamlit forgets."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.state import NumberIn, OneOf, RangeIn, SomeOf, parse_bool, to_text


def script():
    import streamlit as st

    from pages.components.state import NumberIn, OneOf, RangeIn, SomeOf, parse_bool, remembered

    if st.session_state.get("other_page"):
        return
    errors_only = remembered("errors_only", False, url="errors", parse=parse_bool)
    unit = remembered("unit", 0, url="unit", parse=NumberIn(0, st.session_state.get("largest", 9)))
    confidence = remembered("confidence", (0.0, 1.0), url="confidence", parse=RangeIn(0.0, 1.0))
    states = remembered("states", [], url="states", parse=SomeOf(("finished", "stopped")))
    unseen = remembered("unseen", "counts", parse=OneOf(("counts", "row %")))
    st.toggle("Errors only", **errors_only.widget)
    st.number_input("Unit", 0, unit.value + 20, **unit.widget)
    st.slider("Confidence", 0.0, 1.0, **confidence.widget)
    st.multiselect("States", ("finished", "stopped"), **states.widget)
    st.selectbox("Unseen", ("counts", "row %"), **unseen.widget)
    st.button("Unit 5", on_click=unit.set, args=(5,))

    @st.fragment
    def part():
        layer = remembered("layer", 1, url="layer", parse=NumberIn(1, 3))
        st.slider("Layer", 1, 3, **layer.widget)
        st.text(f"layer {layer.value} of unit {unit.value}")

    part()
    st.text(f"{errors_only.value} {unit.value} {confidence.value} {states.value} {unseen.value}")
    if st.button("Unit 7, drawn again"):
        unit.set(7)
        st.rerun()


@pytest.fixture
def app():
    return AppTest.from_function(script)


def address(app):
    return {name: text if isinstance(text, str) else text[-1] for name, text in app.query_params.items()}


def shown(app):
    return app.text[-1].value


def test_defaults_are_shown_and_left_out_of_the_address(app):
    app.run()
    assert shown(app) == "False 0 (0.0, 1.0) [] counts"
    assert address(app) == {}
    assert not app.warning


def test_values_of_the_address_are_shown_by_the_widgets(app):
    given = {"errors": "yes", "unit": "3", "confidence": "0.25,0.5", "states": "stopped,finished", "layer": "2"}
    for name, text in given.items():
        app.query_params[name] = text
    app.run()
    assert shown(app) == "True 3 (0.25, 0.5) ['stopped', 'finished'] counts"
    assert app.toggle(key="errors_only").value is True
    assert app.number_input(key="unit").value == 3
    assert app.slider(key="confidence").value == (0.25, 0.5)
    assert app.multiselect(key="states").value == ["stopped", "finished"]
    assert app.slider(key="layer").value == 2
    assert address(app) == given


def test_what_widgets_and_buttons_choose_is_written_to_the_address(app):
    app.run()
    app.toggle(key="errors_only").set_value(True).run()
    app.slider(key="layer").set_value(3).run()
    app.button[0].click().run()
    assert app.number_input(key="unit").value == 5
    assert address(app) == {"errors": "yes", "layer": "3", "unit": "5"}
    app.number_input(key="unit").set_value(6).run()
    assert [text.value for text in app.text] == ["layer 3 of unit 6", "True 6 (0.0, 1.0) [] counts"]
    app.button[1].click().run()
    assert (app.number_input(key="unit").value, address(app)["unit"]) == (7, "7")
    app.number_input(key="unit").set_value(0).run()
    app.toggle(key="errors_only").set_value(False).run()
    assert address(app) == {"layer": "3"}


def test_everything_survives_a_page_that_does_not_draw_it(app):
    app.run()
    app.toggle(key="errors_only").set_value(True).run()
    app.selectbox(key="unseen").set_value("row %").run()
    app.session_state["other_page"] = True
    app.run()
    assert "errors_only" not in app.session_state
    app.query_params.clear()  # as Streamlit does on a page switch
    app.session_state["other_page"] = False
    app.run()
    assert shown(app) == "True 0 (0.0, 1.0) [] row %"
    assert app.toggle(key="errors_only").value is True
    assert address(app) == {"errors": "yes"}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("errors", "**maybe**", "expected yes or no"),
        ("unit", "10", "expected a whole number from 0 to 9"),
        ("unit", "1.5", "expected a whole number from 0 to 9"),
        ("unit", "٣٣", "expected a whole number from 0 to 9"),
        ("confidence", "0.5,0.2", "expected two numbers from 0.0 to 1.0, such as 0.0,1.0"),
        ("confidence", "nan,nan", "expected two numbers from 0.0 to 1.0"),
        ("states", "finished,lost", "expected one of finished, stopped"),
    ],
)
def test_a_bad_value_is_named_once_and_ignored(app, name, text, expected):
    app.query_params[name] = text
    app.run()
    (warning,) = app.warning
    said = warning.value.replace("\\", "")
    assert f"The address says {name}={text}, which is ignored: {expected}" in said
    assert "**" not in warning.value
    assert address(app) == {}
    assert shown(app) == "False 0 (0.0, 1.0) [] counts"
    app.run()
    assert not app.warning


def test_a_value_that_no_longer_exists_gives_way_to_the_default(app):
    app.run()
    app.number_input(key="unit").set_value(9).run()
    app.session_state["largest"] = 4
    app.run()
    assert not app.warning
    assert (app.number_input(key="unit").value, address(app)) == (0, {})


def test_a_request_that_left_the_browser_before_a_change_does_not_undo_it(app):
    app.query_params["unit"] = "2"
    app.run()
    app.number_input(key="unit").set_value(3).run()
    app.query_params["unit"] = "2"
    app.run()
    assert shown(app).startswith("False 3 ")
    assert address(app) == {"unit": "3"}


@pytest.mark.parametrize(
    ("value", "text", "parse"),
    [
        (True, "yes", parse_bool),
        ("row %", "row %", OneOf(("counts", "row %"))),
        ("any", "any", OneOf(("any", *range(10)))),
        (7, "7", OneOf(("any", *range(10)))),
        (["a", "b"], "a,b", SomeOf(("b", "a"))),
        ([], "", SomeOf(("b", "a"))),
        (0.1, "0.1", NumberIn(0.0, 1.0)),
        ((0.0, 0.95), "0,0.95", RangeIn(0.0, 1.0)),
    ],
)
def test_text_and_value_are_the_same(value, text, parse):
    assert to_text(value) == text
    assert parse(text) == value
