"""Data sets that others publish: their table, and how they are fetched and found by name.

Rule: nothing about a set is believed that was not computed from its files. Only ``download`` uses the network.
"""
