"""A learner's own implementation of the recipe: run apart, check step by step, name the mistake, grade, train.

A stranger's code never runs in this process: :mod:`mnist_core.assignment.sandbox` starts one for it.
"""
