"""Measure a network by its predictions: probabilities, metrics, significance, label errors.

Rule: reads networks, labels and probabilities and returns scores; never changes a network.
"""
