"""From a photo or a drawing to MNIST images: reading, ink, segmentation, mnist_format; find does it all.

Rule: knows pictures as arrays, and no data set and no network.
"""
