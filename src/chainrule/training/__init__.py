"""Learning: the training run, its schedules, its results."""
