"""Data sets as people have them: IDX, CSV, npz, pictures, parquet, mat, and zips of these.

Rule: a format is one file, ``table`` names them all, and nothing is believed: no name of a
file, no header, no size.
"""
