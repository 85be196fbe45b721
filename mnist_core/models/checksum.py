"""The checksum of a network's arrays, for formats that have none of their own."""

import hashlib

import numpy as np


def checksum(arrays: dict[str, np.ndarray]) -> str:
    """SHA-256 of names, types, shapes and values, in hexadecimal digits; the order of the arrays does not matter.

    Parameters
    ----------
    arrays : dict of ndarray
        As :meth:`Network.to_arrays` gives them.
    """
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.name} {array.shape}\n".encode())
        digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()
