"""Corrections: nothing is lost in the file, in whatever order they are merged, and they only fit their own images."""

import csv
import hashlib
import os
import re
import threading
from dataclasses import replace

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_core.data.corrected import shared_corrections
from mnist_core.data.corrected.agreement import compare
from mnist_core.data.corrected.corrections import Correction, Corrections, decide
from mnist_core.data.corrected.corrections_csv import COLUMNS
from mnist_core.data.corrected.shared_corrections import change_file
from mnist_core.data.dataset import Dataset
from mnist_core.errors import CorrectionsError
from mnist_core.untrusted import UntrustedText

IMAGES = np.random.default_rng(1).integers(0, 256, (12, 3, 2), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2], np.uint8)
DATA = Dataset(IMAGES[:8], LABELS[:8], IMAGES[8:], LABELS[8:], UntrustedText("tiny"), "full", None, {})


def sha(number):
    return hashlib.sha256(bytes([number])).hexdigest()


texts = st.text(max_size=30) | st.sampled_from(["=1+1", "'=1", "''-x", "＠a", "\t+1", 'a"b\n=c', "ä;b,c"])
decisions = st.builds(
    lambda split, index, old, new, who, when, why: Correction(
        split, index, sha(index), old, new, UntrustedText(who), when, UntrustedText(why)
    ),
    st.sampled_from(["train", "test"]),
    st.integers(0, 9),
    st.integers(0, 2),
    st.none() | st.integers(0, 3),
    texts,
    st.floats(0, 2e9),
    texts,
)
some = st.lists(decisions, max_size=6).map(lambda found: Corrections(tuple(found)))


@settings(deadline=None, max_examples=40)
@given(some)
def test_a_file_gives_back_what_was_written(corrections):
    again = Corrections.parse(corrections.content, "corrections.csv")
    assert again == corrections
    assert again.sha256 == hashlib.sha256(corrections.content).hexdigest() == corrections.sha256
    lines = corrections.content.decode().splitlines()
    assert len(lines) == 1 + len(corrections)
    assert not [cell for row in csv.reader(lines) for cell in row if re.match(r"[=+\-@＝＋－＠]", cell)]


@settings(deadline=None, max_examples=40)
@given(some, some, some)
def test_the_order_of_merging_does_not_matter(one, two, three):
    merged, conflicts = one.merge(two)
    again, others = two.merge(one)
    assert (merged, conflicts) == (again, others)
    assert merged.merge(three)[0] == one.merge(two.merge(three)[0])[0]
    assert merged.merge(one)[0] == merged
    assert {c.place for c in merged} == {c.place for c in one} | {c.place for c in two}
    for conflict in conflicts:
        assert conflict.kept.new != conflict.overruled.new
        assert conflict.kept.when >= conflict.overruled.when
        assert merged.get(*conflict.kept.place) == conflict.kept


def decided(news):
    return Corrections(tuple(Correction("train", n, sha(n), 0, new) for n, new in enumerate(news)))


def test_kappa_by_hand():
    """The example of Wikipedia's "Cohen's kappa": of 50 applications both accept 20 and reject 15."""
    one, two = decided([1] * 25 + [None] * 25), decided([1] * 20 + [None] * 5 + [1] * 10 + [None] * 15)
    found = compare(one.adding(Correction("test", 1, sha(1), 0, 1)), two)
    assert (found.both, found.only_first, found.only_second, found.same) == (50, 1, 0, 35)
    assert (found.share, found.kappa) == (0.7, pytest.approx(0.4))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8))
def test_kappa_is_symmetric_and_one_for_the_same_decisions(pairs):
    one, two = (decided([pair[n] or None for pair in pairs]) for n in (0, 1))
    found = compare(one, two)
    assert found.kappa == compare(two, one).kappa
    assert found.same == sum(a == b for a, b in pairs) == found.both - len(found.differences)
    assert compare(one, one).kappa == (1 if len({a for a, _ in pairs}) > 1 else None)
    assert found.kappa is None or -1 <= found.kappa <= 1


def test_applied_they_change_labels_and_leave_images_out():
    made = decide(DATA, "train", [(0, 2), (2, None), (5, None), (7, 1)]).merge(decide(DATA, "test", [(0, None)]))[0]
    corrected = made.apply(DATA)
    assert corrected.train_labels.tolist() == [2, 1, 0, 1, 0, 1]
    assert corrected.test_labels.tolist() == LABELS[9:].tolist()
    kept = made.positions(DATA, "train")
    np.testing.assert_array_equal(corrected.train_images, DATA.train_images[kept])
    assert corrected.train_labels.dtype == np.uint8
    assert not corrected.train_labels.flags.writeable
    assert (corrected.corrections, corrected.num_classes, corrected.checksums) == (made, 3, DATA.checksums)
    assert DATA.train_labels.tolist() == LABELS[:8].tolist()
    with pytest.raises(CorrectionsError, match="is corrected already"):
        made.apply(corrected)


def test_the_last_class_stays_when_it_loses_its_images():
    twos = [(index, 0) for index in np.flatnonzero(DATA.train_labels == 2)]
    made = decide(DATA, "train", twos).merge(decide(DATA, "test", [(0, 1), (3, None)]))[0]
    assert made.apply(DATA).train_labels.max() == 1
    assert made.apply(DATA).class_names == DATA.class_names


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"index": 99}, "training image 99 does not exist: there are 8"),
        ({"image_sha256": "0" * 64}, "image 1 is another one"),
        ({"old": 0}, "image 1 has the label 1, but 0 was corrected"),
        ({"new": 3}, "image 1 would become class 3, expected one of 0 to 2"),
    ],
)
def test_they_only_fit_their_own_data(change, problem):
    (right,) = decide(DATA, "train", [(1, 2)])
    with pytest.raises(CorrectionsError, match=problem):
        Corrections((replace(right, **change),)).apply(DATA)


def test_no_split_is_left_empty_and_no_two_images_are_joined():
    with pytest.raises(CorrectionsError, match="leave out all 4 test images"):
        decide(DATA, "test", [(n, None) for n in range(4)])
    (one,) = decide(DATA, "train", [(1, 2)])
    with pytest.raises(CorrectionsError, match="are about different images"):
        Corrections((one,)).merge(Corrections((replace(one, image_sha256=sha(0)),)))
    with pytest.raises(CorrectionsError, match="are about different images"):
        compare(Corrections((one,)), Corrections((replace(one, image_sha256=sha(0)),)))


def test_a_newer_decision_counts_even_if_the_clock_was_put_back():
    (one,) = decide(DATA, "train", [(1, 2)], when=100.0)
    made = Corrections((one,)).adding(replace(one, new=None, when=1.0))
    assert made.get("train", 1).new is None
    assert made.without("train", 1) == Corrections()


GOOD = f"train,1,{sha(1)},1,2,Ada,2026-11-25T18:12:10+00:00,bar"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (GOOD.replace("train", "val"), "line 2: split is 'val': expected one of train, test"),
        (GOOD.replace("train,1", "train,-1"), "line 2: index is '-1': expected the position"),
        (GOOD.replace("train,1", "train," + "9" * 5000), "line 2: index is '99999.*…': expected the position"),
        (GOOD.replace(",1,2,", ",1,,"), "line 2: new is '': expected a class, from 0 on, or drop"),
        (GOOD.replace(",1,2,", ",१,2,"), "line 2: old is"),
        (GOOD.replace("2026-11-25T18:12:10+00:00", "yesterday"), "line 2: when is 'yesterday': expected a date"),
        (GOOD.replace("2026", "0001"), "line 2: when is"),
        (GOOD.replace("bar", "b" * 501), "line 2: why is 'bbb"),
        (GOOD[:30], "line 2: when is ''"),
        ('"open', "line 2: when is"),
        ("x" * 200_000, "line 2 is no CSV"),
        (GOOD + "\n" + GOOD.replace(sha(1), sha(2)), "are about different images"),
    ],
)
def test_a_line_that_is_wrong_is_named(line, problem):
    with pytest.raises(CorrectionsError, match=problem):
        Corrections.parse(f"{','.join(COLUMNS)}\n{line}\n".encode(), "mine.csv")


def test_other_files_are_refused_with_what_is_expected(tmp_path):
    path = tmp_path / "mine.csv"
    for content, problem in ((b"", "no column split"), (b"a,b\n1,2\n", "no column split"), (b"\xff\xfe", "no UTF-8")):
        path.write_bytes(content)
        with pytest.raises(CorrectionsError, match=rf"mine\.csv: found .*{problem}.*Choose a CSV file of corrections"):
            Corrections.read(path)
    with path.open("wb") as file:
        file.truncate(30_000_001)
    with pytest.raises(CorrectionsError, match="expected at most 30"):
        Corrections.read(path)
    with pytest.raises(CorrectionsError, match="found no such file"):
        Corrections.read(tmp_path / "none.csv")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(CorrectionsError, match="it is no plain file"):
            Corrections.read(path)


def test_what_a_spreadsheet_makes_of_it_is_read():
    (one,) = Corrections.parse(f"{','.join(COLUMNS)}\n{GOOD}\n".encode(), "mine.csv")
    names = [*COLUMNS[::-1], "extra"]
    cells = [*GOOD.replace("+00:00", "").split(",")[::-1], ""]
    text = f"{';'.join(names)}\r\n{';'.join(cells)}\r\n\r\n"
    assert list(Corrections.parse(b"\xef\xbb\xbf" + text.encode(), "mine.csv")) == [one]


def test_two_people_who_decide_at_once_lose_nothing(tmp_path):
    path = tmp_path / "labels" / "corrections.csv"

    def decide_on(indices):
        for index in indices:
            change_file(path, lambda known, n=index: known.adding(*decide(DATA, "train", [(n, 0)])))

    people = [threading.Thread(target=decide_on, args=(range(start, 8, 2),)) for start in (0, 1)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert [one.index for one in Corrections.read(path)] == list(range(8))
    path.parent.chmod(0o500)
    try:
        if os.geteuid():
            with pytest.raises(CorrectionsError, match=r"Can't write .*make the folder writable"):
                change_file(path, lambda known: known)
    finally:
        path.parent.chmod(0o700)


def test_a_file_that_somebody_keeps_locked_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_corrections, "PATIENCE", 0.01)
    path = tmp_path / "corrections.csv"
    with (
        FileLock(tmp_path / ".corrections.csv.lock"),
        pytest.raises(CorrectionsError, match="somebody else has been writing it"),
    ):
        change_file(path, lambda known: known)
    (tmp_path / "file").write_text("")
    with pytest.raises(CorrectionsError, match=r"Can't write .*: check the folder"):
        change_file(tmp_path / "file" / "corrections.csv", lambda known: known)
