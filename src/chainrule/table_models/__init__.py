"""Table models: training on a table, the model that comes of it, its files and predictions."""
