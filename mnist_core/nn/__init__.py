"""The part to read: a fully connected network, back-propagation and gradient descent in plain NumPy.

No files, no runs, no clocks. README.md has the reading order.
"""
