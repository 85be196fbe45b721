"""Pictures of handwriting for tests: drawn strokes, and pages as if photographed."""

import numpy as np
from PIL import Image, ImageDraw


def drawn(*lines, size=(400, 300), width=12):
    picture = Image.new("L", size, 0)
    for line in lines:
        ImageDraw.Draw(picture).line(line, fill=255, width=width)
    return np.asarray(picture)


def photographed(page, seed=0):
    """Grey ink on paper that is lit from one corner and shaded by a hand, with noise."""
    y, x = np.mgrid[0 : 1 : page.shape[0] * 1j, 0 : 1 : page.shape[1] * 1j]
    light = 200 - 70 * x - 40 * y**2 - 25 * (x + y > 1.2)
    noise = np.random.default_rng(seed).normal(0, 4, page.shape)
    return np.clip(light * (0.35 + 0.65 * page / 255) + noise, 0, 255).astype(np.uint8)
