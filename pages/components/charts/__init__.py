"""Charts as Altair or HTML: curves, layers, the network."""
