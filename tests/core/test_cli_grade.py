"""``mnist grade`` on the command line."""

import csv
import json
import zipfile

import pytest

from mnist_core.assignment.kept import NAME
from mnist_core.cli import main
from tests.core.assignment.class_room import OVER_BATCH, SIGMOID, write_class
from tests.core.assignment.styles import STYLES

RUBRIC = "partial = 0.25\n[points]\nsigmoid = 2\nsoftmax = 4\n"


@pytest.fixture
def folder(tmp_path):
    return write_class(tmp_path / "class", ada=SIGMOID, bob=SIGMOID + OVER_BATCH, eve=b"\xff")


@pytest.fixture
def rubric(tmp_path):
    path = tmp_path / "rubric.toml"
    path.write_text(RUBRIC)
    return path


def test_a_line_for_each_student_then_the_class(folder, rubric, capsys):
    assert main(["grade", str(folder), "--rubric", str(rubric)]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line for line in lines[:3]}
    assert rows["ada"].split()[1:4] == ["2", "of", "6"]
    assert "softmax: There is no function softmax" in rows["ada"]
    assert rows["bob"].split()[1:4] == ["3", "of", "6"]
    assert "eve.py can't be decoded" in rows["eve"]
    summary = "\n".join(lines[3:])
    assert "2 files graded, 1 not; mean 42% of the points" in summary
    assert "1 x mistake softmax-over-batch  " in summary
    assert "2 x first step that fails softmax" in summary


def test_the_table_has_a_row_a_student_and_a_column_a_step(folder, rubric, tmp_path, capsys):
    path = tmp_path / "grades.csv"
    assert main(["grade", str(folder), "--rubric", str(rubric), "--csv", str(path)]) == 0
    assert f"wrote {path}" in capsys.readouterr().out
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["ada", "bob", "eve"]
    assert list(rows["bob"]) == [
        "student", "points", "total", "sigmoid", "softmax", "findings", "seconds", "file", "sha256",
    ]  # fmt: skip
    assert (rows["bob"]["points"], rows["bob"]["softmax"], rows["bob"]["total"]) == ("3.0", "1.0", "6.0")
    assert float(rows["eve"]["points"]) == 0 and "decoded" in rows["eve"]["findings"]


def test_the_same_code_under_other_names_is_noted_as_a_hint(tmp_path, rubric, capsys):
    text = STYLES["a class"]
    folder = write_class(tmp_path / "class", ada=text, bob=text.replace("delta", "d").replace("dW", "grads"))
    assert main(["grade", str(folder), "--rubric", str(rubric)]) == 0
    assert "note: ada and bob share 100% of their code: have a look." in capsys.readouterr().err


def test_results_for_gradescope(folder, rubric, tmp_path):
    place = tmp_path / "results"
    assert main(["grade", str(folder), "--rubric", str(rubric), "--gradescope", str(place)]) == 0
    assert sorted(path.parent.name for path in place.rglob("results.json")) == ["ada", "bob", "eve"]
    assert json.loads((place / "bob" / "results.json").read_text(encoding="utf-8"))["score"] == 3


def test_the_submission_of_one_student(tmp_path, rubric, capsys):
    folder = write_class(tmp_path / "submission", my_network=SIGMOID)
    command = ["grade", str(folder), "--single", "--rubric", str(rubric), "--gradescope", str(tmp_path / "results")]
    assert main(command) == 0
    assert json.loads((tmp_path / "results" / "results.json").read_text(encoding="utf-8"))["score"] == 2
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert not (folder / NAME).exists()


def test_an_autograder_is_packed_without_grading(rubric, tmp_path, capsys):
    path = tmp_path / "autograder.zip"
    assert main(["grade", "--autograder-zip", str(path), "--rubric", str(rubric), "--seed", "77"]) == 0
    with zipfile.ZipFile(path) as archive:
        packed = archive.read("rubric.toml").decode()
    assert "seed = 77\n" in packed and "softmax = 4.0" in packed
    assert "autograder.zip" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--jobs", "0"], "--jobs: found 0, expected 1 to 64"),
        (["--jobs", "65"], "--jobs: found 65, expected 1 to 64"),
        (["--seed", "-1"], "--seed: found -1, expected 0 to 4294967295"),
        (["--seed", "4294967296"], "--seed: found 4294967296, expected"),
        (["--gradescope", "{folder}/results"], "lies in the folder of the submissions: choose another one"),
    ],
)
def test_wrong_usage_says_what_was_expected(folder, capsys, options, sentence):
    with pytest.raises(SystemExit) as end:
        main(["grade", str(folder), *(option.format(folder=folder) for option in options)])
    assert end.value.code == 2
    assert sentence in capsys.readouterr().err
    assert not (folder / NAME).exists()


def test_without_a_folder_it_says_so(capsys):
    with pytest.raises(SystemExit):
        main(["grade"])
    assert "grade needs the folder of the submissions" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{tmp}/gone"], "can't be read (No such file or directory): choose another one."),
        (["{tmp}"], "holds no .py or .ipynb file and no folder: choose another one."),
        (["{tmp}", "--single"], "No .py or .ipynb file."),
        (["{tmp}/gone", "--single"], "There is no folder"),
        (["{tmp}", "--rubric", "{tmp}/gone.toml"], "The rubric"),
    ],
)
def test_what_can_not_be_graded_gets_a_sentence(tmp_path, capsys, arguments, sentence):
    (tmp_path / "empty").mkdir()
    code = main(["grade", *(argument.format(tmp=tmp_path / "empty") for argument in arguments)])
    out, error = capsys.readouterr()
    assert sentence in out + error
    assert code == (0 if "No .py" in sentence else 1)


def test_names_and_messages_control_no_terminal(tmp_path, rubric, capsys):
    text = SIGMOID + "def softmax(z):\n    raise ValueError('\\x1b[2J\\u202egnirts\\n\\nerror: no')\n"
    folder = write_class(tmp_path / "class", **{"ada\x1b[31m": text})
    assert main(["grade", str(folder), "--rubric", str(rubric)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\u202e" not in out
    assert sum("ada" in line for line in out.splitlines()) == 1
    assert not any(line.startswith("error") for line in out.splitlines())


def test_inputs_that_students_have_seen_are_noted(folder, rubric, capsys):
    own = rubric.with_name("own.toml")
    own.write_text("seed = 1\n" + rubric.read_text())
    for path, options, noted in ((rubric, [], True), (rubric, ["--seed", "1"], False), (own, [], False)):
        assert main(["grade", str(folder), "--rubric", str(path), *options]) == 0
        assert ("seed 0 gives the inputs that mnist check shows" in capsys.readouterr().err) == noted
