"""Ink is told from paper of any colour and light."""

import numpy as np

from mnist_core.handwriting.ink import is_light_paper, otsu


def test_polarity_is_found_on_unevenly_lit_paper():
    y, x = np.mgrid[-1:1:200j, -1:1:300j]
    for paper, ink in ((220, 60), (60, 220), (120, 40), (100, 180)):
        page = (paper - 40 * (x**2 + y**2) / 2).clip(0, 255)
        page[60:140, 145:160] = ink
        assert is_light_paper(page.astype(np.uint8)) == (paper > ink)


def test_otsu_separates_two_groups():
    assert 20 <= otsu(np.array([10] * 50 + [20] * 50 + [200] * 10)) < 200
