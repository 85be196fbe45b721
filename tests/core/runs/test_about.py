"""What people say of a run; and the trash, where runs wait for an undo."""

import os
import sys
import time
from dataclasses import asdict

import pytest
from filelock import FileLock

from mnist_core.errors import RunError
from mnist_core.runs.about import About
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.files import worker_lock, write_json
from mnist_core.runs.run import create_run, find_run, list_runs, read_run
from mnist_core.runs.status import Status
from mnist_core.runs.trash import delete_run, empty_trash, restore_run
from mnist_core.training.config import TrainingConfig
from mnist_core.untrusted import UntrustedText

REFERENCE = DatasetReference(UntrustedText("somewhere"), "sample", None, {"file": "abc"})


@pytest.fixture
def run(tmp_path):
    run = create_run(TrainingConfig(), REFERENCE, tmp_path)
    write_json(run.path / "status.json", asdict(Status("finished")))
    return run.refresh()


def test_a_run_is_named_tagged_and_noted(run):
    before = {name: (run.path / name).read_bytes() for name in ("config.json", "status.json")}
    assert run.about == About()
    about = About.of("  my \n best  run ", " a note\nof two lines ", ("fast", " ", "fast", "two  words"))
    assert about == About.of("my best run", "a note\nof two lines", ("fast", "two words"))
    described = run.describe(about)
    assert described.about == about
    assert described == run.refresh() == list_runs(run.path.parent)[0] == find_run(run.id, run.path.parent)
    assert {name: (run.path / name).read_bytes() for name in before} == before


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "x" * 81}, "The name 'xxxxxxxxxxxxxxxxxxxx'… has 81 characters, expected at most 80"),
        ({"note": "x" * 2001}, "has 2,001 characters, expected at most 2,000"),
        ({"tags": ["x" * 31]}, "The tag .* has 31 characters, expected at most 30"),
        ({"tags": list("abcdefghijk")}, "Found 11 tags, expected at most 10"),
        ({"name": None}, "must be text"),
        ({"tags": [1]}, "must be text"),
        ({"tags": "ab"}, "must be text"),
    ],
)
def test_what_is_too_long_or_no_text_is_refused(values, message):
    with pytest.raises(RunError, match=message):
        About.of(**values)


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"name": 3}', '{"tags": "ab"}', '{"name": null}', "[" * 100_000])
def test_a_damaged_about_takes_nothing_else_down(run, content):
    (run.path / "about.json").write_text(content)
    (listed,) = list_runs(run.path.parent)
    assert listed.problem is None
    assert listed.status.state == "finished"
    assert listed.about == About()
    assert listed.about.problem.startswith("about.json can't be read")
    assert listed.describe(About.of("new")).refresh().about.problem is None


def test_words_of_a_later_version_are_left_alone(run):
    write_json(run.path / "about.json", {"name": "mine", "stars": 5})
    assert run.refresh().about == About.of("mine")


def test_a_deleted_run_is_not_listed_and_comes_back_whole(run, tmp_path):
    delete_run(run)
    assert list_runs(tmp_path) == []
    with pytest.raises(RunError, match="No run"):
        find_run(run.id, tmp_path)
    assert restore_run(run.id, tmp_path) == run
    assert list_runs(tmp_path) == [run]


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_under_way_is_not_deleted(run, tmp_path, state):
    write_json(run.path / "status.json", asdict(Status(state, heartbeat=time.time())))
    with pytest.raises(RunError, match=f"is {state}: pause or stop it first"):
        delete_run(run)  # which was finished when the caller looked
    assert [one.id for one in list_runs(tmp_path)] == [run.id]


@pytest.mark.parametrize("state", ["interrupted", "damaged"])
def test_a_dead_or_damaged_run_is_deleted(run, tmp_path, state):
    content = asdict(Status("running", heartbeat=1.0)) if state == "interrupted" else {"nonsense": 1}
    write_json(run.path / "status.json", content)
    assert read_run(run.path).status.state == state
    delete_run(run)
    assert list_runs(tmp_path) == []


def test_a_run_whose_labels_are_checked_is_not_deleted(run):
    with FileLock(run.path / "cross_validation.lock"), pytest.raises(RunError, match="stop the check of its labels"):
        delete_run(run)
    assert run.path.is_dir()
    delete_run(run)


def test_a_run_whose_worker_still_writes_is_not_deleted(run):
    with worker_lock(run.path), pytest.raises(RunError, match="is being worked on"):
        delete_run(run)
    assert run.refresh().problem is None


def test_what_is_gone_is_said(run, tmp_path):
    delete_run(run)
    with pytest.raises(RunError, match="is no longer there"):
        delete_run(run)
    assert list(tmp_path.glob("2*")) == []
    empty_trash(tmp_path, [run.id])
    with pytest.raises(RunError, match="can't be brought back"):
        restore_run(run.id, tmp_path)


def test_a_run_is_not_restored_over_another_one(run, tmp_path):
    delete_run(run)
    (tmp_path / run.id).mkdir()
    with pytest.raises(RunError, match="already"):
        restore_run(run.id, tmp_path)


def test_the_trash_is_emptied_of_what_is_named_and_what_is_old(tmp_path):
    empty_trash(tmp_path)
    runs = [create_run(TrainingConfig(), REFERENCE, tmp_path) for _ in range(3)]
    for run in runs:
        write_json(run.path / "status.json", asdict(Status("stopped")))
        delete_run(run)
    empty_trash(tmp_path)
    trash = tmp_path / ".trash"
    assert {path.name for path in trash.iterdir()} == {run.id for run in runs}
    empty_trash(tmp_path, [runs[0].id])
    os.utime(trash / runs[1].id, (1, time.time() - 3700))
    empty_trash(tmp_path)
    assert [path.name for path in trash.iterdir()] == [runs[2].id]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
@pytest.mark.parametrize("target", ["there", "gone"])
@pytest.mark.parametrize("why", ["named", "old"])
def test_a_link_to_a_run_is_removed_for_good_and_the_run_stays(run, tmp_path, target, why):
    elsewhere = tmp_path / "elsewhere" / run.id
    elsewhere.parent.mkdir()
    run.path.rename(elsewhere)
    run.path.symlink_to(elsewhere)
    delete_run(run)
    assert list_runs(tmp_path / "x") == []
    assert restore_run(run.id, tmp_path).problem is None
    delete_run(run)
    (link,) = (tmp_path / ".trash").iterdir()
    if target == "gone":
        elsewhere.rename(tmp_path / "moved")
    empty_trash(tmp_path)
    assert link.is_symlink(), "it waits for an undo"
    if why == "old":
        os.utime(link, (1, time.time() - 3700), follow_symlinks=False)
    empty_trash(tmp_path, [run.id] if why == "named" else [])
    assert list((tmp_path / ".trash").iterdir()) == []
    assert (elsewhere if target == "there" else tmp_path / "moved").is_dir()


def test_a_stray_file_and_killed_drafts_leave_the_runs_folder_in_an_hour(run, tmp_path):
    (tmp_path / ".trash").mkdir()
    (tmp_path / ".trash" / "file").write_text("stray")
    drafts = [tmp_path / name for name in (".import-20260101-000000-abcd", ".20260101-000000-abcd")]
    kept = [tmp_path / name for name in (".queue", ".slots", ".data", ".mine")]
    for path in (*drafts, *kept):
        path.mkdir()
    empty_trash(tmp_path, older_than=0)
    assert all(path.exists() for path in drafts), "one may be filled right now"
    assert list((tmp_path / ".trash").iterdir()) == []
    for path in (*drafts, *kept):
        os.utime(path, (1, time.time() - 3700))
    empty_trash(tmp_path)
    assert not any(path.exists() for path in drafts)
    assert all(path.exists() for path in kept)
    assert run.refresh().problem is None


def test_a_run_created_in_an_impossible_time_is_damaged(run):
    for created in (1e300, -1, 10**400):
        write_json(run.path / "config.json", {"created": created, "training": {}, "dataset": asdict(REFERENCE)})
        assert "created is" in run.refresh().problem
