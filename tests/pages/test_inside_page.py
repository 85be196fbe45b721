"""Inside: what is drawn is what the core says, in every state of a run."""

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest

from mnist_core.data.dataset import load_dataset
from mnist_core.evaluation.predict import predict
from mnist_core.inspection.units import hidden_activations, mean_by_class, strongest
from mnist_core.jobs.start import start_run
from mnist_core.runs.files import write_json
from mnist_core.training.config import TrainingConfig
from pages.components import inside_view
from pages.components.charts.layers import MOST_COLUMNS, distribution_over_epochs
from pages.components.charts.network import MOST_LINES, MOST_UNITS, network_drawing, shown_units
from pages.components.digits.grid import diverging_colors, mosaic
from tests.helpers import by_label, html, texts, wait


def digits_of(page):
    """Titles of the pictures of digits."""
    return [title for title in re.findall(r'aria-label="([^"]+)"', page) if title.startswith("test image")]


def test_without_runs_it_leads_to_the_training(open_page):
    app = open_page("inside")
    assert "There is no network to look into yet" in app.info[0].value
    (link,) = app.get("page_link")
    assert (link.proto.label, link.proto.page) == ("Train a network", "training")


def test_a_run_without_a_model_says_so(open_page, make_run):
    make_run(state="running")
    assert "This run has no model yet" in texts(open_page("inside").info)


def test_a_run_under_way_is_looked_into_as_far_as_it_is(open_page, finished):
    content = json.loads((finished.path / "status.json").read_text())
    write_json(finished.path / "status.json", {**content, "state": "running", "epoch": 1, "heartbeat": time.time()})
    app = open_page("inside")
    assert "still active" in app.info[0].value
    assert len(app.subheader) == 5


def test_every_unit_of_the_first_layer_is_a_picture(open_page, finished):
    app = open_page("inside")
    weight = finished.load_network().weights[0]
    for unit in (0, 17, 127):
        column = weight[:, unit]
        assert f"unit {unit}: weights from {column.min():+.3f} to {column.max():+.3f}" in html(app)
    assert len(re.findall(r'aria-label="unit \d+: ', html(app))) == 128


def test_a_wide_layer_comes_in_parts(open_page):
    wait(start_run(TrainingConfig(epochs=1, hidden_layers=(150,)), load_dataset("sample")))
    app = open_page("inside")
    assert len(re.findall(r'aria-label="unit \d+: ', html(app))) == 128
    by_label(app.number_input, "Part (1 to 2)").set_value(2).run()
    assert re.findall(r'aria-label="unit (\d+): ', html(app)) == [str(unit) for unit in range(128, 150)]


def test_a_digit_is_chosen_and_read_as_the_network_reads_it(open_page, finished):
    app, sample = open_page("inside"), load_dataset("sample")
    probabilities = predict(finished.load_network(), sample.test_images)
    for index in (0, 421):
        app.number_input(key="inside_index").set_value(index).run()
        read, sure = probabilities[index].argmax(), probabilities[index].max()
        assert f"Test image {index} is classified as **{read}** with a probability of {sure:.1%}" in texts(app.markdown)
    by_label(app.button, "Random error").click().run()
    index = app.number_input(key="inside_index").value
    assert probabilities[index].argmax() != sample.test_labels[index]
    assert f"but its label is **{sample.test_labels[index]}**" in texts(app.markdown)


@pytest.mark.parametrize("dark", [False, True])
def test_the_drawing_shows_the_most_active_units_and_true_products(finished, dark):
    network, sample = finished.load_network(), load_dataset("sample")
    image, label = sample.test_images[3], int(sample.test_labels[3])
    hidden = hidden_activations(network, sample.test_images[3:4])
    shown = shown_units([None, *(array[0] for array in hidden), np.zeros(10)])
    for units, array in zip(shown, hidden, strict=False):
        assert len(units) == MOST_UNITS and units.tolist() == sorted(units)
        assert array[0][units].min() >= np.delete(array[0], units).max()
    lines, circles = (network_drawing(network, sample.classes, image, label, dark).layer[n].data for n in (0, 1))
    assert len(circles) == 2 * MOST_UNITS + 10 and len(lines) == MOST_UNITS + 2 * MOST_LINES
    assert circles["name"].str.contains("✓").sum() == 1
    one = lines[lines["from"].str.startswith("layer 2")].iloc[0]
    source, target = int(one["from"].split()[-1]), int(one["to"].split()[-1])
    assert one["contribution"] == pytest.approx(hidden[1][0, source] * network.weights[2][source, target], rel=1e-5)


def test_the_digits_that_move_a_unit_most(open_page, finished):
    app, sample = open_page("inside"), load_dataset("sample")
    hidden = hidden_activations(finished.load_network(), sample.test_images)
    for layer, unit in ((1, 5), (2, 63)):
        by_label(app.selectbox, "Layer").set_value(layer).run()
        app.number_input(key="inside_unit").set_value(unit).run()
        values = hidden[layer - 1][:, unit]
        assert digits_of(html(app)) == [
            f"test image {index:,}, label {sample.test_labels[index]}, activation {values[index]:.4f}"
            for index in strongest(values, 20)
        ]
        assert f"Unit {unit} of layer {layer} on 1,000 test images" in texts(app.caption)
        assert np.isfinite(mean_by_class(values, sample.test_labels, 10)).all()


def test_the_map_marks_the_wrong_digits(open_page, finished):
    app, sample = open_page("inside"), load_dataset("sample")
    wrong = (predict(finished.load_network(), sample.test_images).argmax(axis=1) != sample.test_labels).sum()
    assert f"Crosses are errors ({wrong})" in texts(app.caption)
    assert (
        "1,000 test images along the first two principal components of the 64 units of the last hidden layer"
        in texts(app.caption)
    )


def test_of_a_huge_network_fewer_digits_are_looked_at(open_page, finished, monkeypatch):
    monkeypatch.setattr(inside_view, "KEPT_VALUES", 192 * 50)
    assert "Unit 0 of layer 1 on 50 test images" in texts(open_page("inside").caption)


def test_a_network_without_hidden_layers_has_pixels_to_sort(open_page):
    wait(start_run(TrainingConfig(epochs=1, hidden_layers=()), load_dataset("sample")))
    app = open_page("inside")
    assert "This network has no hidden layer" in texts(app.info)
    assert "principal components of the pixels" in texts(app.caption)
    assert len(re.findall(r'aria-label="class \d: ', html(app))) == 10


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("layers", [(1,), (30, 1, 8)])
def test_other_activations_and_shapes_draw(open_page, tiny_folder, activation, layers):
    config = TrainingConfig(epochs=2, hidden_layers=layers, activation=activation, learning_rate=0.05)
    run = wait(start_run(config, load_dataset("full", tiny_folder())))
    assert run.status.state == "finished"
    app = open_page("inside")
    assert len(app.subheader) == 5 and not app.error
    by_label(app.button_group, "Values").set_value("activations").run()
    assert "Each column is a histogram" in texts(app.caption)


def test_distributions_are_said_to_be_missing_in_older_runs(open_page, finished):
    app = open_page("inside")
    assert "Each column is a histogram" in texts(app.caption)
    (finished.path / "histograms.csv").unlink()
    assert "This run has no histograms" in texts(open_page("inside").info)


def test_a_distribution_is_drawn_from_few_of_many_epochs(finished):
    rows = [row for row in finished.histograms() if row.layer == 1 and row.kind == "weight"]
    many = [rows[0]._replace(epoch=epoch) for epoch in range(500)]
    data = distribution_over_epochs(many, "weights").data
    assert data["epoch"].nunique() == MOST_COLUMNS
    assert (data["epoch"].min(), data["epoch"].max()) == (0, 499)
    assert (data["next"] > data["epoch"]).all() and (data["to"] > data["from"]).all()
    assert data.groupby("epoch")["fraction"].sum().between(0.98, 1.001).all()


def test_a_damaged_model_or_table_is_said_in_a_sentence(open_page, finished):
    table = (finished.path / "histograms.csv").read_text()
    (finished.path / "histograms.csv").write_text(table.replace(",weight,", ",weight,x", 1))
    app = open_page("inside")
    assert f"run {finished.id} can't be read (histograms.csv" in app.error[0].value
    assert len(app.subheader) == 5
    (finished.path / "model.npz").write_bytes(b"nonsense")
    assert f"The model of run {finished.id} can't be read" in open_page("inside").error[0].value


def test_everything_is_computed_once_and_read_only(open_page, finished, monkeypatch):
    calls = []
    real = inside_view.hidden_activations
    monkeypatch.setattr(inside_view, "hidden_activations", lambda *given: calls.append(1) or real(*given))
    app = open_page("inside")
    app.number_input(key="inside_index").set_value(7).run()
    app.number_input(key="inside_unit").set_value(7).run()
    assert len(calls) == 1
    looked = inside_view.inside(finished)
    assert not any(array.flags.writeable for array in (*looked.hidden, *looked.network.weights))
    Path(finished.path / "model.npz").touch()
    app.run()
    assert len(calls) == 2


def test_colours_run_from_blue_over_white_to_red():
    blue, pale, white, red, beyond = diverging_colors(np.array([-1.0, -0.3, 0, 1, 9]), 1.0).astype(int)
    assert blue[2] > blue[0] and red[0] > red[2]
    assert white.tolist() == [247] * 3 and (beyond == red).all()
    assert pale[2] > pale[0] > blue[0]
    pictures = np.arange(3 * 2 * 2 * 3, dtype=np.uint8).reshape(3, 2, 2, 3)
    whole = mosaic(pictures, 2)
    assert whole.shape == (4, 4, 3)
    np.testing.assert_array_equal(whole[2:, :2], pictures[2])
    assert (whole[2:, 2:] == 247).all()
