"""Whether visitors may run code here."""

import os

from pages.components.hosts import REACHED, serves_others

VARIABLE = "MNIST_ALLOW_CODE"
OFF = (
    f"{REACHED} it runs no code of its visitors. Whoever runs it allows that with the environment variable "
    f"{VARIABLE}=1, once docs/security.md has been read; or check the file on your own computer: "
    "mnist check my_network.py"
)


def why_no_code() -> str | None:
    """Say why visitors can't run code here, if they can't."""
    return OFF if serves_others() and os.environ.get(VARIABLE) != "1" else None
