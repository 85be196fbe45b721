"""Packages that some model formats need, and what to say when they are missing."""


def _install(package: str) -> str:
    return f"This format needs the package {package}, which is not installed: pip install {package}"


def _times(image_shape: tuple[int, int]) -> str:
    return " x ".join(map(str, image_shape))
