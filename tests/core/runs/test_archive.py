"""A run as a zip file: it comes back the same, and a stranger's zip does no harm."""

import io
import json
import stat
import time
import zipfile
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnist_core.data.dataset import load_dataset
from mnist_core.errors import MnistError, RunError
from mnist_core.jobs.start import resume_run, start_run
from mnist_core.runs import archive
from mnist_core.runs.about import About
from mnist_core.runs.archive import export_run, import_run
from mnist_core.runs.checkpoint import Checkpoint
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.files import write_json
from mnist_core.runs.run import list_runs
from mnist_core.training.config import TrainingConfig
from mnist_core.untrusted import UntrustedText


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run with all of its files."""
    config = TrainingConfig(epochs=2, hidden_layers=(4,), validation_fraction=0.1, optimizer="adam", patience=5)
    run = start_run(config, load_dataset("sample"), tmp_path_factory.mktemp("there"))
    deadline = time.monotonic() + 30
    while run.status.active:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        run = run.refresh()
    return run.describe(About.of("mine", "a note", ("tag",)))


@pytest.fixture(scope="module")
def files(run):
    """Name and bytes of each file in its export."""
    with zipfile.ZipFile(io.BytesIO(export_run(run))) as opened:
        return {name.split("/")[1]: opened.read(name) for name in opened.namelist()}


def pack(files, folder="20260101-000000-abcd/", change=lambda entry: None):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            entry = zipfile.ZipInfo(folder + name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            change(entry)
            opened.writestr(entry, content)
    return buffer.getvalue()


def npz(save=np.savez, **arrays):
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


def changed(files, name, /, **values):
    return {**files, name: json.dumps({**json.loads(files[name]), **values}).encode()}


def refused(content, folder):
    """The sentence with which a zip is refused; nothing of it may stay."""
    with pytest.raises(RunError) as caught:
        import_run(content, folder)
    assert not folder.exists() or list(folder.iterdir()) == []
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_run_comes_back_the_same(run, files, tmp_path):
    assert set(files) == set(archive.FILES) - {
        "implementation.json",
        "corrections.csv",
    }  # optional ones
    there = import_run(export_run(run), tmp_path)
    assert (there.id, there.config, there.dataset, there.about) == (run.id, run.config, run.dataset, run.about)
    assert there.status == replace(run.status, pid=None)
    assert (there.metrics(), there.steps()) == (run.metrics(), run.steps())
    np.testing.assert_equal(there.layers(), run.layers())
    np.testing.assert_array_equal(there.load_network().parameters, run.load_network().parameters)
    assert Checkpoint.read(there.path).epoch == 2
    assert list_runs(tmp_path) == [there]


def test_an_imported_run_can_be_trained_on(run, tmp_path):
    there = resume_run(import_run(export_run(run), tmp_path), more_epochs=1)
    deadline = time.monotonic() + 30
    while there.status.active and time.monotonic() < deadline:
        time.sleep(0.05)
        there = there.refresh()
    assert (there.status.state, there.status.epoch) == ("finished", 3)


def test_a_damaged_run_beside_it_does_not_hurt(run, tmp_path):
    content = export_run(run)
    (tmp_path / "20260101-000000-abcd").mkdir()
    (tmp_path / "20260101-000000-abcd" / "config.json").write_text("{")
    assert import_run(content, tmp_path).problem is None


def test_an_id_that_is_there_is_not_overwritten(run, files, tmp_path):
    first, second = import_run(export_run(run), tmp_path), import_run(export_run(run), tmp_path)
    assert first.id == run.id != second.id
    assert archive.RUN_ID.fullmatch(second.id)
    other = import_run(pack(files, "whatever/"), tmp_path)
    assert archive.RUN_ID.fullmatch(other.id)
    assert archive.RUN_ID.fullmatch(import_run(pack(files, ""), tmp_path).id)
    assert len(list_runs(tmp_path)) == 4


@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_run_that_was_under_way_is_not(files, tmp_path, state):
    active = changed(files, "status.json", state=state, heartbeat=time.time(), pid=1)
    there = import_run(pack(active), tmp_path)
    assert (there.status.state, there.status.pid) == ("paused", None)
    bare = {name: content for name, content in active.items() if not name.endswith(".npz")}
    assert import_run(pack(bare), tmp_path).status.state == "stopped"


def test_the_data_is_looked_for_here_and_not_where_the_zip_says(files, tmp_path):
    reference = {"name": "mine", "source": "full", "data_dir": "/elsewhere", "checksums": {"a": "1"}}
    unsealed = changed(files, "status.json", checksums={})
    content = pack(changed(unsealed, "config.json", dataset=reference))
    assert import_run(content, tmp_path).dataset.data_dir is None
    known = DatasetReference(UntrustedText("same"), "full", "/here", {"a": "1"})
    assert import_run(content, tmp_path, [known]).dataset.data_dir == "/here"
    assert import_run(content, tmp_path).dataset.data_dir == "/here", "that of a run here on the same data"


@pytest.mark.parametrize(
    "name",
    [
        "../config.json", "a/../../config.json", "/etc/config.json", "a/b/config.json", "..\\x/config.json",
        "C:/config.json", "x/worker.lock", "x/control", "x/log.txt", "x/evil.py", "x/.config.json", "other/status.json",
    ],
)  # fmt: skip
def test_other_names_and_places_are_refused(files, tmp_path, name):
    content = io.BytesIO(pack(files))
    with zipfile.ZipFile(content, "a") as opened:
        opened.writestr(name, b"{}")
    assert refused(content.getvalue(), tmp_path / "runs").startswith("The zip holds")
    assert list(tmp_path.iterdir()) in ([], [tmp_path / "runs"])


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(files, tmp_path, kind):
    def make_special(entry):
        entry.create_system = 3
        entry.external_attr = (kind | 0o777) << 16

    assert "expected a plain file" in refused(pack({"config.json": b"/etc/passwd"}, change=make_special), tmp_path)


def test_the_same_file_twice_and_no_config_are_refused(files, tmp_path):
    content = io.BytesIO(pack(files))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(content, "a") as opened:
        opened.writestr("20260101-000000-abcd/status.json", b"{}")
    assert "each file once" in refused(content.getvalue(), tmp_path)
    assert "with its config.json" in refused(pack({}), tmp_path)
    assert "with its config.json" in refused(pack({"status.json": b"{}"}), tmp_path)


def test_bombs_are_refused(files, tmp_path, monkeypatch):
    assert "status.json in the zip has 9.0 MB, expected at most 1" in refused(
        pack({**files, "status.json": b" " * 9_000_000}), tmp_path
    )
    lying = bytearray(pack({**files, "about.json": b" " * 9_000_000}))
    for position in range(len(lying) - 4):  # a size that is said to be small, in the entry and in the directory
        if lying[position : position + 4] == (9_000_000).to_bytes(4, "little"):
            lying[position : position + 4] = (100).to_bytes(4, "little")
    assert "damaged" in refused(bytes(lying), tmp_path)
    arrays = dict(np.load(io.BytesIO(files["model.npz"])))
    compressed = npz(np.savez_compressed, **arrays)
    assert "model.npz is compressed" in refused(pack({**files, "model.npz": compressed}), tmp_path)
    monkeypatch.setattr(archive, "MAX_ZIP", 1000)
    assert "expected at most" in refused(pack(files), tmp_path)


@pytest.mark.parametrize("name", ["model.npz", "checkpoint.npz"])
def test_arrays_are_read_without_pickle_and_must_fit(files, tmp_path, name):
    arrays = dict(np.load(io.BytesIO(files[name])))
    bad = {
        " holds a pickle": {**arrays, "W1": np.array([{}], dtype=object)},
        ": found parameters of shapes": {**arrays, "W1": arrays["W1"][:, :3]},
        ": it is another network, 784-5-10": {
            **arrays, "W1": np.zeros((784, 5), "f4"), "b1": np.zeros(5, "f4"), "W2": np.zeros((5, 10), "f4")
        },
        ": it reads 783 pixels": {**arrays, "W1": arrays["W1"][1:]},
        ": layer_sizes is (0, 4, 10)": {**arrays, "W1": arrays["W1"][:0]},
        ": found weights of shapes": {**arrays, "W1": np.float32(1)},
        " holds an array of dtype": {**arrays, "W2": np.array([["a"] * 10] * 4)},
        ": found the arrays": {key: array for key, array in arrays.items() if key != "b2"},
        ": it holds weights or biases that are not finite": {**arrays, "b2": np.full(10, np.nan, "f4")},
    }  # fmt: skip
    if name == "checkpoint.npz":
        bad |= {
            ": it has no array 'activation'": {key: array for key, array in arrays.items() if key != "activation"},
            ": its training state is incomplete": {
                key: array for key, array in arrays.items() if not key.startswith("optimizer")
            },
            ": it is of epoch -3": {**arrays, "epoch": np.array(-3)},
        }
    for reason, content in bad.items():
        message = refused(pack({**files, name: npz(**content)}), tmp_path)
        assert message.startswith(f"The run in the zip is damaged ({name}{reason}")
        assert message.endswith("): export it again.")
    for content in (b"", b"nonsense", files[name][:-100]):
        assert refused(pack({**files, name: content}), tmp_path).startswith("The run in the zip is damaged (")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("status.json", {"state": "dancing"}),
        ("status.json", {"epoch": -1}),
        ("status.json", {"epoch": 1.5}),
        ("status.json", {"epoch": 10**30}),
        ("status.json", {"seconds": float("nan")}),
        ("status.json", {"images_total": float("inf")}),
        ("status.json", {"error": ["no", "text"]}),
        ("status.json", {"error": "x" * 5000}),
        ("status.json", {"surprise": 1}),
        ("config.json", {"training": {"epochs": -1}}),
        ("config.json", {"training": {"hidden_layers": [5]}}),
        ("config.json", {"created": 1e300}),
        ("config.json", {"dataset": {"name": ["x"], "source": "full", "data_dir": None, "checksums": {}}}),
        ("config.json", {"dataset": {"name": "x", "source": "web", "data_dir": None, "checksums": {}}}),
        ("config.json", {"dataset": {"name": "x", "source": "full", "data_dir": None, "checksums": [1]}}),
        ("about.json", {"name": "x" * 100}),
        ("about.json", {"tags": 3}),
    ],
)
def test_values_that_make_no_sense_are_refused(files, tmp_path, name, values):
    assert refused(pack(changed(files, name, **values)), tmp_path).startswith("The run in the zip is damaged")


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("metrics.csv", "1,x,1,1,1,1,1"),
        ("metrics.csv", f"{10**20},1,1,1,1,1,1"),
        ("steps.csv", "nan,1"),
        ("layers.csv", "1,9,1,1,1,1"),
        ("layers.csv", "1,0,1,1,1,1"),
    ],
)
def test_tables_that_make_no_sense_are_refused(files, tmp_path, name, row):
    fields = files[name].decode().splitlines()[0].count(",")
    row += ",1" * (fields - row.count(","))
    message = refused(pack({**files, name: files[name] + f"{row}\n".encode()}), tmp_path)
    assert message.startswith("The run in the zip is damaged (")


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_damage_ends_in_a_sentence_or_a_sound_run(files, tmp_path_factory, data):
    content = bytearray(pack(files))
    for _ in range(data.draw(st.integers(1, 4))):
        # the directory and the small files matter most: weights are most of the bytes
        position = data.draw(
            st.one_of(st.integers(0, len(content) - 1), st.integers(len(content) - 900, len(content) - 1))
        )
        content[position] = data.draw(st.integers(0, 255))
    content = bytes(content[: data.draw(st.sampled_from([len(content)] * 3 + [len(content) // 2]))])
    folder = tmp_path_factory.mktemp("runs")
    try:
        import_run(content, folder)
    except MnistError as error:
        assert str(error)
        assert list(folder.iterdir()) == []
    else:
        (run,) = list_runs(folder)
        assert not run.problem
        assert not run.status.active


def test_an_export_can_be_imported_if_need_be_without_its_checkpoint(run, tmp_path, monkeypatch):
    whole = len(export_run(run))
    monkeypatch.setattr(archive, "MAX_ZIP", whole - 1)
    there = import_run(export_run(run), tmp_path)
    assert not (there.path / "checkpoint.npz").exists()
    assert (there.status.state, there.metrics()) == ("finished", run.metrics())
    np.testing.assert_array_equal(there.load_network().parameters, run.load_network().parameters)
    monkeypatch.setattr(archive, "MAX_ZIP", 1000)
    with pytest.raises(RunError, match=r"its zip would have .* copy the folder"):
        export_run(run)


def test_a_file_without_a_name_is_refused(run, tmp_path):
    content = io.BytesIO(export_run(run))
    with zipfile.ZipFile(content, "a") as packed:
        packed.writestr("x", b"x")
        packed.infolist()[-1].filename = ""
    with pytest.raises(RunError, match="The zip holds '', expected nothing but"):
        import_run(content.getvalue(), tmp_path)


def test_no_zip_at_all(tmp_path):
    for content in (b"", b"nonsense", b"PK\x03\x04"):
        assert refused(content, tmp_path).startswith("This is no zip file, or a damaged one")


def test_an_encrypted_zip_is_refused(files, tmp_path):
    content = bytearray(pack({"config.json": files["config.json"]}))
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 8] |= 1
    assert "encrypted" in refused(bytes(content), tmp_path)


def test_a_folder_that_cannot_be_written_is_named(run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"Can't import a run into .*file"):
        import_run(export_run(run), tmp_path / "file")


def test_what_is_written_in_the_meantime_does_not_hurt(run, tmp_path):
    copy = import_run(export_run(run), tmp_path)
    (copy.path / "model.npz").unlink()
    write_json(copy.path / "status.json", asdict(replace(run.status, state="stopped")))
    assert import_run(export_run(copy.refresh()), tmp_path).status.state == "stopped"
