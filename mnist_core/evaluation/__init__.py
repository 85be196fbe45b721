"""Measure a network by its predictions: metrics, significance, label errors. Never changes a network."""
