"""Hostile text in every field that a file, an address or a person can set: no page shows it as markup."""

import hashlib
import json
import re
import shutil

import pytest

from mnist_core.assignment.grades import Grade, StepGrade
from mnist_core.assignment.kept import KeptGrades, key_of
from mnist_core.assignment.rubric import Rubric
from mnist_core.data.dataset import load_dataset
from mnist_core.runs.about import About
from mnist_core.runs.archive import export_run
from mnist_core.untrusted import UntrustedText
from pages.components.router import PAGES
from tests.core.assignment.class_room import write_class
from tests.helpers import by_label, encode, enlarged, texts, unescaped
from tests.hostile_text import FOLDER_NAME, LISTENER, UNESCAPED, address_names, hostile_parts, plant

EVERYTHING = " ".join(hostile_parts(LISTENER).values())
INTERPRET_NOTHING = {"code", "text", "arrow_data_frame", "dataframe", "html", "text_input", "text_area", "json"}


def interpreted(app):
    """All texts on the page that Streamlit reads as Markdown, without code."""

    def walk(block):
        for node in block.children.values():
            if node.type not in INTERPRET_NOTHING:
                proto = getattr(node, "proto", None)
                for name in ("label", "body", "help", "title", "value", "delta", "text", "caption"):
                    for owner in (proto, getattr(proto, "expandable", None), getattr(node, "dialog", None)):
                        text = getattr(owner, name, None)
                        if isinstance(text, str):
                            yield text
            if hasattr(node, "children"):
                yield from walk(node)

    for block in (app.main, app.sidebar):
        yield from walk(block)


def assert_harmless(app):
    for text in interpreted(app):
        found = UNESCAPED.search(re.sub(r"(?<!\\)(`+).*?\1", "", text))
        assert not found, f"{found.group()} in {text}"


@pytest.fixture
def hostile(finished, make_run):
    """A finished run, a failed one, and two damaged ones, all hostile; the newest is a failed one."""
    failed, damaged = make_run(state="failed", epoch=1), make_run()
    plant(failed.path, LISTENER)
    plant(damaged.path, LISTENER)
    config = damaged.path.rename(damaged.path.with_name(FOLDER_NAME)) / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"created": EVERYTHING}), encoding="utf-8")
    plant(finished.path, LISTENER)
    return finished.refresh()


def test_the_search_finds_what_is_not_escaped():
    parts = hostile_parts(LISTENER)
    assert all(UNESCAPED.search(part) for part in parts.values())


@pytest.mark.parametrize("page", [info.file for info in PAGES])
def test_text_of_files_is_shown_as_it_is(open_page, hostile, page):
    app = open_page(page, run=hostile.id, runs=hostile.id)
    assert_harmless(app)
    if page in ("overview", "training", "evaluation", "runs"):
        assert "zqimage" in " ".join(interpreted(app))


@pytest.mark.parametrize("page", [info.file for info in PAGES])
def test_text_of_the_address_is_shown_as_it_is(open_page, finished, page):
    given = dict.fromkeys(address_names(), EVERYTHING)
    if page != "overview":
        del given["data"]  # which ends all other pages
    app = open_page(page, **given)
    assert_harmless(app)
    assert hostile_parts(LISTENER)["strong"] in unescaped(app.warning) + unescaped(app.error)


def test_the_lines_of_a_note_stay_lines_and_make_nothing_of_one_another(open_page, finished):
    lines = ["title", "===", "", "a | b", "--- | ---", "    code", "1. one", "# heading"]
    finished.describe(About.of("", "\n".join(lines), ()))
    app = open_page("runs", runs=finished.id)
    (note,) = [caption.value for caption in app.caption if "title" in caption.value]
    assert note.replace("\\", "").replace("\N{WORD JOINER}", "").split("  \n") == [line.strip() for line in lines]
    assert re.search(r"\n\\=== *\n", note)
    assert re.search(r"\n1\\. one", note)


def test_a_failed_run_quotes_its_error(open_page, hostile):
    app = open_page("training")
    assert_harmless(app)
    assert hostile_parts(LISTENER)["strong"] in unescaped(app.error)


def test_comparing_naming_and_deleting_hostile_runs(open_page, hostile, finished_folder, tmp_path):
    other = shutil.copytree(finished_folder, tmp_path / "runs" / "20260101-000000-abcd")
    plant(other, LISTENER)
    app = open_page("runs", runs=f"{hostile.id},{other.name}")
    assert_harmless(app)
    app.button(key=f"edit_{hostile.id}").click().run()
    assert_harmless(app)
    app.button(key="delete").click().run()
    app.button(key="delete_confirmed").click().run()
    assert_harmless(app)
    app.button(key="undo").click().run()
    assert_harmless(app)


def test_an_imported_run_says_nothing_but_its_text(open_page, hostile):
    zipped = export_run(hostile)
    shutil.rmtree(hostile.path)
    app = open_page("runs")
    app.file_uploader[0].set_value([(f"{EVERYTHING}.zip", zipped, "application/zip")]).run()
    assert not app.error, app.error[0].value
    assert "**zqstrong**" in unescaped(app.markdown)
    assert_harmless(app)


def test_kept_grades_of_a_class_say_nothing_but_their_text(open_page, tmp_path):
    content = "def sigmoid(z):\n    return z\n"
    folder = write_class(tmp_path / "class", ada=content)
    found = StepGrade("wrong", 0.0, 1.0, UntrustedText(EVERYTHING), (EVERYTHING,))
    one = Grade(UntrustedText("ada"), UntrustedText("ada.py"), "", {EVERYTHING: found}, seconds=1.0)
    KeptGrades(folder).add(key_of(hashlib.sha256(content.encode()).hexdigest(), Rubric(), 0), one)
    app = open_page("class_grades")
    by_label(app.text_input, "Folder of the submissions").set_value(str(folder))
    by_label(app.button, "Grade").click().run()
    app.session_state["grading"].wait(30)
    app.run()
    assert_harmless(app)
    assert unescaped(app.markdown).count("**zqstrong**") == 2
    assert "**zqstrong**" in unescaped(app.caption)


def test_names_of_uploads_are_shown_as_they_are(open_page, finished):
    digit = encode(enlarged(load_dataset("sample").test_images[0]))
    app = open_page("upload")
    app.file_uploader[0].set_value(
        [(f"{EVERYTHING}.png", digit, "image/png"), (f"{EVERYTHING}.jpg", b"x", "image/jpeg")]
    ).run()
    assert_harmless(app)
    assert "**zqstrong**" in texts(app.markdown)
    assert "**zqstrong**" in texts(app.error)
    app = open_page("evaluation")
    uploader = by_label(app.file_uploader, "Model file (.npz or .safetensors)")
    uploader.set_value((f"{EVERYTHING}.npz", (finished.path / "model.npz").read_bytes(), "application/zip")).run()
    assert_harmless(app)
    assert "**zqstrong**" in unescaped(app.caption)


def test_a_data_folder_is_called_what_it_is_called(open_page, tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder(), tmp_path / FOLDER_NAME)
    for page in ("overview", "dataset", "training"):
        app = open_page(page, data=str(folder))
        assert not app.error
        assert_harmless(app)
        assert "**zqstrong**" in unescaped(app.sidebar.markdown)
