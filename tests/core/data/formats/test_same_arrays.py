"""The same images give the same arrays in every format."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mnist_core.data.formats.look import look, read_source
from tests.core.data.formats import writers

pytest.importorskip("pyarrow")

WRITERS = {
    "IDX": writers.idx,
    "CSV": writers.csv,
    "NumPy": writers.npz,
    "pictures": writers.pictures,
    "parquet": writers.parquet,
    "MATLAB": writers.mat,
}


@st.composite
def data_sets(draw):
    """Images and labels of both splits; square ones, since a row of pixels doesn't say how high it is."""
    side = draw(st.integers(2, 5))
    arrays = {}
    for split in ("train", "test"):
        count = draw(st.integers(1, 6))
        values = st.integers(0, 255) | st.sampled_from((0, 1, 255)) if draw(st.booleans()) else st.integers(0, 1)
        images = draw(npst.arrays(np.uint8, (count, side, side), elements=values))
        arrays[split] = images, draw(npst.arrays(np.int64, count, elements=st.integers(0, 9)))
    return arrays


def assert_source_is(source, arrays):
    assert set(source.splits) == set(arrays)
    scale = 255 if max(images.max() for images, _ in arrays.values()) == 1 else 1
    scale = 255 / 16 if max(images.max() for images, _ in arrays.values()) == 16 else scale
    for split, (images, labels) in arrays.items():
        found = source.splits[split]
        assert found.images.dtype == np.uint8
        assert found.labels.dtype == np.int64
        np.testing.assert_array_equal(found.images, np.rint(images * scale))
        np.testing.assert_array_equal(found.labels, labels)


@settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow])
@given(arrays=data_sets(), zipped=st.booleans())
def test_every_format_gives_the_same_arrays(arrays, zipped):
    check_formats(arrays, zipped)


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(arrays=data_sets(), zipped=st.booleans())
def test_many_data_sets_give_the_same_arrays_in_every_format(arrays, zipped):
    check_formats(arrays, zipped)


def check_formats(arrays, zipped):
    with tempfile.TemporaryDirectory() as place:
        for name, write in WRITERS.items():
            folder = Path(place, name)
            folder.mkdir()
            path = write(arrays, folder)
            if zipped:
                path = writers.zipped(folder, Path(place, f"{name}.zip"))
            source = read_source(path)
            assert source.format == name
            assert_source_is(source, arrays)
            found = look(path)
            assert (found.format, found.problem) == (name, None)
            assert [file.problem for file in found.files] == [None] * len(found.files)
