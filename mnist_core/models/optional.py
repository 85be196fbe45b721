"""Packages that some model formats need, and what to say when they are missing."""


def install_hint(package: str) -> str:
    """Say how to install a package that a format needs."""
    return f"This format needs the package {package}, which is not installed: pip install {package}"
