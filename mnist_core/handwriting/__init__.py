"""From a photo or a drawing to MNIST images. Knows pictures, not networks."""
