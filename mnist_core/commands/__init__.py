"""The commands of the command line, one a file, which describes its options and does its work.

What they write goes through ``output``, and what ends them through ``signals``.
"""
