"""Who handed in which file, whatever lies in the folder."""

import os
import unicodedata

import pytest

from mnist_core.assignment.roster import read_roster, read_single
from mnist_core.errors import AssignmentError


def rows(folder):
    return {entry.student.plain: entry.path.name if entry.path else entry.problem for entry in read_roster(folder)}


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x = 1\n")


def test_names_come_from_files_and_folders(tmp_path):
    write(tmp_path, "ada.py", "Bob Byte/my_network.ipynb", "zoë/week 3/net.PY")
    assert rows(tmp_path) == {"ada": "ada.py", "Bob Byte": "my_network.ipynb", "zoë": "net.PY"}


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("ada (1).py", "ada"),
        ("ada - (2).py", "ada"),
        ("student_02.py", "student_02"),
        ("ada_final.py", "ada"),
        ("ada_final_v2 (1).py", "ada"),
        ("ada copy.py", "ada"),
        ("photocopy.py", "photocopy"),
        ("lev2.py", "lev2"),
        ("(1).py", "(1)"),
        ("lovelaceada_4242_98765_my_network.py", "lovelaceada_4242"),
        ("lovelaceada_LATE_4242_98765_my_network-1.py", "lovelaceada_4242"),
        ("Ada Lovelace_4242_assignsubmission_file_my_network.py", "Ada Lovelace_4242"),
        ("Ada Lovelace_4242_assignsubmission_file_/my_network.py", "Ada Lovelace_4242"),
        ("ada.lovelace/net.py", "ada.lovelace"),
    ],
)
def test_what_platforms_and_file_managers_add_is_dropped(tmp_path, name, student):
    write(tmp_path, name)
    assert list(rows(tmp_path)) == [student]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("\x1b...py", "unnamed"),
        ("\x1b/net.py", "unnamed"),
        ("\u202e.. (1)/net.py", "unnamed"),
        ("\u200f..py", "unnamed"),
        ("\x1b.\x1b./net.py", "unnamed"),
        ("\x1b..\\..\\ada.py", ".._.._ada"),
        ("ada\n\tlovelace.py", "ada lovelace"),
        ("ada\x1b_LATE_4242_98765_net.py", "ada_4242"),
        (os.fsdecode(b"\xff" * 250) + ".py", "\ufffd" * 85),
    ],
)
def test_a_student_can_name_a_folder_whatever_the_file_is_called(tmp_path, name, student):
    write(tmp_path / "class", name)
    assert list(rows(tmp_path / "class")) == [student]
    (tmp_path / student).mkdir()
    assert (tmp_path / student).resolve().parent == tmp_path


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_that_look_alike_are_one_student(tmp_path):
    write(tmp_path, "ada.py", "ada\x1b.py", "\u200fada/net.py")
    assert rows(tmp_path) == {"ada": "3 files (ada.py, ada.py, net.py): leave the one that counts."}


@pytest.mark.parametrize(
    "names",
    [
        ("ada.py", "ada (1).py"),
        ("ada.py", "ada.ipynb"),
        ("ada/first.py", "ada/second.py"),
        ("ada.py", "ada/net.py"),
        ("Ada.py", "ada/net.py"),
        (unicodedata.normalize("NFC", "zoë.py"), unicodedata.normalize("NFD", "zoë.ipynb")),
    ],
)
def test_two_files_by_one_student_are_one_row_that_names_both(tmp_path, names):
    write(tmp_path, *names)
    (problem,) = rows(tmp_path).values()
    assert problem.startswith("2 files (")
    assert all(name.rsplit("/", 1)[-1] in problem for name in names)
    assert problem.endswith(": leave the one that counts.")


def test_of_very_many_files_a_few_are_named(tmp_path):
    write(tmp_path, *(f"ada/{number}.py" for number in range(200)))
    assert rows(tmp_path)["ada"] == "200 files (0.py, 1.py, 10.py, 100.py, 101.py, …): leave the one that counts."


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ((), "No .py or .ipynb file."),
        (("report.pdf",), "No .py or .ipynb file but report.pdf."),
        (("net.zip",), "net.zip is packed: unpack it."),
        (("report.pdf", "net.tar.gz"), "net.tar.gz is packed: unpack it."),
        (("__pycache__/net.cpython-311.pyc", ".ipynb_checkpoints/net-checkpoint.ipynb"), "No .py or .ipynb file."),
    ],
)
def test_a_folder_without_code_says_so(tmp_path, names, problem):
    (tmp_path / "ada").mkdir()
    write(tmp_path / "ada", *names)
    assert rows(tmp_path) == {"ada": problem}


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("ada.zip", "ada.zip is packed: unpack it."),
        ("ada.py.txt", "No .py or .ipynb file but ada.py.txt."),
        ("ada.docx", "No .py or .ipynb file but ada.docx."),
    ],
)
def test_a_file_that_is_no_code_says_so(tmp_path, name, problem):
    write(tmp_path, name)
    assert list(rows(tmp_path).values()) == [problem]


def test_what_editors_systems_and_teachers_leave_is_nobodys(tmp_path):
    write(tmp_path, "ada/net.py", "ada/.ipynb_checkpoints/net.py", "ada/__pycache__/net.py", "ada/__MACOSX/._net.py")
    write(tmp_path, ".grades.jsonl", "grades.csv", "rubric.toml", "README.md", "__MACOSX/x.py", ".venv/y.py")
    assert rows(tmp_path) == {"ada": "net.py"}


def test_a_link_is_not_followed(tmp_path):
    secret, folder = tmp_path / "secret.py", tmp_path / "class"
    write(tmp_path, "secret.py", "class/bob/net.py", "elsewhere/net.py")
    (folder / "ada.py").symlink_to(secret)
    (folder / "cleo").mkdir()
    (folder / "cleo" / "net.py").symlink_to(folder / "bob" / "net.py")
    (folder / "dan").symlink_to(tmp_path / "elsewhere")
    (folder / "eve.py").symlink_to(tmp_path / "gone.py")
    (folder / "fay").mkdir()
    (folder / "fay" / "all").symlink_to(folder)
    found = rows(folder)
    for student, name in (("ada", "ada.py"), ("cleo", "net.py"), ("eve", "eve.py")):
        assert found[student] == f"{name} is a link: put the file itself in its place."
    assert found["bob"] == "net.py"
    assert found["dan"].startswith("No .py or .ipynb file")
    assert found["fay"].startswith("No .py or .ipynb file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "ada.py")
    assert rows(tmp_path) == {"ada": "ada.py is no plain file: put one in its place."}


def test_students_are_in_the_order_of_their_names(tmp_path):
    write(tmp_path, "zoe.py", "ada/net.py", "Bob.py")
    assert list(rows(tmp_path)) == sorted(rows(tmp_path))


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir(), lambda path: path.write_text("x")])
def test_a_folder_with_nothing_to_grade_is_an_error(tmp_path, make):
    make(tmp_path / "class")
    with pytest.raises(AssignmentError, match=r"The folder .*class .*choose another one"):
        read_roster(tmp_path / "class")


def test_the_folder_of_one_student_is_one_entry(tmp_path):
    write(tmp_path, "submission/net.py", "submission/data/notes.txt")
    assert read_single(tmp_path / "submission").path == tmp_path / "submission" / "net.py"
    write(tmp_path, "submission/other.py")
    assert "2 files (net.py, other.py)" in read_single(tmp_path / "submission").problem
    with pytest.raises(AssignmentError, match="There is no folder"):
        read_single(tmp_path / "gone")
