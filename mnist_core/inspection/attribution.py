"""Why a digit was classified as it was: what its pixels pulled towards, and which training digits lie nearest."""

import numpy as np

from mnist_core.data.preprocessing import flatten, normalize
from mnist_core.nn.network import Network

CHUNK = 8192


def gradient_times_input(network: Network, image: np.ndarray) -> np.ndarray:
    """How much each pixel pulled towards each class: the slope of the class's logit at the pixel, times the pixel.

    With z the logits and x the pixels, ``x_i dz_k/dx_i``: to first order what the logit would lose without the pixel
    (A. Shrikumar et al., *Not Just a Black Box*, 2016). In a network of ReLU without biases they add up to the logit.

    Parameters
    ----------
    network : Network
    image : ndarray of uint8, shape (H, W)

    Returns
    -------
    ndarray of the network's dtype, shape (C, H, W)
    """
    x = flatten(normalize(image[np.newaxis]))
    return (network.logit_gradients(x) * x).reshape(-1, *image.shape)
