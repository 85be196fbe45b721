"""Step by step: every step draws, and shows the numbers of the core."""

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.nn.network import Network
from mnist_core.nn.walkthrough import checked_positions, parameter_name, walk_through
from pages.components.tables import format_number
from tests.helpers import by_label, html, texts

STEPS = 9
SMALL, REFERENCE = (784, 6, 4, 10), (784, 128, 64, 10)


def walk_of(seed=0, rate=0.5, sizes=SMALL):
    """The walk that the page takes."""
    sample = load_dataset("sample")
    chosen = np.random.default_rng(seed).choice(len(sample.train_labels), 4, replace=False)
    network = Network(sizes, dtype=np.float64)
    return walk_through(network, sample.train_images[chosen], sample.train_labels[chosen], rate)


def open_step(open_page, step):
    app = open_page("step_by_step")
    for _ in range(step - 1):
        by_label(app.button, "Next step").click().run()
    return app


def shows(app, numbers, digits=3):
    """Whether all these numbers stand on the page, one after the other in each row."""
    page = html(app)
    for row in np.atleast_2d(numbers):
        cells = [f">{format_number(value, digits)}</td>" for value in row]
        position = -1
        for cell in cells:
            position = page.find(cell, position + 1)
            if position < 0:
                return False
    return True


def test_next_and_back_lead_through_all_steps(open_page):
    app = open_page("step_by_step")
    titles = []
    for step in range(1, STEPS + 1):
        assert "".join(app.query_params.get("step", "1")) == str(step)
        assert f"Step {step} of {STEPS}" in texts(app.caption)
        assert len(app.latex) == 1 and len(app.code) >= 1
        titles.append(app.subheader[0].value)
        assert by_label(app.button, "Back").disabled == (step == 1)
        assert by_label(app.button, "Next step").disabled == (step == STEPS)
        if step < STEPS:
            by_label(app.button, "Next step").click().run()
    assert [title.split(" · ")[0] for title in titles] == [str(step) for step in range(1, STEPS + 1)]
    by_label(app.button, "Back").click().run()
    assert "".join(app.query_params["step"]) == "8"
    assert app.subheader[0].value == titles[-2]


def test_the_step_of_the_address_is_shown_and_a_wrong_one_is_named(open_page):
    app = open_page("overview")
    app.query_params["step"] = "4"
    app.switch_page("pages/step_by_step.py").run()
    assert app.subheader[0].value.startswith("4 · ")
    for wrong in ("0", "10", "x", "²"):
        app.query_params["step"] = wrong
        app.run()
        assert f"step={wrong}, which is ignored: expected a whole number from 1 to 9" in texts(app.warning).replace(
            "\\", ""
        )
        assert app.subheader[0].value.startswith("4 · ")


def test_the_step_is_kept_while_other_pages_are_looked_at(open_page):
    app = open_step(open_page, 3)
    app.number_input(key="walk_seed").set_value(7).run()
    app.switch_page("pages/training.py").run()
    app.query_params.clear()
    app.switch_page("pages/step_by_step.py").run()
    assert app.subheader[0].value.startswith("3 · ")
    assert app.number_input(key="walk_seed").value == 7


def test_the_batch_comes_from_the_seed(open_page):
    app = open_page("step_by_step")
    first = html(app)
    assert shows(app, walk_of().y, 0)
    app.number_input(key="walk_seed").set_value(3).run()
    assert html(app) != first
    assert shows(app, walk_of(3).y, 0)


@pytest.mark.parametrize("sizes", [SMALL, REFERENCE])
def test_forward_numbers_are_those_of_the_core(open_page, sizes):
    app = open_page("step_by_step")
    if sizes == REFERENCE:
        app.button_group(key="walk_network").set_value("reference").run()
    by_label(app.button, "Next step").click().run()
    walk = walk_of(sizes=sizes)
    for array in (*walk.forward.weighted_inputs, *walk.forward.activations[1:-1]):
        assert shows(app, array[:, :12])
    by_label(app.button, "Next step").click().run()
    assert shows(app, walk.forward.activations[-1])
    by_label(app.button, "Next step").click().run()
    assert app.metric[0].value == f"{walk.loss:.6f}"
    losses = app.dataframe[0].value["loss of the image"]
    assert losses.mean() == pytest.approx(walk.loss)


def test_backward_numbers_are_those_of_the_core(open_page):
    walk, app = walk_of(), open_step(open_page, 5)
    assert shows(app, walk.deltas[-1], 4)
    by_label(app.button, "Next step").click().run()
    assert shows(app, walk.deltas[0], 4)
    assert shows(app, walk.deltas[1], 4)
    by_label(app.button, "Next step").click().run()
    for weight, bias in walk.gradients:
        first = 400 if len(weight) == 784 else 0
        assert shows(app, weight[first : first + 8], 4)
        assert shows(app, bias, 4)


def test_the_update_lowers_the_loss_unless_the_step_is_too_large(open_page):
    walk, app = walk_of(), open_step(open_page, 8)
    assert [metric.value for metric in app.metric] == [f"{walk.loss:.6f}", f"{walk.loss_after:.6f}"]
    assert walk.loss_after < walk.loss
    table, positions = app.dataframe[0].value, checked_positions(walk)
    assert table["parameter"].tolist() == [parameter_name(walk.network, position) for position in positions]
    np.testing.assert_allclose(table["before"] - 0.5 * table["∂C/∂w"], table["after"])
    np.testing.assert_allclose(table["after"], walk.updated.parameters[positions])

    app.number_input(key="walk_learning_rate").set_value(200.0).run()
    assert app.metric[1].value == f"{walk_of(rate=200.0).loss_after:.6f}"
    assert "this step was too large" in texts(app.warning)


@pytest.mark.parametrize("network", ["small", "reference"])
def test_the_check_agrees_and_leads_on(open_page, network):
    app = open_step(open_page, 9)
    app.button_group(key="walk_network").set_value(network).run()
    table = app.dataframe[0].value
    assert len(table) == 9
    assert table["relative error"].max() < 1e-6
    np.testing.assert_allclose(table["back-propagation"], table["central difference"], rtol=1e-6)
    assert "They agree" in texts(app.success)
    (link,) = app.get("page_link")
    assert link.proto.page == "training"


def test_other_data_of_any_size_walks_too(open_page, tiny_folder, monkeypatch):
    monkeypatch.setenv("MNIST_DATA_DIR", str(tiny_folder(train=3, test=3, shape=(5, 4), classes=3)))
    app = open_page("step_by_step")
    assert "This batch has 3 images" in texts(app.markdown)
    for _ in range(STEPS - 1):
        by_label(app.button, "Next step").click().run()
    assert "They agree" in texts(app.success)
