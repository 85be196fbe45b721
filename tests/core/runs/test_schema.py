"""Whatever the files of a run hold: the run is read, or it is a damaged one with its reason; nothing is raised."""

import json
import os
import shutil
import stat
import time
from dataclasses import asdict, replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mnist_core.data.dataset import load_dataset
from mnist_core.errors import RunError
from mnist_core.jobs.label_check import Progress, read_progress
from mnist_core.jobs.start import start_run
from mnist_core.runs import files
from mnist_core.runs.about import About
from mnist_core.runs.archive import export_run, import_run
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.files import worker_lock, write_json
from mnist_core.runs.run import create_run, find_run, list_runs, read_run
from mnist_core.runs.schema import MAX_EPOCHS, decode_record, write_record
from mnist_core.runs.status import Status
from mnist_core.training.config import TrainingConfig
from mnist_core.untrusted import UntrustedText
from tests.helpers import wait

REFERENCE = DatasetReference(UntrustedText("somewhere"), "sample", None, {"file": "abc"})
NAN, INFINITY, HUGE, SURROGATE = float("nan"), float("inf"), 10**400, "\ud800"


@pytest.fixture
def run(tmp_path):
    return create_run(TrainingConfig(epochs=3), REFERENCE, tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished run with all of its files, without checksums, as of an older version."""
    config = TrainingConfig(epochs=2, hidden_layers=(4,), validation_fraction=0.1)
    run = wait(start_run(config, load_dataset("sample"), tmp_path_factory.mktemp("whole")))
    write_record(run.path / "status.json", replace(run.status, checksums={}))
    write_record(run.path / "cross_validation.json", Progress("stopped", 1, 0.2))
    return run.refresh().describe(About.of("mine", "a note", ["tag"]))


def change(run, name, *path, value):
    """Write another value into a JSON file of a run; return the run as it reads then."""
    content = holder = json.loads((run.path / name).read_text())
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    (run.path / name).write_text(json.dumps(content))
    return run.refresh()


def read_all(run):
    """Everything that a page may ask of a run that is not damaged; a RunError is an answer."""
    assert (run.status.state == "damaged") == bool(run.problem)
    assert "\n" not in run.id and run.id.encode()
    read_progress(run)
    if run.problem:
        assert len(run.problem) < 500 and run.problem.encode()
        with pytest.raises(RunError, match="is damaged"):
            find_run(run.id, run.path.parent)
        return
    assert run.config and run.dataset
    for read in (run.metrics, run.steps, run.layers, run.histograms, run.load_network):
        try:
            read()
        except RunError as error:
            assert len(str(error)) < 700 and "\n" not in str(error)


@pytest.mark.parametrize(
    ("name", "path", "values"),
    [
        ("config.json", ("created",), (HUGE, -1, NAN, INFINITY, 1e300, 2**34, "x", None, True)),
        ("config.json", ("dataset", "name"), (5, None, [], SURROGATE, "x" * 201)),
        ("config.json", ("dataset", "source"), ("web", None, 5)),
        ("config.json", ("dataset", "data_dir"), (5, [], SURROGATE, "x" * 5000)),
        ("config.json", ("dataset", "checksums"), (None, [1], {"a": 5}, {"a": "x" * 200}, {SURROGATE: "x"})),
        ("config.json", ("dataset", "surprise"), (1,)),
        ("config.json", ("training",), (None, [1], "x")),
        ("config.json", ("training", "epochs"), (HUGE, -1, NAN, 1.5, "x", None)),
        ("config.json", ("training", "learning_rate"), (HUGE, -HUGE, NAN, "x", None, [], True)),
        ("config.json", ("training", "hidden_layers"), (HUGE, [HUGE], list(range(1000)), [[]])),
        ("config.json", ("training", SURROGATE), (1,)),
        ("status.json", ("state",), (None, 5, [], "dancing", "interrupted", "damaged", SURROGATE)),
        ("status.json", ("heartbeat",), (HUGE, -1, NAN, 1e300, "noon", None, [])),
        ("status.json", ("epoch",), (HUGE, -5, NAN, 1.5, "three", None, MAX_EPOCHS + 1)),
        ("status.json", ("more_epochs",), (HUGE, -3, 10**9)),
        ("status.json", ("images_done",), (HUGE, -1e300, -5, 1)),
        ("status.json", ("images_per_second",), (HUGE, -1, INFINITY)),
        ("status.json", ("seconds",), (HUGE, NAN, -1, "x")),
        ("status.json", ("pid",), (HUGE, -1, "x")),
        ("status.json", ("test_accuracy",), (HUGE, 1.5, -1, NAN, "high")),
        ("status.json", ("test_loss",), (HUGE, -1, NAN, INFINITY)),
        ("status.json", ("model_epoch",), (HUGE, -1, "x")),
        ("status.json", ("error",), (5, ["x"], SURROGATE, "x" * 2001)),
        ("status.json", ("checksums",), (None, 5, {"a": 1}, {str(n): "" for n in range(50)})),
        ("status.json", ("surprise",), (1,)),
    ],
    ids=lambda part: ".".join(map(repr, part))[:40] if isinstance(part, tuple) else part,
)
def test_a_value_of_a_wrong_type_or_out_of_range_makes_the_run_a_damaged_one(run, name, path, values):
    for value in values:
        before = (run.path / name).read_bytes()
        read = change(run, name, *path, value=value)
        assert read.status.state == "damaged", value
        assert read.problem.startswith(f"{name} can't be read ("), value
        read_all(read)
        (run.path / name).write_bytes(before)
        assert run.refresh().problem is None


def test_the_reason_names_the_value_and_what_is_expected(run):
    assert (
        "(epoch is -5: expected a whole number of at least 0)" in change(run, "status.json", "epoch", value=-5).problem
    )
    problem = change(run, "status.json", "epoch", value=HUGE).problem
    assert "epoch is a number of more than 30 digits: expected a whole number of at most 100000" in problem
    assert "(dataset.name is null: expected text)" in change(run, "config.json", "dataset", "name", value=None).problem


@pytest.mark.parametrize("error", [None, "", 5, ["x"]])
def test_a_failed_run_says_why_or_is_damaged(run, error):
    write_json(run.path / "status.json", {**asdict(Status("failed")), "error": error})
    assert "error is" in run.refresh().problem


@pytest.mark.parametrize(
    "value", [{"heartbeat": "x"}, {"heartbeat": []}, {"heartbeat": HUGE}, {"done": "x"}, {"fold": 9}]
)
def test_a_damaged_label_check_is_a_failed_one_that_starts_again(run, value):
    content = json.dumps({**asdict(Progress("running", 1, 0.2)), **value}, default=str)
    (run.path / "cross_validation.json").write_text(content)
    progress = read_progress(run.refresh())
    assert progress.state == "failed"
    assert progress.error.plain.startswith("cross_validation.json can't be read")
    assert run.refresh().problem is None


@pytest.mark.parametrize("value", [5, None, [SURROGATE], ["x" * 31], list("abcdefghijk"), {"a": 1}])
def test_a_damaged_description_is_no_damaged_run(run, value):
    (run.path / "about.json").write_text(json.dumps({"name": "mine", "tags": value}))
    read = run.refresh()
    assert read.problem is None
    assert read.about.problem.startswith("about.json can't be read")


def test_an_entry_that_is_missing_is_named(run):
    for name in ("created", "training", "dataset"):
        content = json.loads((run.path / "config.json").read_text())
        write_json(run.path / "config.json", {key: value for key, value in content.items() if key != name})
        assert f"it has no '{name}' entry" in run.refresh().problem
        write_json(run.path / "config.json", content)


@pytest.mark.parametrize("name", ["config.json", "status.json"])
def test_what_is_no_plain_file_or_a_very_large_one_is_not_read(run, name):
    path = run.path / name
    content = path.read_bytes()
    path.unlink()
    os.mkfifo(path)  # reading would wait for ever
    assert "it is no plain file" in run.refresh().problem
    path.unlink()
    path.mkdir()
    assert "it is no plain file" in run.refresh().problem
    path.rmdir()
    path.write_bytes(content + b" " * 2_000_000)
    assert "it has 2.0 MB, expected at most" in run.refresh().problem


@pytest.mark.parametrize(
    "name",
    [
        b"20260101-\xff\xfe", b"a\nb", b"a\x1b[31mb", "a\u202eb".encode(), b"![x](http:) $x$", b"`code`", b"<b>",
        b"www.example.com", b"_a_", b"a,b", b" a", b"x" * 150, b"a:b", b":material-home:",
    ],
)  # fmt: skip
def test_a_folder_whose_name_is_not_safe_reads_as_damaged_under_a_safe_id(run, tmp_path, name):
    shutil.copytree(run.path, tmp_path / os.fsdecode(name))
    other = next(each for each in list_runs(tmp_path) if each.id != run.id)
    assert "rename the folder" in other.problem
    assert set(other.id) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
    read_all(other)


@pytest.mark.parametrize("name", ["20260101-000000-abcd (copy)", "lr=0.1", "Überlauf 2", "my_run - Copy (2)", "v1.2"])
def test_a_folder_that_a_person_renamed_stays_readable(run, tmp_path, name):
    run.path.rename(tmp_path / name)
    (renamed,) = list_runs(tmp_path)
    assert (renamed.id, renamed.problem) == (name, None)
    assert find_run(name, tmp_path) == renamed


def test_two_unsafe_names_have_two_ids(run, tmp_path):
    for name in (b"a\xff", b"a\xfe"):
        shutil.copytree(run.path, tmp_path / os.fsdecode(name))
    assert len({each.id for each in list_runs(tmp_path)}) == 3


def test_a_damaged_run_has_no_settings_and_says_so(run):
    (run.path / "config.json").unlink()
    damaged = run.refresh()
    for ask in (lambda: damaged.config, lambda: damaged.dataset, lambda: damaged.epochs, damaged.metrics):
        with pytest.raises(RunError, match=f"Run {run.id} is damaged: config.json is missing"):
            ask()


def test_what_could_not_be_read_again_is_not_written(run):
    before = (run.path / "status.json").read_bytes()
    for status in (Status("running", epoch=-1), Status("running", seconds=NAN)):
        with pytest.raises(RunError, match=r"status\.json can't be written"):
            write_record(run.path / "status.json", status)
    assert (run.path / "status.json").read_bytes() == before
    foreign = replace(REFERENCE, data_dir="/data/\udcff")
    with pytest.raises(RunError, match="can't be written"):
        create_run(TrainingConfig(), foreign, run.path.parent)


@given(
    st.builds(
        Status,
        st.sampled_from(["queued", "running", "paused", "stopped", "finished"]),
        epoch=st.integers(0, MAX_EPOCHS),
        images_total=st.integers(0, 10**9),
        seconds=st.floats(0, 1e9),
        test_accuracy=st.none() | st.floats(0, 1),
        test_loss=st.none() | st.floats(0, 1e6),
        heartbeat=st.floats(0, 5e9),
        error=st.none() | st.builds(UntrustedText, st.text(max_size=100)),
        checksums=st.dictionaries(
            st.sampled_from(["model.npz", "metrics.csv"]), st.text("0123456789abcdef", max_size=64)
        ),
    )
)
def test_a_status_reads_as_it_was_written(tmp_path_factory, status):
    path = tmp_path_factory.getbasetemp() / "status.json"
    write_record(path, status)
    assert decode_record(path.read_bytes(), Status) == status


def test_a_heartbeat_in_the_future_asks_the_lock(run):
    write_record(run.path / "status.json", Status("running", heartbeat=time.time() + 1e6))
    assert run.refresh().status.state == "interrupted"
    with worker_lock(run.path):
        assert run.refresh().status.state == "running"
        assert run.refresh().status.state == "running", "looking takes the lock from nobody"
    assert run.refresh().status.state == "interrupted"


def test_looking_at_a_dead_run_needs_no_permission_to_write_and_leaves_no_file(run):
    write_record(run.path / "status.json", Status("running", heartbeat=1.0))
    names = sorted(path.name for path in run.path.iterdir())
    assert run.refresh().status.state == "interrupted"
    assert sorted(path.name for path in run.path.iterdir()) == names
    with worker_lock(run.path):
        pass
    lock = run.path / "worker.lock"
    lock.chmod(stat.S_IRUSR)
    run.path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert run.refresh().status.state == "interrupted"
    finally:
        run.path.chmod(stat.S_IRWXU)


def test_a_runs_folder_that_is_closed_is_named_in_a_sentence(tmp_path, monkeypatch):
    def closed(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(RunError, match=r"The runs folder .* can't be read \(Permission denied\): make it readable"):
        list_runs(tmp_path)
    (tmp_path / "file").write_text("")
    monkeypatch.undo()
    with pytest.raises(RunError, match="can't be read"):
        list_runs(tmp_path / "file")


def test_a_closed_file_costs_no_time(run, monkeypatch):
    def closed(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.time, "sleep", lambda seconds: pytest.fail("waited for it"))
    monkeypatch.setattr(type(run.path), "open", closed)
    assert run.refresh().problem.startswith("config.json can't be read (Permission denied)")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=10)
    | st.sampled_from([HUGE, -HUGE, SURROGATE, "a\u202eb", "![x](http://127.0.0.1:9/p)", "x" * 5000, 1e300]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=5,
)
NAMES = ("config.json", "status.json", "about.json", "cross_validation.json")
TABLES = ("metrics.csv", "steps.csv", "layers.csv", "histograms.csv")
CELLS = st.sampled_from(
    ["nan", "-inf", "-5", "1e999", "9" * 50, "a" * 200_000, "", '"', "\x00", "\ud800", "1,1", "\r", "1"]
)


def copied(whole, folder):
    shutil.rmtree(folder, ignore_errors=True)
    return read_run(shutil.copytree(whole.path, folder / whole.id))


@given(st.sampled_from(NAMES), st.data())
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
def test_any_json_is_read_or_damaged(whole, tmp_path, name, data):
    run = copied(whole, tmp_path / "runs")
    content = holder = json.loads((run.path / name).read_text())
    key = data.draw(st.sampled_from([*content, "new"]))
    if isinstance(content.get(key), dict) and data.draw(st.booleans()):
        holder = content[key]
        key = data.draw(st.sampled_from([*holder, "new"]))
    holder[key] = data.draw(JSON)
    (run.path / name).write_text(json.dumps(content))
    (listed,) = list_runs(run.path.parent)
    read_all(listed)


@given(st.sampled_from([*NAMES, *TABLES]), st.binary(max_size=60), st.integers(0, 2000), st.booleans())
@example("status.json", b"", 0, True)
@example("metrics.csv", b"\xff\xfe\n", 40, False)
@settings(max_examples=200, suppress_health_check=list(HealthCheck))
def test_any_bytes_are_read_or_damaged(whole, tmp_path, name, noise, position, alone):
    run = copied(whole, tmp_path / "runs")
    content = (run.path / name).read_bytes()
    (run.path / name).write_bytes(noise if alone else content[:position] + noise + content[position:])
    (listed,) = list_runs(run.path.parent)
    read_all(listed)


@given(st.sampled_from(TABLES), st.integers(0, 60), st.integers(0, 36), CELLS, st.sampled_from(["finished", "running"]))
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
def test_any_cell_is_read_or_damaged_or_left_out(whole, tmp_path, name, line, column, cell, state):
    run = copied(whole, tmp_path / "runs")
    write_record(run.path / "status.json", replace(run.status, state=state, heartbeat=time.time()))
    lines = (run.path / name).read_text().splitlines()
    cells = lines[line % len(lines)].split(",")
    cells[column % len(cells)] = cell
    lines[line % len(lines)] = ",".join(cells)
    (run.path / name).write_text("".join(f"{text}\n" for text in lines), encoding="latin-1", errors="replace")
    (listed,) = list_runs(run.path.parent)
    read_all(listed)


def test_an_import_is_read_by_the_same_rules(whole, tmp_path):
    assert import_run(export_run(whole), tmp_path / "good").problem is None
    for name, key, value in (("config.json", "created", HUGE), ("status.json", "epoch", -5), ("about.json", "name", 5)):
        run = copied(whole, tmp_path / "bad")
        change(run, name, key, value=value)
        with pytest.raises(RunError, match=f"The run in the zip is damaged: {name} can't be read"):
            import_run(export_run(run), tmp_path / "good")
