"""Charts keep their place on the page, in which a browser would else blank them for a moment and scroll."""

import time
from dataclasses import asdict, replace

import pytest

from mnist_core.runs.files import write_json
from mnist_core.runs.implementation import IMPLEMENTATION, Implementation
from mnist_core.runs.schema import write_record
from mnist_core.runs.tables import METRICS
from mnist_core.training.loop import EpochMetrics
from mnist_core.untrusted import UntrustedText
from tests.helpers import places, texts

CHART = "vega_lite_chart"
NAN = float("nan")


def advance(run, epoch=2, **status):
    """Write epochs and a state of a run, as its worker would."""
    METRICS.rewrite(run.path, [EpochMetrics(n, 1.0, 0.9, NAN, NAN, 0.5, 1.0) for n in range(1, epoch + 1)])
    write_json(run.path / "status.json", asdict(replace(run.status, epoch=epoch, heartbeat=time.time(), **status)))


def damage(run):
    with (run.path / METRICS.name).open("a", encoding="utf-8") as file:
        file.write("2,nonsense\n")


def fail(run):
    advance(run, state="failed", error="Out of luck.")


def finish(run):
    advance(run, state="finished", test_accuracy=0.5)


def mark(run):
    write_record(run.path / IMPLEMENTATION, Implementation(UntrustedText("mine.py"), None, UntrustedText("Odd.")))


def test_the_first_epoch_leaves_the_charts_of_training_in_place(open_page, make_run):
    run = make_run(state="running", images_total=5000)
    app = open_page("training", run=run.id)
    assert "The curves start after the first epoch." in texts(app.caption)
    before = places(app, CHART)
    assert len(before) == 2
    advance(run)
    app.run()
    assert "After epoch 2" in texts(app.caption)
    assert places(app, CHART) == before


@pytest.mark.parametrize("page", ["training", "runs", "your_code"])
def test_what_happens_to_a_run_leaves_its_charts_in_place(open_page, make_run, page):
    run, beside = make_run(state="running", images_total=5000), make_run(state="finished", epoch=1, test_accuracy=0.9)
    advance(run)
    advance(beside)
    query = {"training": {"run": run.id}, "runs": {"runs": f"{run.id},{beside.id}"}}
    app = open_page(page, **query.get(page, {"pair": f"{run.id},{beside.id}"}))
    before = places(app, CHART)
    assert len(before) == 2
    for change in (damage, mark, fail, finish):
        change(run)
        app.run()
        assert places(app, CHART) == before, change
