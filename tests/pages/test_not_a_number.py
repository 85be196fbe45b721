"""A model that is no longer a number, in a run of before checksums: each page says so in a sentence."""

import numpy as np
import pytest

from mnist_core.runs.files import write_npz
from tests.helpers import unescaped, without_checksums


@pytest.fixture(params=[np.nan, np.inf, 3e38], ids=str)
def not_finite(finished, request):
    """A finished run of an older version, whose model is not finite, or overflows."""
    network = finished.load_network()
    network.parameters[:] = request.param
    write_npz(finished.path / "model.npz", network.to_arrays())
    return without_checksums(finished)


@pytest.mark.parametrize("page", ["evaluation", "inside"])
def test_each_page_that_measures_the_model_says_so(not_finite, open_page, page):
    said = unescaped(open_page(page).error)
    assert "not a number" in said or "not finite" in said
