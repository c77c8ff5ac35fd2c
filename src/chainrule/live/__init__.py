"""The page on which a training is seen while it runs, and the local server that shows it."""
