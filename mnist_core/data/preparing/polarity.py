"""Whether images are dark on light, as ink on paper is, and not light on black as MNIST's are."""

import numpy as np

from mnist_core.data.preprocessing import evenly_spread

MOST = 1000
"""Images looked at, evenly spread."""

LIGHT = 128
"""Grey level of the border from which on it is light."""

CONTRAST = 16
"""Grey levels between the darkest and the lightest pixel of an image that shows something."""

LIGHTEST = 0.75
"""Where the paper is at least, from the darkest pixel (0) to the lightest (1)."""

CLEAR = 0.8
"""Share of the images that must agree."""


def is_dark_on_light(images: np.ndarray) -> bool:
    """Tell whether images are mostly dark on light, by their borders.

    Around a digit there is paper: the median of an image's outermost pixels is the grey level of its paper. Where
    that of four in five images is light, and among the lightest of the image, the ink is dark. Photos and noise have no
    such border, and are left as they are.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W)
    """
    if not len(images) or min(images.shape[1:]) < 3:
        return False
    some = images[evenly_spread(len(images), MOST)]
    low, high = (extreme(some, axis=(1, 2)).astype(int) for extreme in (np.min, np.max))
    rows, columns = some[:, [0, -1], :], some[:, 1:-1, [0, -1]]
    border = np.median(np.concatenate([each.reshape(len(some), -1) for each in (rows, columns)], axis=1), axis=1)
    on_paper = (border >= LIGHT) & (high - low >= CONTRAST) & (border - low >= LIGHTEST * (high - low))
    return bool(on_paper.mean() >= CLEAR)
