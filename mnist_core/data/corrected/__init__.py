"""Decisions of people on labels: a file beside the data, merged, compared and applied; the data stay as they are.

Rule: a decision holds for one image, known by its SHA-256, and for the label that it had.
"""
