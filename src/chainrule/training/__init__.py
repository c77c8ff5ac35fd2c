"""Learning: the training run, its randomness, its results."""
