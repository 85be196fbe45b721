"""Neural networks on MNIST in plain NumPy: read the data, train by back-propagation, see what goes wrong.

One file a concept: :mod:`idx`, :mod:`dataset`, :mod:`preprocessing`, :mod:`network`, :mod:`training`,
:mod:`evaluation`; and :mod:`runs`, :mod:`jobs`, :mod:`slots`, :mod:`worker` for training in a process of its own.
"""
