"""Mini-batch gradient descent over epochs: settings, loop, state. Writes no file."""
