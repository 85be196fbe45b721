"""From what was read to a data set: grey, of one size, light on dark, upright, labels from 0, two splits.

Rule: every step can be decided otherwise, and one that is not plain is said in a sentence.
"""
