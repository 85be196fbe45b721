"""Whether images are dark on light, as ink on paper is, and not light on black as MNIST's are."""

import numpy as np

MOST = 1000
"""Images looked at, evenly spread."""

LIGHT = 128
"""Grey level of the border from which on it is light."""

CONTRAST = 16
"""Grey levels by which the border of an image must be lighter than its inside."""

CLEAR = 0.8
"""Share of the images that must agree."""


def is_dark_on_light(images: np.ndarray) -> bool:
    """Tell whether images are mostly dark on light, by their borders.

    Around a digit there is paper: the median of an image's outermost pixels is the grey level of its paper. Where
    four of five images have a light border that is lighter than the mean of their inside, the ink is dark. Photos and
    noise have no such border, and are left as they are.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W)
    """
    if not len(images) or min(images.shape[1:]) < 3:
        return False
    some = images[np.linspace(0, len(images) - 1, min(len(images), MOST)).astype(int)]
    inside = some[:, 1:-1, 1:-1].mean(axis=(1, 2))
    rows, columns = some[:, [0, -1], :], some[:, 1:-1, [0, -1]]
    border = np.median(np.concatenate([each.reshape(len(some), -1) for each in (rows, columns)], axis=1), axis=1)
    return bool(((border >= LIGHT) & (border - inside >= CONTRAST)).mean() >= CLEAR)
