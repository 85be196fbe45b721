"""What a network responds to: units, attribution, nearest neighbours, principal components.

Rule: reads networks and images and returns arrays; never trains or changes a network.
"""
