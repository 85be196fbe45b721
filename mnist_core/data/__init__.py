"""Where images and labels come from, and how they are prepared: files, data sets, downloads, mini-batches.

Rule: this room knows arrays and files, but no network and no run. Only ``published.download`` uses the network.
"""
