"""Attribution: how much each pixel contributes to the score of each class."""

import numpy as np

from mnist_core.data.preprocessing import flatten, normalize
from mnist_core.errors import EvaluationError
from mnist_core.nn.network import NOT_A_NUMBER, Network


def gradient_times_input(network: Network, image: np.ndarray) -> np.ndarray:
    """Attribute the logit of each class to the pixels: the gradient at each pixel, times the pixel.

    With z the logits and x the pixels:

        attribution of pixel i to class k = x_i dz_k/dx_i

    To first order this is what the logit loses without the pixel (A. Shrikumar et al., *Not Just a Black Box*, 2016).
    In a ReLU network without biases, the attributions of a class sum to its logit.

    Parameters
    ----------
    network : Network
    image : ndarray of uint8, shape (H, W)

    Returns
    -------
    ndarray of the network's dtype, shape (C, H, W)

    Raises
    ------
    DatasetError
        If the image size does not fit the network.
    EvaluationError
        If the output of the network, or its slope, is not a number.
    """
    x = flatten(normalize(image[np.newaxis]))
    with np.errstate(over="ignore", invalid="ignore"):
        attributions: np.ndarray = network.logit_gradients(x) * x
    if not np.isfinite(attributions).all():
        raise EvaluationError(NOT_A_NUMBER)
    return attributions.reshape(-1, *image.shape)
