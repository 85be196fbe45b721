"""Neural networks on MNIST in plain NumPy. Each room is one concern, and imports only rooms listed below it.

- :mod:`cli`: the command line
- :mod:`commands`: its commands, one a file
- :mod:`assignment`: a learner's own implementation: check, name the mistake, grade, train
- :mod:`jobs`: processes that work on run folders: training, checking labels, the queue
- :mod:`runs`: a run as a folder: files, checkpoints, archive, trash
- :mod:`models`: model files for other programs: npz, safetensors, ONNX, Python
- :mod:`training`: settings, and mini-batch gradient descent over epochs
- :mod:`inspection`: what a network responds to: units, attribution, neighbours, principal components
- :mod:`evaluation`: predictions, metrics, significance, label errors
- :mod:`nn`: the part to read first: network, back-propagation, optimizers
- :mod:`handwriting`: from a photo or a drawing to MNIST images
- :mod:`data`: IDX files, data sets, preprocessing, augmentation, mini-batches
- :mod:`disk`: files that are written completely or not at all
- :mod:`errors`: one small family of errors; each says what was found, what was expected, what to do
- :mod:`untrusted`: text that a file, an address or a person wrote
"""
