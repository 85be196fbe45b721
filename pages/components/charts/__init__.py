"""Charts drawn by Altair: curves of a run, layers, the network.

Rule: a function takes arrays or records and returns a chart; it reads no run and draws nothing on the page.
"""
