"""What each step is worth, and what a rubric may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.assignment.autograder import to_toml
from mnist_core.assignment.cases import SEEDS
from mnist_core.assignment.check import Report
from mnist_core.assignment.finding import Finding
from mnist_core.assignment.rubric import CHECKS, Rubric, read_rubric
from mnist_core.assignment.source import parse_submission
from mnist_core.errors import AssignmentError


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "rubric.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("finding", "points"),
    [
        (Finding("softmax", "correct"), 4),
        (Finding("softmax", "correct", "initialize-global-seed"), 4),
        (Finding("softmax", "wrong", "softmax-over-batch"), 1),
        (Finding("softmax", "wrong", sentence="measured facts"), 0),
        (Finding("softmax", "missing"), 0),
        (Finding("softmax", "skipped"), 0),
        (Finding("sigmoid", "correct"), 0),
    ],
)
def test_a_wrong_step_whose_mistake_is_named_gives_a_part(finding, points):
    assert Rubric({"softmax": 4.0}, partial=0.25).score(finding) == points


def test_a_step_that_was_not_reached_gives_nothing():
    submission = parse_submission("a.py", b"")
    report = Report(submission, None, (Finding("sigmoid", "correct"),), "", 1.0)
    assert Rubric({"sigmoid": 2.0, "softmax": 3.0}).scores(report) == {"sigmoid": 2.0, "softmax": 0.0}


def test_a_rubric_is_read(write):
    rubric = read_rubric(write("partial = 0.3\nseed = 7\n[points]\nback_propagate = 5\nsoftmax = 2.5\ntrain = 1\n"))
    assert rubric == Rubric({"softmax": 2.5, "back_propagate": 5.0, "train": 1.0}, 0.3, 7)
    assert list(rubric.points) == ["softmax", "back_propagate", "train"]
    assert rubric.total == 8.5


@pytest.mark.parametrize("text", ["", "partial = 0\n", "[points]\n" + "".join(f"{n} = 1\n" for n in CHECKS)])
def test_what_is_left_out_is_the_built_in(write, text):
    rubric = read_rubric(write(text))
    assert rubric.points == (Rubric().points if "points" not in text else dict.fromkeys(CHECKS, 1.0))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("points = ", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        ("x = " + "[" * 20_000, "is not TOML"),
        (f"partial = {'9' * 5000}", "is not TOML"),
        (b"#" * 200_000, "is not TOML .*at most 0.1"),
        ("weights = 1", "has 'weights', expected points, partial and seed"),
        ("points = 3", "gives points for 3, expected some of read_idx"),
        ("[points]\nsoftmx = 1", "gives points for 'softmx'.* Did you mean softmax?"),
        ("[points]\nsoftmax = -1", "has softmax = -1, expected 0 to 1000"),
        ("[points]\nsoftmax = 1001", "has softmax = 1001, expected 0 to 1000"),
        ("[points]\nsoftmax = nan", "has softmax = nan"),
        ("[points]\nsoftmax = inf", "has softmax = inf"),
        ("[points]\nsoftmax = true", "has softmax = True"),
        ("[points]\nsoftmax = '2'", "has softmax = '2'"),
        ("[points]\nsoftmax = [2]", "has softmax = a list"),
        ("partial = 1.5", "has partial = 1.5, expected 0 to 1"),
        ("partial = 'half'", "has partial = 'half'"),
        ("seed = -1", "has seed = -1, expected a whole number, 0 to 4294967295"),
        ("seed = 4294967296", "has seed = 4294967296"),
        ("seed = 1.0", "has seed = 1.0"),
        ("seed = true", "has seed = True"),
        ("[points]", "gives no points"),
        ("[points]\nsoftmax = 0", "gives no points"),
    ],
)
def test_a_rubric_that_is_wrong_says_what_was_expected(write, text, sentence):
    with pytest.raises(AssignmentError, match=f"The rubric .*rubric.toml {sentence}"):
        read_rubric(write(text))


def test_a_rubric_that_is_missing_says_so(tmp_path):
    with pytest.raises(AssignmentError, match=r"can't be read .*choose another file"):
        read_rubric(tmp_path / "gone.toml")
    with pytest.raises(AssignmentError, match="no plain file"):
        read_rubric(tmp_path)


@given(
    st.dictionaries(st.sampled_from(CHECKS), st.floats(0.001, 1000), min_size=1),
    st.floats(0, 1),
    st.integers(*SEEDS),
)
def test_a_rubric_that_is_written_is_read_again(tmp_path_factory, points, partial, seed):
    path = tmp_path_factory.mktemp("rubric") / "rubric.toml"
    path.write_text(to_toml(Rubric(points, partial, seed)), encoding="utf-8")
    assert read_rubric(path) == Rubric(points, partial, seed)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_are_a_surprise(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("rubric") / "rubric.toml"
    path.write_bytes(content)
    try:
        assert read_rubric(path).total > 0
    except AssignmentError as error:
        assert "rubric.toml" in str(error)
