"""Table models: training on a table, the trained model, its files and predictions."""
