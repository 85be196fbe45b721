"""What is learned from: IDX files, data sets, preprocessing, augmentation, mini-batches. Knows nothing of networks or runs."""
